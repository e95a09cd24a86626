// SPDX-License-Identifier: GPL-2.0
#include <liburing_kvm.h>
#include "batch.h"

static int ioctl_check(int kvm_fd, struct failure *failure)
{
	return map_memory_check(kvm_fd, KVM_MAP_MEMORY_FEATURE_BATCH, failure);
}

static int ioctl_prepare(struct preparation *preparation,
			 struct failure *failure)
{
	return batch_prepare(preparation, kvm_map_memory_batch_run, failure);
}

const struct method method_ioctl = {
	.name = "ioctl",
	.summary = "KVM_MAP_MEMORY_BATCH on the VM, no vCPU needed",
	.check = ioctl_check,
	.prepare = ioctl_prepare,
};
