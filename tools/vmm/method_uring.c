// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <liburing_kvm.h>
#include "batch.h"

#define RING_ENTRIES 4

static int uring_check(int kvm_fd, struct failure *failure)
{
	struct io_uring ring;
	int ret;

	if (map_memory_check(kvm_fd, KVM_MAP_MEMORY_FEATURE_URING, failure) < 0)
		return -1;
	ret = io_uring_queue_init(RING_ENTRIES, &ring, 0);
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

/* Returns the result of the command, or why there is none. */
static int run_command(struct io_uring *ring, int vm_fd,
		       struct kvm_map_memory_batch *batch)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret;

	io_uring_prep_cmd_kvm_map_memory(sqe, vm_fd, batch);
	io_uring_sqe_set_data(sqe, batch);
	ret = io_uring_submit(ring);
	if (ret < 0)
		return ret;
	/* A signal ends the wait, and not the command. */
	do {
		ret = io_uring_wait_cqe(ring, &cqe);
	} while (ret == -EINTR);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static int uring_prepare(struct preparation *preparation,
			 struct failure *failure)
{
	struct io_uring ring;
	struct batch batch;
	int ret;

	ret = io_uring_queue_init(RING_ENTRIES, &ring, 0);
	if (ret < 0)
		return fail_errno(failure, -ret, "io_uring");
	batch_init(&batch, preparation);
	ret = run_command(&ring, preparation->guest->vm.fd, &batch.batch);
	io_uring_queue_exit(&ring);
	return batch_done(&batch, ret, preparation, failure);
}

const struct method method_uring = {
	.name = "uring",
	.summary = "KVM_MAP_MEMORY_BATCH through io_uring, no vCPU needed",
	.check = uring_check,
	.prepare = uring_prepare,
};
