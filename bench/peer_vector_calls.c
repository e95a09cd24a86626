// SPDX-License-Identifier: GPL-2.0
/* One call for each range. */
#include <string.h>
#include "trial.h"
#include "vector.h"

static int populate_range(struct vector *vector,
			  const struct kvm_memory_mapping *range,
			  struct failure *failure)
{
	return memory_populate(vector->guest->memory.host +
			       (range->base_address - GUEST_MEMORY_BASE),
			       range->size, failure);
}

static int pre_fault_range(struct vector *vector,
			   const struct kvm_memory_mapping *range,
			   struct failure *failure)
{
	int ret = kvm_pre_fault(vector->guest->vm.vcpus[0].fd,
				range->base_address, range->size);

	if (ret < 0)
		return fail_errno(failure, -ret, "KVM_PRE_FAULT_MEMORY");
	return 0;
}

static int vcpu_range(struct vector *vector,
		      const struct kvm_memory_mapping *range,
		      struct failure *failure)
{
	struct kvm_memory_mapping left = *range;
	int ret = kvm_map_memory_vcpu(vector->guest->vm.vcpus[0].fd, &left);

	if (ret < 0)
		return fail(failure, "KVM_MAP_MEMORY: %s", strerror(-ret));
	return 0;
}

static int each_range(struct vector *vector,
		      int (*prepare)(struct vector *vector,
				     const struct kvm_memory_mapping *range,
				     struct failure *failure),
		      struct failure *failure)
{
	unsigned int i;

	for (i = 0; i < vector->nr; i++)
		if (prepare(vector, &vector->ranges[i], failure) < 0)
			return -1;
	return 0;
}

static int populate(struct vector *vector, struct failure *failure)
{
	return each_range(vector, populate_range, failure);
}

static int pre_fault(struct vector *vector, struct failure *failure)
{
	return each_range(vector, pre_fault_range, failure);
}

static int populate_pre_fault(struct vector *vector, struct failure *failure)
{
	if (populate(vector, failure) < 0)
		return -1;
	return pre_fault(vector, failure);
}

static int vcpu(struct vector *vector, struct failure *failure)
{
	return each_range(vector, vcpu_range, failure);
}

const struct vector_peer vector_populate = {
	.name = "populate",
	.prepare = populate,
};

const struct vector_peer vector_pre_fault = {
	.name = "pre-fault",
	.needs_vcpu = true,
	.prepare = pre_fault,
};

const struct vector_peer vector_populate_pre_fault = {
	.name = "populate+pre-fault",
	.needs_vcpu = true,
	.prepare = populate_pre_fault,
};

const struct vector_peer vector_vcpu = {
	.name = "vcpu",
	.needs_vcpu = true,
	.prepare = vcpu,
};
