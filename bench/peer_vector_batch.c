// SPDX-License-Identifier: GPL-2.0
/* One call for all ranges. */
#include <string.h>
#include "batch.h"
#include "vector.h"

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

	kvm_map_memory_batch_init(&batch, vector->ranges, vector->nr,
				  vector->workers);
	return batch_result(batch_run_uring(vector->guest->vm.fd, &batch),
			    failure);
}

const struct vector_peer vector_ioctl = {
	.name = "ioctl",
	.prepare = ioctl_vector,
};

const struct vector_peer vector_uring = {
	.name = "uring",
	.prepare = uring_vector,
};
