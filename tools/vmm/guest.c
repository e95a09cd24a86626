// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include "clock.h"
#include "guest.h"
#include "long_mode.h"
#include "units.h"

/* guest_program.S */
extern const uint8_t guest_program[], guest_program_end[];

/* The bit that is always set. */
#define RFLAGS_FIXED	BIT_ULL(1)

int guest_create(struct guest *guest, int kvm_fd,
		 const struct memory_kind *kind, uint64_t bytes,
		 struct failure *failure)
{
	uint64_t memory_end = GUEST_MEMORY_BASE + bytes;
	uint64_t program_bytes = long_mode_bytes(memory_end);

	memset(guest, 0, sizeof(*guest));
	guest->vm.fd = -1;
	guest->vm.stats.fd = -1;
	if (memory_map(&guest->memory, kind, bytes, failure) < 0 ||
	    memory_map(&guest->program, memory_kind_find("4k"), program_bytes,
		       failure) < 0 ||
	    vm_create(&guest->vm, kvm_fd, failure) < 0 ||
	    vm_add_memory(&guest->vm, 0, guest->program.host, program_bytes,
			  failure) < 0 ||
	    vm_add_memory(&guest->vm, GUEST_MEMORY_BASE, guest->memory.host,
			  bytes, failure) < 0)
		return -1;
	long_mode_write(guest->program.host, guest_program,
			guest_program_end - guest_program, memory_end);
	return 0;
}

void guest_destroy(struct guest *guest)
{
	vm_destroy(&guest->vm);
	memory_unmap(&guest->memory);
	memory_unmap(&guest->program);
}

int guest_run(struct guest *guest, unsigned int vcpu,
	      const struct kvm_regs *registers, struct failure *failure)
{
	struct kvm_run *run = guest->vm.vcpus[vcpu].run;
	struct kvm_regs regs = *registers;
	int fd = guest->vm.vcpus[vcpu].fd, ret;

	regs.rflags = RFLAGS_FIXED;
	ret = long_mode_enter(fd);
	if (ret)
		return fail_errno(failure, -ret, "the vCPU's 64-bit mode");
	if (ioctl(fd, KVM_SET_REGS, &regs) < 0)
		return fail_errno(failure, errno, "KVM_SET_REGS");
	do {
		ret = ioctl(fd, KVM_RUN, NULL);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	if (ret < 0)
		return fail_errno(failure, errno, "KVM_RUN");
	if (run->exit_reason != KVM_EXIT_HLT)
		return fail(failure, "the guest ended with exit reason %u, not a halt",
			    run->exit_reason);
	return 0;
}

int guest_write_range(struct guest *guest, unsigned int vcpu, uint64_t base,
		      uint64_t bytes, struct failure *failure)
{
	struct kvm_regs regs = {
		.rip = LONG_MODE_CODE,
		.rdi = base,
		.rsi = base + bytes,
	};

	return guest_run(guest, vcpu, &regs, failure);
}

int guest_write_pages(struct guest *guest, double *seconds,
		      struct failure *failure)
{
	double start = clock_seconds();

	if (guest_write_range(guest, 0, GUEST_MEMORY_BASE,
			      guest->memory.bytes, failure) < 0)
		return -1;
	*seconds = clock_seconds() - start;
	return 0;
}

int guest_check_range(const struct guest *guest, uint64_t base, uint64_t bytes,
		      struct failure *failure)
{
	const uint8_t *host = guest->memory.host + (base - GUEST_MEMORY_BASE);
	uint64_t offset;

	for (offset = 0; offset < bytes; offset += PAGE_SIZE) {
		uint64_t expected = base + offset, word;

		memcpy(&word, host + offset, sizeof(word));
		if (word != expected)
			return fail(failure,
				    "the guest's page %#llx holds %#llx in host memory, not its address",
				    (unsigned long long)expected,
				    (unsigned long long)word);
	}
	return 0;
}

int guest_check_pages(const struct guest *guest, struct failure *failure)
{
	return guest_check_range(guest, GUEST_MEMORY_BASE, guest->memory.bytes,
				 failure);
}
