// SPDX-License-Identifier: GPL-2.0
// quick: debug
/*
 * Memory of a VM that has private memory: a page is mapped from guest_memfd or
 * from the VMM's memory, as its attributes tell, page by page.
 */
// kernel: debug
#include "kvm_test_harness.h"

#include "lib/map_job.h"
#include "lib/private_vm.h"

#define NR_PAGES	PRIVATE_VM_PAGES
#define TEST_SIZE	PRIVATE_VM_SIZE
#define BARE_SLOT	(TEST_SLOT + 1)
#define BARE_GPA	(TEST_GPA + SZ_16M)

FIXTURE(private) {
	struct private_vm pvm;
};

FIXTURE_VARIANT(private) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(private, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(private, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_SETUP(private)
{
	private_vm_create(&self->pvm);
}

FIXTURE_TEARDOWN(private)
{
	private_vm_destroy(&self->pvm);
}

/* In pages. */
static void expect(FIXTURE_DATA(private) *self, const FIXTURE_VARIANT(private) *variant,
		   uint64_t flags, uint64_t mapped, uint64_t present, uint64_t skipped)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(self->pvm.vm, variant->entry, TEST_GPA, TEST_SIZE, flags,
				 variant->workers, &batch), 0);
	assert_batch_pages(&batch, mapped, present, skipped);
}

/* Nothing of it is in the VMM's memory, and what was mapped is what is used. */
TEST_F(private, all_private)
{
	private_vm_convert(&self->pvm, 0, NR_PAGES, 1);
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_READ | PASS_WRITE, PRIVATE_WORD));
	ASSERT_EQ(0, private_vm_shared_pages(&self->pvm));
	expect(self, variant, 0, 0, NR_PAGES, 0);
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_READ | PASS_VERIFY, PRIVATE_WORD));
}

/* A read maps private memory as a write does: nobody else can have a copy. */
TEST_F(private, read)
{
	private_vm_convert(&self->pvm, 0, NR_PAGES, 1);
	expect(self, variant, KVM_MEMORY_MAPPING_READ, NR_PAGES, 0, 0);
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_WRITE, PRIVATE_WORD));
}

TEST_F(private, all_shared)
{
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(0, guest_read_write(self->pvm.vcpu, TEST_GPA, TEST_SIZE, self->pvm.hva));
	ASSERT_EQ(NR_PAGES, private_vm_shared_pages(&self->pvm));
}

TEST_F(private, every_second_page)
{
	uint64_t i;

	private_vm_convert(&self->pvm, 0, NR_PAGES / 2, 2);
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(NR_PAGES / 2, private_vm_shared_pages(&self->pvm));
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 2, PASS_WRITE, PRIVATE_WORD));
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 1, 2, PASS_WRITE, SHARED_WORD));
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 2, PASS_READ | PASS_VERIFY, PRIVATE_WORD));
	for (i = 0; i < NR_PAGES / 2; i++)
		ASSERT_EQ(SHARED_WORD + i,
			  *(uint64_t *)(self->pvm.hva + (2 * i + 1) * PAGE_SIZE));
	ASSERT_EQ(NR_PAGES / 2, private_vm_shared_pages(&self->pvm));
}

/* Only pages that have changed sides are to be mapped again. */
TEST_F(private, converted)
{
	private_vm_convert(&self->pvm, 0, NR_PAGES, 1);
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_WRITE, PRIVATE_WORD));

	vm_mem_set_shared(self->pvm.vm, TEST_GPA, 100 * PAGE_SIZE);
	expect(self, variant, 0, 100, NR_PAGES - 100, 0);
	ASSERT_EQ(0, guest_read_write(self->pvm.vcpu, TEST_GPA, 100 * PAGE_SIZE, self->pvm.hva));
	vm_mem_set_private(self->pvm.vm, TEST_GPA, 100 * PAGE_SIZE);
	expect(self, variant, 0, 100, NR_PAGES - 100, 0);
	/* Its value when it was private. */
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_READ | PASS_VERIFY, PRIVATE_WORD));
}

TEST_F(private, hole_in_guest_memfd)
{
	private_vm_convert(&self->pvm, 0, NR_PAGES, 1);
	expect(self, variant, 0, NR_PAGES, 0, 0);
	private_vm_punch_hole(&self->pvm, 300, 400);
	expect(self, variant, 0, 400, NR_PAGES - 400, 0);
	ASSERT_EQ(0, private_vm_pass(&self->pvm, 0, 1, PASS_READ | PASS_WRITE, PRIVATE_WORD));
}

/* Private memory that is not mapped is skipped. */
TEST_F(private, resident)
{
	uint64_t i;

	private_vm_convert(&self->pvm, 0, NR_PAGES / 2, 2);
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, 0, NR_PAGES);
	for (i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(self->pvm.hva + i * PAGE_SIZE) = i;
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, NR_PAGES / 2, 0, NR_PAGES / 2);

	ASSERT_EQ(10, guest_write(self->pvm.vcpu, TEST_GPA, 20 * PAGE_SIZE));
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, 0, NR_PAGES / 2 + 10,
	       NR_PAGES / 2 - 10);
}

static void expect_memory_fault(struct kvm_vcpu *vcpu, uint64_t gpa)
{
	TEST_ASSERT_EQ(vcpu->run->exit_reason, KVM_EXIT_MEMORY_FAULT);
	TEST_ASSERT_EQ(vcpu->run->memory_fault.flags, KVM_MEMORY_EXIT_FLAG_PRIVATE);
	TEST_ASSERT_EQ(vcpu->run->memory_fault.gpa, gpa);
	TEST_ASSERT_EQ(vcpu->run->memory_fault.size, PAGE_SIZE);
}

/* -EFAULT at the first private page of [@gpa, @gpa + @size), by every entry. */
static void expect_efault(FIXTURE_DATA(private) *self,
			  const FIXTURE_VARIANT(private) *variant, uint64_t gpa,
			  uint64_t size, uint64_t offset)
{
	struct kvm_memory_mapping mapping = { .base_address = gpa, .size = size };
	struct kvm_map_memory_batch batch;

	map_batch_init(&batch, &mapping, 1, variant->workers);
	TEST_ASSERT_EQ(map_batch(self->pvm.vm, variant->entry, &batch), -EFAULT);
	TEST_ASSERT_EQ(batch.first_undone, 0);
	TEST_ASSERT_EQ(mapping.base_address, gpa + offset);
	TEST_ASSERT_EQ(mapping.size, size - offset);
	if (variant->workers == 1)
		TEST_ASSERT_EQ(batch.bytes_mapped, offset);

	mapping = (struct kvm_memory_mapping) { .base_address = gpa, .size = size };
	TEST_ASSERT_EQ(vcpu_map_memory(self->pvm.vcpu, &mapping), -EFAULT);
	TEST_ASSERT_EQ(mapping.base_address, gpa + offset);
	TEST_ASSERT_EQ(mapping.size, size - offset);
	expect_memory_fault(self->pvm.vcpu, gpa + offset);
}

/* Private by its attributes, in a memslot that has only the VMM's memory. */
TEST_F(private, slot_without_guest_memfd)
{
	uint64_t offset = 700 * PAGE_SIZE;
	void *hva = test_mem_alloc(TEST_SIZE);

	memset(hva, 1, TEST_SIZE);
	test_slot_set(self->pvm.vm, BARE_SLOT, 0, BARE_GPA, TEST_SIZE, hva);
	vm_mem_set_private(self->pvm.vm, BARE_GPA + offset, 3 * PAGE_SIZE);
	expect_efault(self, variant, BARE_GPA, TEST_SIZE, offset);

	/* The guest would be told the same, and must not see the VMM's page. */
	ASSERT_EQ(0, guest_read(self->pvm.vcpu, BARE_GPA, offset));
	expect_efault(self, variant, BARE_GPA + offset, PAGE_SIZE, 0);

	vm_mem_set_shared(self->pvm.vm, BARE_GPA + offset, 3 * PAGE_SIZE);
	ASSERT_EQ(0, map_range(self->pvm.vm, variant->entry, BARE_GPA, TEST_SIZE, 0,
			       variant->workers, NULL));
	ASSERT_EQ(0, guest_read_write(self->pvm.vcpu, BARE_GPA, TEST_SIZE, hva));
}

TEST_F(private, guest_memfd_closed)
{
	private_vm_convert(&self->pvm, 600, 10, 1);
	expect(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_EQ(0, close(self->pvm.guest_memfd));
	self->pvm.guest_memfd = -1;
	expect_efault(self, variant, TEST_GPA + 600 * PAGE_SIZE, PAGE_SIZE, 0);
	expect_efault(self, variant, TEST_GPA + 609 * PAGE_SIZE, 2 * PAGE_SIZE, 0);
	/* The end of the file has unmapped the slot.  Its pages are not looked for. */
	expect(self, variant, KVM_MEMORY_MAPPING_RESIDENT, NR_PAGES - 10, 0, 10);
	/* Shared memory does not depend on the file. */
	ASSERT_EQ(0, guest_read_write(self->pvm.vcpu, TEST_GPA, 600 * PAGE_SIZE, self->pvm.hva));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_RESIDENT);
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SW_PROTECTED_VM));
	return test_harness_run(argc, argv);
}
