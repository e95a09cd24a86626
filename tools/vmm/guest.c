// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include "clock.h"
#include "guest.h"
#include "units.h"

/* guest_program.S */
extern const uint8_t guest_program[], guest_program_end[];

/* Offsets in the pages of the program. */
#define CODE		0
#define PML4		PAGE_SIZE
#define PDPT		(2 * PAGE_SIZE)
#define PDPT_BYTES	(512 * GIB)

#define PTE_PRESENT	BIT_ULL(0)
#define PTE_WRITABLE	BIT_ULL(1)
#define PTE_ACCESSED	BIT_ULL(5)
#define PTE_DIRTY	BIT_ULL(6)
#define PTE_HUGE	BIT_ULL(7)
#define PTE_TABLE	(PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED)
#define PTE_LEAF	(PTE_TABLE | PTE_DIRTY | PTE_HUGE)

#define CR0_PE		BIT_ULL(0)
#define CR0_ET		BIT_ULL(4)
#define CR0_NE		BIT_ULL(5)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)
#define RFLAGS_FIXED	BIT_ULL(1)

static uint64_t nr_pdpts(uint64_t memory_bytes)
{
	return (GUEST_MEMORY_BASE + memory_bytes + PDPT_BYTES - 1) / PDPT_BYTES;
}

/* Identical mapping of everything up to the end of the memory. */
static void write_program(uint8_t *host, uint64_t memory_bytes)
{
	uint64_t *pml4 = (uint64_t *)(host + PML4);
	uint64_t *pdpts = (uint64_t *)(host + PDPT);
	uint64_t i, nr = nr_pdpts(memory_bytes);

	memcpy(host + CODE, guest_program, guest_program_end - guest_program);
	for (i = 0; i < nr; i++)
		pml4[i] = (PDPT + i * PAGE_SIZE) | PTE_TABLE;
	for (i = 0; i < nr * 512; i++)
		pdpts[i] = i * GIB | PTE_LEAF;
}

int guest_create(struct guest *guest, int kvm_fd,
		 const struct memory_kind *kind, uint64_t bytes,
		 struct failure *failure)
{
	uint64_t program_bytes = PDPT + nr_pdpts(bytes) * PAGE_SIZE;

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
	write_program(guest->program.host, bytes);
	return 0;
}

void guest_destroy(struct guest *guest)
{
	vm_destroy(&guest->vm);
	memory_unmap(&guest->memory);
	memory_unmap(&guest->program);
}

static int set_segments(int vcpu_fd, struct failure *failure)
{
	const struct kvm_segment code = {
		.limit = ~0U, .selector = 1 << 3, .type = 11, .present = 1,
		.s = 1, .l = 1, .g = 1,
	};
	const struct kvm_segment data = {
		.limit = ~0U, .selector = 2 << 3, .type = 3, .present = 1,
		.s = 1, .db = 1, .g = 1,
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return fail_errno(failure, errno, "KVM_GET_SREGS");
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
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return fail_errno(failure, errno, "KVM_SET_SREGS");
	return 0;
}

int guest_run(struct guest *guest, unsigned int vcpu,
	      const struct kvm_regs *registers, struct failure *failure)
{
	struct kvm_run *run = guest->vm.vcpus[vcpu].run;
	struct kvm_regs regs = *registers;
	int fd = guest->vm.vcpus[vcpu].fd, ret;

	regs.rflags = RFLAGS_FIXED;
	if (set_segments(fd, failure) < 0)
		return -1;
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
		.rip = CODE,
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

int guest_check_pages(const struct guest *guest, struct failure *failure)
{
	uint64_t offset;

	for (offset = 0; offset < guest->memory.bytes; offset += PAGE_SIZE) {
		uint64_t expected = GUEST_MEMORY_BASE + offset, word;

		memcpy(&word, guest->memory.host + offset, sizeof(word));
		if (word != expected)
			return fail(failure,
				    "the guest's page %#llx holds %#llx in host memory, not its address",
				    (unsigned long long)expected,
				    (unsigned long long)word);
	}
	return 0;
}
