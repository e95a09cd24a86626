/* SPDX-License-Identifier: GPL-2.0 */
/* A software-protected VM with a slot whose pages are private or shared. */
#ifndef SELFTESTS_PRIVATE_VM_H
#define SELFTESTS_PRIVATE_VM_H

#include "test_vm.h"

#define PRIVATE_VM_PAGES	1280
#define PRIVATE_VM_SIZE		((uint64_t)PRIVATE_VM_PAGES * PAGE_SIZE)

/* The first words of pages, as private and as shared memory. */
#define PRIVATE_WORD		0x1111000000ULL
#define SHARED_WORD		0x2222000000ULL

struct private_vm {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	int guest_memfd;
};

/* All of TEST_SLOT is shared at first. */
void private_vm_create(struct private_vm *pvm);
void private_vm_destroy(struct private_vm *pvm);
/* Makes @nr pages private, from @first on every @stride'th. */
void private_vm_convert(struct private_vm *pvm, uint64_t first, uint64_t nr,
			uint64_t stride);
void private_vm_punch_hole(struct private_vm *pvm, uint64_t first, uint64_t nr);
/* A pass from @first to the end; returns the stage-2 faults that it took. */
uint64_t private_vm_pass(struct private_vm *pvm, uint64_t first, uint64_t stride,
			 uint64_t ops, uint64_t word);
/* Pages of the VMM's memory that there are. */
uint64_t private_vm_shared_pages(struct private_vm *pvm);

#endif /* SELFTESTS_PRIVATE_VM_H */
