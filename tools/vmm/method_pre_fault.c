// SPDX-License-Identifier: GPL-2.0
#include <sys/ioctl.h>
#include "kvm.h"
#include "slices.h"

static int pre_fault_check(int kvm_fd, struct failure *failure)
{
	if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_PRE_FAULT_MEMORY) > 0)
		return 0;
	return fail_unavailable(failure,
		"no KVM_PRE_FAULT_MEMORY (Linux 6.10 and later, with two-dimensional paging)");
}

static int pre_fault_slice(struct slice *slice)
{
	const struct vm *vm = &slice->preparation->guest->vm;
	int ret = kvm_pre_fault(vm->vcpus[slice->index].fd, slice->base,
				slice->bytes);

	if (ret < 0)
		return fail_errno(&slice->failure, -ret,
				  "KVM_PRE_FAULT_MEMORY");
	return 0;
}

static int pre_fault_prepare(struct preparation *preparation,
			     struct failure *failure)
{
	return slices_run(preparation, pre_fault_slice, failure);
}

static int populate_pre_fault_check(int kvm_fd, struct failure *failure)
{
	if (method_populate.check(kvm_fd, failure) < 0)
		return -1;
	return pre_fault_check(kvm_fd, failure);
}

static int populate_pre_fault_prepare(struct preparation *preparation,
				      struct failure *failure)
{
	if (method_populate.prepare(preparation, failure) < 0)
		return -1;
	return pre_fault_prepare(preparation, failure);
}

const struct method method_pre_fault = {
	.name = "pre-fault",
	.summary = "KVM_PRE_FAULT_MEMORY on the vCPUs",
	.needs_vcpus = true,
	.check = pre_fault_check,
	.prepare = pre_fault_prepare,
};

const struct method method_populate_pre_fault = {
	.name = "populate+pre-fault",
	.summary = "MADV_POPULATE_WRITE, then KVM_PRE_FAULT_MEMORY on the vCPUs",
	.needs_vcpus = true,
	.check = populate_pre_fault_check,
	.prepare = populate_pre_fault_prepare,
};
