// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <liburing_kvm.h>
#include "slices.h"

static int vcpu_check(int kvm_fd, struct failure *failure)
{
	return map_memory_check(kvm_fd, KVM_MAP_MEMORY_FEATURE_VCPU, failure);
}

static int vcpu_slice(struct slice *slice)
{
	const struct vm *vm = &slice->preparation->guest->vm;
	struct kvm_memory_mapping mapping;
	int ret;

	kvm_memory_mapping_init(&mapping, slice->base, slice->bytes, 0);
	ret = kvm_map_memory_vcpu(vm->vcpus[slice->index].fd, &mapping);
	if (ret < 0)
		return fail(&slice->failure, "KVM_MAP_MEMORY at %#llx: %s",
			    (unsigned long long)mapping.base_address,
			    strerror(-ret));
	return 0;
}

static int vcpu_prepare(struct preparation *preparation,
			struct failure *failure)
{
	return slices_run(preparation, vcpu_slice, failure);
}

const struct method method_vcpu = {
	.name = "vcpu",
	.summary = "KVM_MAP_MEMORY on the vCPUs",
	.needs_vcpus = true,
	.check = vcpu_check,
	.prepare = vcpu_prepare,
};
