// SPDX-License-Identifier: GPL-2.0
/* One call for all ranges. */
#include <string.h>
#include "vector.h"

#define RING_ENTRIES 4

static int batch_result(int ret, struct failure *failure)
{
	if (ret < 0)
		return fail(failure, "KVM_MAP_MEMORY_BATCH: %s",
			    strerror(-ret));
	return 0;
}

static int ioctl_vector(struct vector *vector, struct failure *failure)
{
	struct kvm_map_memory_batch batch;

	kvm_map_memory_batch_init(&batch, vector->ranges, vector->nr,
				  vector->workers);
	return batch_result(kvm_map_memory_batch_run(vector->guest->vm.fd,
						     &batch), failure);
}

static int uring_vector(struct vector *vector, struct failure *failure)
{
	struct kvm_map_memory_batch batch;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int ret;

	ret = io_uring_queue_init(RING_ENTRIES, &ring, 0);
	if (ret < 0)
		return fail_errno(failure, -ret, "io_uring");
	kvm_map_memory_batch_init(&batch, vector->ranges, vector->nr,
				  vector->workers);
	io_uring_prep_cmd_kvm_map_memory(io_uring_get_sqe(&ring),
					 vector->guest->vm.fd, &batch);
	ret = io_uring_submit_and_wait(&ring, 1);
	if (ret >= 0)
		ret = io_uring_wait_cqe(&ring, &cqe);
	if (!ret)
		ret = cqe->res;
	io_uring_queue_exit(&ring);
	return batch_result(ret, failure);
}

const struct vector_peer vector_ioctl = {
	.name = "ioctl",
	.prepare = ioctl_vector,
};

const struct vector_peer vector_uring = {
	.name = "uring",
	.prepare = uring_vector,
};
