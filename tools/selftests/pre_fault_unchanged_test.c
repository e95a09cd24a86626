// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * KVM_PRE_FAULT_MEMORY does what it does in Linux 6.12, with all its ways:
 * it is what others rely on, and what this project measures itself against.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/test_vm.h"

#define TEST_SIZE	(2 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)

FIXTURE(pre_fault) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_SETUP(pre_fault)
{
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
}

FIXTURE_TEARDOWN(pre_fault)
{
	kvm_vm_free(self->vm);
}

static int pre_fault(struct kvm_vcpu *vcpu, struct kvm_pre_fault_memory *range)
{
	return __vcpu_ioctl(vcpu, KVM_PRE_FAULT_MEMORY, range) ? -errno : 0;
}

static void expect_pre_fault(struct kvm_vcpu *vcpu, uint64_t gpa, uint64_t size,
			     uint64_t flags, int wanted, uint64_t left)
{
	struct kvm_pre_fault_memory range = {
		.gpa = gpa,
		.size = size,
		.flags = flags,
	};

	TEST_ASSERT_EQ(pre_fault(vcpu, &range), wanted);
	TEST_ASSERT_EQ(range.size, left);
	TEST_ASSERT_EQ(range.gpa, gpa + size - left);
	TEST_ASSERT_EQ(range.flags, flags);
}

TEST_F(pre_fault, capability)
{
	ASSERT_EQ(1, kvm_check_cap(KVM_CAP_PRE_FAULT_MEMORY));
	ASSERT_EQ(1, vm_check_cap(self->vm, KVM_CAP_PRE_FAULT_MEMORY));
}

/*
 * Untouched memory is read, not written: there is one zero page for all of it.
 * A write takes one fault to replace the page, which invalidates the mapping
 * that is being made, and another one to map it.
 */
TEST_F(pre_fault, untouched_memory_becomes_the_zero_page)
{
	expect_pre_fault(self->vcpu, TEST_GPA, TEST_SIZE, 0, 0, 0);
	ASSERT_TRUE(page_is_present(self->hva));
	ASSERT_EQ(page_pfn(self->hva), page_pfn(self->hva + TEST_SIZE - PAGE_SIZE));
	ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	ASSERT_EQ(2 * TEST_PAGES, guest_write(self->vcpu, TEST_GPA, TEST_SIZE));
}

TEST_F(pre_fault, populated_memory_is_mapped_writable)
{
	memset(self->hva, 0x77, TEST_SIZE);
	expect_pre_fault(self->vcpu, TEST_GPA, TEST_SIZE, 0, 0, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
	expect_pre_fault(self->vcpu, TEST_GPA, TEST_SIZE, 0, 0, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

/* Any progress is a success; the error comes with the next call. */
TEST_F(pre_fault, end_of_the_slot)
{
	uint64_t last = TEST_GPA + TEST_SIZE - PAGE_SIZE;

	expect_pre_fault(self->vcpu, last, 2 * PAGE_SIZE, 0, 0, PAGE_SIZE);
	expect_pre_fault(self->vcpu, last + PAGE_SIZE, PAGE_SIZE, 0, -ENOENT,
			 PAGE_SIZE);
}

TEST_F(pre_fault, bad_input)
{
	expect_pre_fault(self->vcpu, TEST_GPA, PAGE_SIZE, 1, -EINVAL, PAGE_SIZE);
	expect_pre_fault(self->vcpu, TEST_GPA, PAGE_SIZE, 1ULL << 63, -EINVAL,
			 PAGE_SIZE);
	expect_pre_fault(self->vcpu, TEST_GPA + 1, PAGE_SIZE, 0, -EINVAL, PAGE_SIZE);
	expect_pre_fault(self->vcpu, TEST_GPA, 1, 0, -EINVAL, 1);
	expect_pre_fault(self->vcpu, TEST_GPA, 0, 0, -EINVAL, 0);
	expect_pre_fault(self->vcpu, TEST_GPA, -TEST_GPA, 0, -EINVAL, -TEST_GPA);
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));

	ASSERT_EQ(-1, ioctl(self->vcpu->fd, KVM_PRE_FAULT_MEMORY, NULL));
	ASSERT_EQ(EFAULT, errno);
}

TEST_F(pre_fault, padding_is_not_looked_at)
{
	struct kvm_pre_fault_memory range = {
		.gpa = TEST_GPA,
		.size = PAGE_SIZE,
		.padding = { 1, 2, 3, 4, 5 },
	};

	ASSERT_EQ(0, pre_fault(self->vcpu, &range));
	ASSERT_EQ(0, range.size);
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_PRE_FAULT_MEMORY));
	return test_harness_run(argc, argv);
}
