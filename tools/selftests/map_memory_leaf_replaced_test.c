// SPDX-License-Identifier: GPL-2.0
// quick: svm
/*
 * Small pages are mapped by the leaf table, as the host's page tables have
 * them; here the host has put something else in the place of pages: merged
 * pages, or entries of swapped ones.
 */

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/swap.h"

#define NR_PAGES	1024
#define TEST_SIZE	(NR_PAGES * PAGE_SIZE)
/* The pages that are alike, from the first table into the second. */
#define FIRST_ALIKE	450
#define NR_ALIKE	100

FIXTURE(replaced) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_VARIANT(replaced) {
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(replaced, ioctl_1_worker) {
	.entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(replaced, uring_3_workers) {
	.entry = MAP_BY_URING, .workers = 3,
};

static uint64_t *word(FIXTURE_DATA(replaced) *self, uint64_t page)
{
	return self->hva + page * PAGE_SIZE;
}

FIXTURE_SETUP(replaced)
{
	uint64_t i;

	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	for (i = 0; i < NR_PAGES; i++)
		*word(self, i) = 0x70000 + i;
}

FIXTURE_TEARDOWN(replaced)
{
	kvm_vm_free(self->vm);
}

static void expect_counts(FIXTURE_DATA(replaced) *self,
			  const FIXTURE_VARIANT(replaced) *variant, uint64_t flags,
			  uint64_t mapped_pages)
{
	assert_map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, flags,
			 variant->workers, mapped_pages * PAGE_SIZE);
}

static void expect_guest_finds_all(FIXTURE_DATA(replaced) *self)
{
	TEST_ASSERT_EQ(guest_verify(self->vcpu, TEST_GPA, TEST_SIZE, 0x70000), 0);
}

static bool write_number(const char *path, int number)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return false;
	fprintf(file, "%d", number);
	return !fclose(file);
}

#define KSM	"/sys/kernel/mm/ksm/"

static unsigned int count_merged(FIXTURE_DATA(replaced) *self)
{
	uint64_t pfn = page_pfn(word(self, FIRST_ALIKE));
	unsigned int i, nr = 0;

	for (i = 0; i < NR_ALIKE; i++)
		nr += pfn && page_pfn(word(self, FIRST_ALIKE + i)) == pfn;
	return nr;
}

static bool merge(FIXTURE_DATA(replaced) *self)
{
	unsigned int i;
	bool merged;

	if (madvise(word(self, FIRST_ALIKE), NR_ALIKE * PAGE_SIZE, MADV_MERGEABLE) ||
	    !write_number(KSM "sleep_millisecs", 1) ||
	    !write_number(KSM "pages_to_scan", 1000))
		return false;
	for (i = 0; i < NR_ALIKE; i++)
		memset(word(self, FIRST_ALIKE + i), 0x5a, PAGE_SIZE);
	if (!write_number(KSM "run", 1))
		return false;
	merged = wait_until(count_merged(self) == NR_ALIKE);
	write_number(KSM "run", 0);
	return merged;
}

static void expect_alike(FIXTURE_DATA(replaced) *self)
{
	unsigned int i;

	for (i = 0; i < NR_ALIKE; i++) {
		TEST_ASSERT_EQ(*word(self, FIRST_ALIKE + i), 0x5a5a5a5a5a5a5a5aULL);
		*word(self, FIRST_ALIKE + i) = 0x70000 + FIRST_ALIKE + i;
	}
}

/* A write has a page of its own for each of them. */
TEST_F(replaced, merged_pages)
{
	if (!merge(self))
		SKIP(return, "No merged pages to be had");
	expect_counts(self, variant, 0, NR_PAGES);
	ASSERT_EQ(1, count_merged(self));
	expect_counts(self, variant, 0, 0);
	expect_alike(self);
	expect_guest_finds_all(self);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

TEST_F(replaced, merged_pages_for_reading)
{
	if (!merge(self))
		SKIP(return, "No merged pages to be had");
	expect_counts(self, variant, KVM_MEMORY_MAPPING_READ, NR_PAGES);
	ASSERT_EQ(NR_ALIKE, count_merged(self));
	expect_counts(self, variant, KVM_MEMORY_MAPPING_READ, 0);
	ASSERT_EQ(0, guest_read(self->vcpu, TEST_GPA, TEST_SIZE));
	ASSERT_EQ(NR_ALIKE, count_merged(self));

	expect_counts(self, variant, 0, NR_ALIKE);
	ASSERT_EQ(1, count_merged(self));
	expect_alike(self);
	expect_guest_finds_all(self);
}

/* Merged only after they were mapped: that takes them away. */
TEST_F(replaced, pages_merged_since)
{
	/* Splitting the VMA would take away the rest of its leaf tables, too. */
	madvise(word(self, FIRST_ALIKE), NR_ALIKE * PAGE_SIZE, MADV_MERGEABLE);
	expect_counts(self, variant, 0, NR_PAGES);
	if (!merge(self))
		SKIP(return, "No merged pages to be had");
	expect_counts(self, variant, 0, NR_ALIKE);
	ASSERT_EQ(1, count_merged(self));
	expect_alike(self);
	expect_guest_finds_all(self);
}

static unsigned int count_absent(FIXTURE_DATA(replaced) *self)
{
	unsigned int i, nr = 0;

	for (i = 0; i < NR_PAGES; i++)
		nr += !page_is_present(word(self, i));
	return nr;
}

static unsigned int swap_out(FIXTURE_DATA(replaced) *self, unsigned int step)
{
	unsigned int i;

	for (i = 0; i < NR_PAGES; i += step)
		TEST_ASSERT(!madvise(word(self, i), PAGE_SIZE, MADV_PAGEOUT),
			    "MADV_PAGEOUT failed");
	return count_absent(self);
}

TEST_F(replaced, swapped_pages)
{
	unsigned int nr;

	if (!swap_on())
		SKIP(return, "No swap to be had");
	ASSERT_LT(0, swap_out(self, 3));
	expect_counts(self, variant, 0, NR_PAGES);
	ASSERT_EQ(0, count_absent(self));
	expect_guest_finds_all(self);

	/* From under the guest: those, and they alone, are mapped anew. */
	nr = swap_out(self, 5);
	ASSERT_LT(0, nr);
	expect_counts(self, variant, 0, nr);
	expect_guest_finds_all(self);

	ASSERT_LT(0, swap_out(self, 7));
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
			       KVM_MEMORY_MAPPING_READ, variant->workers, NULL));
	expect_guest_finds_all(self);
	ASSERT_EQ(0, map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE,
			       0, variant->workers, NULL));
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
	swap_off();
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
