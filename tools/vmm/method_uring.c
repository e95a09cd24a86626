// SPDX-License-Identifier: GPL-2.0
#include <liburing_kvm.h>
#include "batch.h"
#include "io_uring_check.h"

static int uring_check(int kvm_fd, struct failure *failure)
{
	if (map_memory_check(kvm_fd, KVM_MAP_MEMORY_FEATURE_URING, failure) < 0)
		return -1;
	return io_uring_check(failure);
}

static int uring_prepare(struct preparation *preparation,
			 struct failure *failure)
{
	return batch_prepare(preparation, batch_run_uring, failure);
}

const struct method method_uring = {
	.name = "uring",
	.summary = "KVM_MAP_MEMORY_BATCH through io_uring, no vCPU needed",
	.check = uring_check,
	.prepare = uring_prepare,
};
