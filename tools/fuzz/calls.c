// SPDX-License-Identifier: GPL-2.0
/* The blocking calls. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "inject.h"
#include "machine.h"
#include "place.h"

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
STEP(vcpu_map, 110, "KVM_MAP_MEMORY");

static void make_vcpu_map(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int vcpu = rng_below(&thread->rng, NR_VCPUS);
	struct call call;
	int ret;

	call_make(&call, ENTRY_VCPU, &thread->rng);
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
STEP(batch, 130, "batch by ioctl");

static void make_batch(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	struct call call;
	int ret;

	call_make(&call, ENTRY_BATCH, &thread->rng);
	call_begin(thread, "KVM_MAP_MEMORY_BATCH on VM %u: %s", vm, call.text);
	inject_begin(thread);
	ret = ioctl(VM_FD(vm), KVM_MAP_MEMORY_BATCH, call.address) ? -errno : 0;
	call.injected = inject_end(thread);
	call_end(thread);

	call_check(thread, &call, ret);
	call_count(&call, &step_batch, &step_batch_refused, ret);
	call_free(&call);
}

/*
 * In Linux 6.12 it can wait for the deletion of a memslot that waits for it,
 * until a signal comes: have one come.
 */
#define PRE_FAULT_PATIENCE_MS	(300 * machine.timeout_factor)

STEP(pre_fault, 20, "KVM_PRE_FAULT_MEMORY");

static void make_pre_fault(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int vcpu = rng_below(&thread->rng, NR_VCPUS);
	struct kvm_pre_fault_memory range = {
		.gpa = WINDOW_GPA(1 + rng_below(&thread->rng, NR_SLOTS)),
		.size = (1 + rng_below(&thread->rng, 256)) * PAGE_SIZE,
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

/* The result that a child's call must have; safe to call after a fork. */
static int call_in_child(int fd, unsigned long request, const struct call *call)
{
	int error = ioctl(fd, request, call->address) ? errno : 0;

	return error == EIO ? 0 : error == EBADF ? 1 : 2;
}

STEP(child_calls, 8, "calls of another process");

/*
 * A child has the descriptors, but the VMs are not its own.  It touches what it
 * shares with its parent, then goes.
 */
static void make_child_calls(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	int status = 0, answer;
	struct call call;
	pid_t pid;

	call_make(&call, rng_percent(&thread->rng, 50) ? ENTRY_BATCH : ENTRY_VCPU,
		  &thread->rng);
	call_begin(thread, "in a child, on VM %u: %s", vm, call.text);
	pid = fork();
	if (!pid)
		_exit(call.entry == ENTRY_BATCH ?
		      call_in_child(VM_FD(vm), KVM_MAP_MEMORY_BATCH, &call) :
		      call_in_child(VCPU_FD(vm, 0), KVM_MAP_MEMORY, &call));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	call_end(thread);

	answer = pid < 0 ? 1 : WIFEXITED(status) ? WEXITSTATUS(status) : 3;
	if (answer > 1)
		violation(thread, "a call of another process did not end with EIO (%d)",
			  answer);
	count_result(&step_child_calls, answer ? -EBADF : -EIO, !answer);
	call_free(&call);
}
