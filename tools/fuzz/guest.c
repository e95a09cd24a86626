// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"
#include "machine.h"
#include "vm.h"

/* guest_program.S */
extern const uint8_t guest_program[], guest_program_end[];

#define PML4		PAGE_SIZE
#define PDPT		(2 * PAGE_SIZE)

#define PTE_TABLE	0x27	/* present, writable, user, accessed */
#define PTE_HUGE_LEAF	0xe3	/* present, writable, accessed, dirty, huge */

#define CR0_PE		(1ULL << 0)
#define CR0_ET		(1ULL << 4)
#define CR0_NE		(1ULL << 5)
#define CR0_PG		(1ULL << 31)
#define CR4_PAE		(1ULL << 5)
#define EFER_LME	(1ULL << 8)
#define EFER_LMA	(1ULL << 10)

static __thread volatile sig_atomic_t saw_sigbus;

/* The first 512 GiB, each at its own address. */
void guest_write_program(void *program)
{
	uint64_t *pml4 = program + PML4, *pdpt = program + PDPT;
	unsigned int i;

	memcpy(program, guest_program, guest_program_end - guest_program);
	pml4[0] = PDPT | PTE_TABLE;
	for (i = 0; i < PAGE_SIZE / sizeof(*pdpt); i++)
		pdpt[i] = i * SZ_1G | PTE_HUGE_LEAF;
}

int guest_prepare_vcpu(int fd)
{
	const struct kvm_segment code = {
		.limit = ~0U, .selector = 8, .type = 11, .present = 1, .s = 1,
		.l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.limit = ~0U, .selector = 16, .type = 3, .present = 1, .s = 1,
		.db = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(fd, KVM_SET_CPUID2, machine.cpuid) ||
	    ioctl(fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.ss = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs.cr3 = PML4;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	return ioctl(fd, KVM_SET_SREGS, &sregs) ? -errno : 0;
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
	struct sigaction bus = { .sa_flags = SA_SIGINFO, .sa_sigaction = on_sigbus };
	struct sigaction usr1 = { .sa_handler = on_signal };

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

enum guest_end guest_run(int fd, struct kvm_run *run, struct guest_access *access)
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

void step_vcpu_run(struct thread *thread)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	unsigned int vcpu = rng_below(&thread->rng, NR_VCPUS);
	unsigned int slot = 1 + rng_below(&thread->rng, NR_SLOTS);
	struct guest_access access = {
		.gpa = rng_below(&thread->rng, SZ_4M / PAGE_SIZE) * PAGE_SIZE,
		.nr_pages = 1 + rng_below(&thread->rng, 64),
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
			end = guest_run(fd, run, &access);
			munmap(run, machine.run_size);
		}
		close(fd);
	}
	call_end(thread);
	count_result(KIND_VCPU_RUN, 0, end == GUEST_HALTED);
}
