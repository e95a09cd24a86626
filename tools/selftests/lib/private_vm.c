// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/falloc.h>

#include "host_state.h"
#include "private_vm.h"

/* So that no page has the index in the file that it has in the slot. */
#define FILE_OFFSET	((uint64_t)SZ_2M)

void private_vm_create(struct private_vm *pvm)
{
	pvm->vm = test_vm_create_type(KVM_X86_SW_PROTECTED_VM, 1, &pvm->vcpu);
	pvm->hva = test_mem_alloc(PRIVATE_VM_SIZE);
	pvm->guest_memfd = vm_create_guest_memfd(pvm->vm, FILE_OFFSET + PRIVATE_VM_SIZE, 0);
	vm_set_user_memory_region2(pvm->vm, TEST_SLOT, KVM_MEM_GUEST_MEMFD, TEST_GPA,
				   PRIVATE_VM_SIZE, pvm->hva, pvm->guest_memfd,
				   FILE_OFFSET);
}

void private_vm_destroy(struct private_vm *pvm)
{
	kvm_vm_free(pvm->vm);
	if (pvm->guest_memfd >= 0)
		close(pvm->guest_memfd);
}

void private_vm_convert(struct private_vm *pvm, uint64_t first, uint64_t nr,
			uint64_t stride)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		vm_mem_set_private(pvm->vm, TEST_GPA + (first + i * stride) * PAGE_SIZE,
				   PAGE_SIZE);
}

void private_vm_punch_hole(struct private_vm *pvm, uint64_t first, uint64_t nr)
{
	TEST_ASSERT(!fallocate(pvm->guest_memfd,
			       FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
			       FILE_OFFSET + first * PAGE_SIZE, nr * PAGE_SIZE),
		    "Cannot punch a hole");
}

uint64_t private_vm_pass(struct private_vm *pvm, uint64_t first, uint64_t stride,
			 uint64_t ops, uint64_t word)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA + first * PAGE_SIZE,
		.nr_pages = (PRIVATE_VM_PAGES - first + stride - 1) / stride,
		.stride = stride,
		.ops = ops,
		.expect = word,
		.value = word,
	};

	return guest_pass(pvm->vcpu, &pass);
}

uint64_t private_vm_shared_pages(struct private_vm *pvm)
{
	uint64_t i, nr = 0;

	for (i = 0; i < PRIVATE_VM_PAGES; i++)
		nr += page_is_present(pvm->hva + i * PAGE_SIZE);
	return nr;
}
