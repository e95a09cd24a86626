// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "access.h"
#include "kvm.h"
#include "long_mode.h"
#include "machine.h"
#include "place.h"

/* access_program.S */
extern const uint8_t access_program[], access_program_end[];

static __thread volatile sig_atomic_t saw_sigbus;

void *access_map_program(uint64_t memory_end)
{
	void *program = mmap(NULL, long_mode_bytes(memory_end),
			     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);

	long_mode_write(program, access_program,
			access_program_end - access_program, memory_end);
	return program;
}

int access_prepare_vcpu(int fd)
{
	int ret = kvm_set_cpuid(machine.kvm_fd, fd);

	return ret ? ret : long_mode_enter(fd);
}

/* Memory of the fuzzer's own is never poisoned, nor beyond the end of a file. */
static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	if (info->si_code != BUS_MCEERR_AR && info->si_code != BUS_MCEERR_AO) {
		static const char text[] = "# SIGBUS in the fuzzer\n";

		if (write(1, text, sizeof(text) - 1) < 0)
			_exit(3);
		_exit(2);
	}
	saw_sigbus = 1;
	(void)signal;
	(void)context;
}

static void on_signal(int signal)
{
	(void)signal;
}

void guest_catch_signals(void)
{
	struct sigaction bus = { .sa_flags = SA_SIGINFO | SA_ONSTACK,
				 .sa_sigaction = on_sigbus };
	struct sigaction usr1 = { .sa_flags = SA_ONSTACK, .sa_handler = on_signal };

	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
}

static enum guest_end end_of_run(int error, const struct kvm_run *run)
{
	if (saw_sigbus || error == EHWPOISON)
		return GUEST_POISON;
	if (error == EFAULT)
		return GUEST_FAULT;
	if (error == EINTR || error == EAGAIN)
		return GUEST_INTERRUPTED;
	if (error)
		return GUEST_OTHER;

	switch (run->exit_reason) {
	case KVM_EXIT_HLT:
		return GUEST_HALTED;
	case KVM_EXIT_MMIO:
		return GUEST_MMIO;
	case KVM_EXIT_DIRTY_RING_FULL:
		return GUEST_RING_FULL;
	default:
		return GUEST_OTHER;
	}
}

enum guest_end access_run(int fd, struct kvm_run *run, struct guest_access *access)
{
	struct kvm_regs regs = {
		.rflags = 2,
		.rdi = access->gpa,
		.rcx = access->nr_pages,
		.rdx = access->write,
		.rax = access->value,
	};
	enum guest_end end;

	/* An access to nothing that is still to be completed would come first. */
	__atomic_store_n(&run->immediate_exit, 1, __ATOMIC_RELAXED);
	ioctl(fd, KVM_RUN, NULL);
	__atomic_store_n(&run->immediate_exit, 0, __ATOMIC_RELAXED);

	saw_sigbus = 0;
	if (ioctl(fd, KVM_SET_REGS, &regs))
		return GUEST_OTHER;
	access->error = ioctl(fd, KVM_RUN, NULL) ? errno : 0;
	access->exit_reason = run->exit_reason;
	end = end_of_run(access->error, run);
	if (end == GUEST_HALTED && !ioctl(fd, KVM_GET_REGS, &regs))
		access->value = regs.rax;
	return end;
}

const char *guest_end_name(enum guest_end end)
{
	static const char * const names[] = {
		"done", "EFAULT", "poison", "MMIO", "dirty ring full", "interrupted",
		"something else",
	};

	return names[end];
}

STEP(vcpu_run, 15, "KVM_RUN");

static void make_vcpu_run(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int vcpu = rng_below(&thread->rng, NR_VCPUS);
	unsigned int slot = 1 + rng_below(&thread->rng, NR_SLOTS);
	struct guest_access access = {
		.gpa = rng_below(&thread->rng, SZ_4M / PAGE_SIZE) * PAGE_SIZE,
		.nr_pages = 1 + rng_below(&thread->rng, 4),
		.write = rng_percent(&thread->rng, 50),
		.value = rng_next(&thread->rng),
	};
	enum guest_end end = GUEST_OTHER;
	struct kvm_run *run;
	int fd;

	access.gpa += WINDOW_GPA(slot);
	call_begin(thread, "run vCPU %u of VM %u: %s 0x%lx, %lu pages", vcpu, vm,
		   access.write ? "write" : "read", access.gpa, access.nr_pages);
	/* Of its own, so that the mapping belongs to the vCPU. */
	fd = fcntl(VCPU_FD(vm, vcpu), F_DUPFD_CLOEXEC, 400);
	if (fd >= 0) {
		run = mmap(NULL, machine.run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
		if (run != MAP_FAILED) {
			end = access_run(fd, run, &access);
			munmap(run, machine.run_size);
		}
		close(fd);
	}
	call_end(thread);
	count_result(&step_vcpu_run, 0, end == GUEST_HALTED);
}
