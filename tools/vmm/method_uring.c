// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <liburing_kvm.h>
#include "batch.h"

static int uring_check(int kvm_fd, struct failure *failure)
{
	struct io_uring ring;
	int ret;

	if (map_memory_check(kvm_fd, KVM_MAP_MEMORY_FEATURE_URING, failure) < 0)
		return -1;
	ret = io_uring_queue_init(BATCH_RING_ENTRIES, &ring, 0);
	if (ret == -EPERM || ret == -ENOSYS) {
		fail_unavailable(failure, "io_uring: %s", strerror(-ret));
		if (ret == -EPERM)
			advise(failure,
			       "as root: sysctl kernel.io_uring_disabled=0; a container's seccomp filter\n"
			       "may forbid it too\n");
		return -1;
	}
	if (ret < 0)
		return fail_errno(failure, -ret, "io_uring");
	io_uring_queue_exit(&ring);
	return 0;
}

static int uring_prepare(struct preparation *preparation,
			 struct failure *failure)
{
	struct batch batch;

	batch_init(&batch, preparation);
	return batch_done(&batch,
			  batch_run_uring(preparation->guest->vm.fd,
					  &batch.batch),
			  preparation, failure);
}

const struct method method_uring = {
	.name = "uring",
	.summary = "KVM_MAP_MEMORY_BATCH through io_uring, no vCPU needed",
	.check = uring_check,
	.prepare = uring_prepare,
};
