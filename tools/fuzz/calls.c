// SPDX-License-Identifier: GPL-2.0
/* The blocking calls. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "call.h"
#include "inject.h"
#include "place.h"
#include "sibling.h"

OUTCOME(shaky, "arguments in memory that others change");

void call_count(const struct call *call, const struct step *step,
		const struct step *refused, int result)
{
	if (call->shaky)
		count_result(&step_shaky, result, true);
	else if (call->refused)
		count_result(refused, result, result == -call->refused);
	else if (step)
		count_call(step, result);
}

OUTCOME(vcpu_refused, "KVM_MAP_MEMORY, bad arguments");
STEP(vcpu_map, 220, "KVM_MAP_MEMORY");

static void make_vcpu_map(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int vcpu = rng_below(&thread->rng, NR_VCPUS);
	struct call call;
	int ret;

	call_make(&call, ENTRY_VCPU, vm, &thread->rng);
	call_begin(thread, "KVM_MAP_MEMORY on vCPU %u of VM %u: %s", vcpu, vm,
		   call.text);
	inject_begin(thread);
	ret = ioctl(VCPU_FD(vm, vcpu), KVM_MAP_MEMORY, call.address) ? -errno : 0;
	call.injected = inject_end(thread);
	call_end(thread);

	call_check(thread, &call, ret);
	call_count(&call, &step_vcpu_map, &step_vcpu_refused, ret);
	call_free(&call);
}

OUTCOME(batch_refused, "batch by ioctl, bad arguments");
STEP(batch, 260, "batch by ioctl");

void call_batch(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	struct call call;
	int ret;

	call_make(&call, ENTRY_BATCH, vm, &thread->rng);
	call_begin(thread, "KVM_MAP_MEMORY_BATCH on VM %u: %s", vm, call.text);
	inject_begin(thread);
	ret = ioctl(VM_FD(vm), KVM_MAP_MEMORY_BATCH, call.address) ? -errno : 0;
	call.injected = inject_end(thread);
	call_end(thread);

	call_check(thread, &call, ret);
	call_count(&call, &step_batch, &step_batch_refused, ret);
	call_free(&call);
}

static void make_batch(struct thread *thread)
{
	call_batch(thread);
}

/*
 * In Linux 6.12 it can wait for the deletion of a memslot that waits for it,
 * until a signal comes: have one come.  One that comes early does no harm.
 */
#define PRE_FAULT_PATIENCE_MS	30

STEP(pre_fault, 10, "KVM_PRE_FAULT_MEMORY");

static void make_pre_fault(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int vcpu = rng_below(&thread->rng, NR_VCPUS);
	struct kvm_pre_fault_memory range = {
		.gpa = WINDOW_GPA(1 + rng_below(&thread->rng, NR_SLOTS)),
		.size = (1 + rng_below(&thread->rng, 16)) * PAGE_SIZE,
	};
	uint64_t end;
	int ret;

	range.gpa += rng_below(&thread->rng, SZ_4M / PAGE_SIZE) * PAGE_SIZE;
	end = range.gpa + range.size;
	call_begin(thread, "KVM_PRE_FAULT_MEMORY on vCPU %u of VM %u: 0x%llx, 0x%llx bytes",
		   vcpu, vm, range.gpa, range.size);
	thread->patience = PRE_FAULT_PATIENCE_MS;
	ret = ioctl(VCPU_FD(vm, vcpu), KVM_PRE_FAULT_MEMORY, &range) ? -errno : 0;
	thread->patience = 0;
	call_end(thread);

	if (range.gpa + range.size != end || (range.gpa & (PAGE_SIZE - 1)))
		violation(thread, "0x%llx bytes at 0x%llx are left of what ended at 0x%lx",
			  range.size, range.gpa, end);
	count_call(&step_pre_fault, ret);
}

STEP(other_process, 8, "calls of another process");

/* It has the descriptors, but the VMs are not its own. */
static void make_other_process(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	bool batch = rng_percent(&thread->rng, 50);
	struct call call;
	int ret;

	call_make(&call, batch ? ENTRY_BATCH : ENTRY_VCPU, vm, &thread->rng);
	call_begin(thread, "in another process, on VM %u: %s", vm, call.text);
	ret = batch ?
		sibling_ioctl(VM_FD(vm), KVM_MAP_MEMORY_BATCH, call.address) :
		sibling_ioctl(VCPU_FD(vm, 0), KVM_MAP_MEMORY, call.address);
	call_end(thread);

	if (ret != -EIO && ret != -EBADF)
		violation(thread, "a call of another process did not end with EIO (%d)",
			  ret);
	count_result(&step_other_process, ret, ret == -EIO);
	call_free(&call);
}
