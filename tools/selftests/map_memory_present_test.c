// SPDX-License-Identifier: GPL-2.0
// quick: svm vmx
/*
 * Pages mapped already are left alone and counted as such: a job may be
 * submitted again and again.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define TEST_SIZE	(8 * SZ_1M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)

FIXTURE(present) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_map_memory_batch batch;
};

FIXTURE_VARIANT(present) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(present, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(present, ioctl_3_workers) {
	.entry = MAP_BY_IOCTL, .workers = 3,
};

FIXTURE_VARIANT_ADD(present, uring_1_worker) {
	.entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_VARIANT_ADD(present, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_SETUP(present)
{
	self->vm = test_vm_create(1, &self->vcpu);
}

FIXTURE_TEARDOWN(present)
{
	kvm_vm_free(self->vm);
}

static void expect_counts(FIXTURE_DATA(present) *self,
			  const FIXTURE_VARIANT(present) *variant,
			  uint64_t offset, uint64_t size, uint64_t mapped)
{
	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA + offset,
				 size, 0, variant->workers, &self->batch), 0);
	assert_batch_done(&self->batch, mapped, size - mapped);
}

TEST_F(present, map_again)
{
	void *hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);
	int i;

	expect_counts(self, variant, 0, TEST_SIZE, TEST_SIZE);
	for (i = 0; i < 3; i++) {
		expect_counts(self, variant, 0, TEST_SIZE, 0);
		ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
	}
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
	expect_counts(self, variant, 0, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
}

TEST_F(present, overlap_in_part)
{
	void *hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);

	expect_counts(self, variant, SZ_1M, 2 * SZ_1M, 2 * SZ_1M);
	expect_counts(self, variant, 2 * SZ_1M, 4 * SZ_1M, 3 * SZ_1M);
	expect_counts(self, variant, 0, TEST_SIZE, 3 * SZ_1M);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
}

/* Mapped by the guest's own faults. */
TEST_F(present, what_the_guest_has_touched)
{
	struct guest_pass pass = {
		.gpa = TEST_GPA,
		.nr_pages = TEST_PAGES / 16,
		.stride = 16,
		.ops = PASS_WRITE,
	};

	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	ASSERT_EQ(TEST_PAGES / 16, guest_pass(self->vcpu, &pass));
	expect_counts(self, variant, 0, TEST_SIZE, TEST_SIZE - TEST_SIZE / 16);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, NULL));
}

/* By one call of a vCPU, and the other way round. */
TEST_F(present, what_a_vcpu_has_mapped)
{
	struct kvm_memory_mapping mapping = {
		.base_address = TEST_GPA,
		.size = TEST_SIZE / 2,
	};

	test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE, VM_MEM_SRC_ANONYMOUS);
	ASSERT_EQ(0, vcpu_map_memory(self->vcpu, &mapping));
	expect_counts(self, variant, 0, TEST_SIZE, TEST_SIZE / 2);
	mapping.base_address = TEST_GPA;
	mapping.size = TEST_SIZE;
	ASSERT_EQ(0, vcpu_map_memory(self->vcpu, &mapping));
	ASSERT_EQ(0, mapping.size);
	ASSERT_EQ(TEST_PAGES, vm_get_stat(self->vm, "pages_4k"));
}

/* The pages that the host took away are mapped anew, and they alone. */
TEST_F(present, what_the_host_has_discarded)
{
	void *hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS);

	expect_counts(self, variant, 0, TEST_SIZE, TEST_SIZE);
	ASSERT_EQ(0, madvise(hva + SZ_1M, SZ_1M, MADV_DONTNEED));
	expect_counts(self, variant, 0, TEST_SIZE, SZ_1M);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
}

/* A huge page counts for what was asked of it, whoever meets it first. */
TEST_F(present, huge_pages)
{
	void *hva = test_slot_add(self->vm, TEST_SLOT, TEST_GPA, TEST_SIZE,
				  VM_MEM_SRC_ANONYMOUS_THP);

	memset(hva, 1, TEST_SIZE);
	if (thp_bytes(hva, TEST_SIZE) != TEST_SIZE)
		SKIP(return, "No transparent huge pages to be had");

	expect_counts(self, variant, SZ_1M, PAGE_SIZE, PAGE_SIZE);
	expect_counts(self, variant, 0, SZ_2M, 0);
	expect_counts(self, variant, SZ_1M, 3 * SZ_1M, SZ_2M);
	expect_counts(self, variant, 0, TEST_SIZE, 4 * SZ_1M);
	expect_counts(self, variant, 0, TEST_SIZE, 0);
	ASSERT_EQ(TEST_SIZE / SZ_2M, vm_get_stat(self->vm, "pages_2m"));
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, hva));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
