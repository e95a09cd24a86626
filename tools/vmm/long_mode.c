// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>
#include "long_mode.h"
#include "units.h"

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

static uint64_t nr_pdpts(uint64_t memory_end)
{
	return (memory_end + PDPT_BYTES - 1) / PDPT_BYTES;
}

uint64_t long_mode_bytes(uint64_t memory_end)
{
	return PDPT + nr_pdpts(memory_end) * PAGE_SIZE;
}

void long_mode_write(void *program, const void *code, size_t code_bytes,
		     uint64_t memory_end)
{
	uint64_t *pml4 = program + PML4, *pdpts = program + PDPT;
	uint64_t i, nr = nr_pdpts(memory_end);

	memcpy(program + LONG_MODE_CODE, code, code_bytes);
	for (i = 0; i < nr; i++)
		pml4[i] = (PDPT + i * PAGE_SIZE) | PTE_TABLE;
	for (i = 0; i < nr * 512; i++)
		pdpts[i] = i * GIB | PTE_LEAF;
}

int long_mode_enter(int vcpu_fd)
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
	if (ioctl(vcpu_fd, KVM_SET_SREGS, &sregs) < 0)
		return -errno;
	return 0;
}
