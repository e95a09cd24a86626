// SPDX-License-Identifier: GPL-2.0
// quick: svm debug 7.3
/*
 * Memory in folios of several pages that are smaller than a page table: whole ones,
 * such as have lost a page, and such as are split, before a job and in the middle of it.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"
#include "lib/mthp.h"
#include "lib/uffd_gate.h"

#define NR_PAGES	1024
#define TEST_SIZE	((uint64_t)NR_PAGES * PAGE_SIZE)
/* From here on the first leaf table's memory can be missing. */
#define GATE_OFFSET	(SZ_2M - SZ_256K)

FIXTURE(folios) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	uint64_t nr_folios;
};

FIXTURE_VARIANT(folios) {
	unsigned int kib;
	enum map_entry entry;
	uint32_t workers;
};

FIXTURE_VARIANT_ADD(folios, of_16k) {
	.kib = 16, .entry = MAP_BY_URING, .workers = 3,
};

FIXTURE_VARIANT_ADD(folios, of_64k) {
	.kib = 64, .entry = MAP_BY_IOCTL, .workers = 1,
};

FIXTURE_VARIANT_ADD(folios, of_256k) {
	.kib = 256, .entry = MAP_BY_URING, .workers = 1,
};

FIXTURE_SETUP(folios)
{
	uint64_t i;

	self->hva = mthp_alloc(variant->kib, TEST_SIZE);
	if (!self->hva)
		SKIP(return, "No folios of %u KiB", variant->kib);
	self->nr_folios = TEST_SIZE / 1024 / variant->kib;
	for (i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(self->hva + i * PAGE_SIZE) = 0x70000 + i;
	ASSERT_EQ(self->nr_folios, mthp_count(self->hva, NR_PAGES));

	self->vm = test_vm_create(1, &self->vcpu);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
}

FIXTURE_TEARDOWN(folios)
{
	if (self->vm)
		kvm_vm_free(self->vm);
	if (self->hva)
		mthp_free(variant->kib, self->hva, TEST_SIZE);
}

static void expect_counts(FIXTURE_DATA(folios) *self,
			  const FIXTURE_VARIANT(folios) *variant, uint64_t flags,
			  uint64_t mapped, uint64_t present, uint64_t skipped)
{
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(map_range(self->vm, variant->entry, TEST_GPA, TEST_SIZE, flags,
				 variant->workers, &batch), 0);
	assert_batch_pages(&batch, mapped, present, skipped);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), mapped + present);
}

static void expect_guest_finds_all(FIXTURE_DATA(folios) *self)
{
	TEST_ASSERT_EQ(guest_verify(self->vcpu, TEST_GPA, TEST_SIZE, 0x70000), 0);
	TEST_ASSERT_EQ(guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva), 0);
}

TEST_F(folios, whole)
{
	expect_counts(self, variant, KVM_MEMORY_MAPPING_RESIDENT, NR_PAGES, 0, 0);
	expect_counts(self, variant, 0, 0, NR_PAGES, 0);
	ASSERT_EQ(self->nr_folios, mthp_count(self->hva, NR_PAGES));
	expect_guest_finds_all(self);
}

/* The kernel splits such folios when it is short of memory, and not before. */
static void take_second_pages(FIXTURE_DATA(folios) *self)
{
	uint64_t step = TEST_SIZE / self->nr_folios, i;

	for (i = 0; i < self->nr_folios; i++)
		TEST_ASSERT(!madvise(self->hva + i * step + PAGE_SIZE, PAGE_SIZE,
				     MADV_DONTNEED), "MADV_DONTNEED failed");
}

static void give_second_pages(FIXTURE_DATA(folios) *self)
{
	uint64_t step = NR_PAGES / self->nr_folios, i;

	for (i = 1; i < NR_PAGES; i += step)
		*(uint64_t *)(self->hva + i * PAGE_SIZE) = 0x70000 + i;
}

TEST_F(folios, without_a_page_each)
{
	take_second_pages(self);
	expect_counts(self, variant, KVM_MEMORY_MAPPING_RESIDENT,
		      NR_PAGES - self->nr_folios, 0, self->nr_folios);
	ASSERT_EQ(self->nr_folios, mthp_count(self->hva, NR_PAGES));
	give_second_pages(self);
	expect_counts(self, variant, 0, self->nr_folios, NR_PAGES - self->nr_folios, 0);
	expect_guest_finds_all(self);
}

TEST_F(folios, that_lose_a_mapped_page)
{
	expect_counts(self, variant, 0, NR_PAGES, 0, 0);
	take_second_pages(self);
	ASSERT_EQ(NR_PAGES - self->nr_folios, vm_get_stat(self->vm, "pages_4k"));
	give_second_pages(self);
	expect_counts(self, variant, KVM_MEMORY_MAPPING_RESIDENT, self->nr_folios,
		      NR_PAGES - self->nr_folios, 0);
	expect_guest_finds_all(self);
}

/* They are unmapped for it, and KVM's entries with them. */
TEST_F(folios, split_after_they_were_mapped)
{
	if (access(SPLIT_HUGE_PAGES, W_OK))
		SKIP(return, "No " SPLIT_HUGE_PAGES);
	expect_counts(self, variant, 0, NR_PAGES, 0, 0);
	ASSERT_TRUE(wait_until(mthp_all_split(self->hva, TEST_SIZE)));
	ASSERT_EQ(0, vm_get_stat(self->vm, "pages_4k"));
	expect_counts(self, variant, KVM_MEMORY_MAPPING_RESIDENT, NR_PAGES, 0, 0);
	expect_guest_finds_all(self);
}

/* Of the second leaf table, whose VMA the job has seen; the first is waited for. */
TEST_F(folios, split_in_the_middle_of_a_job)
{
	struct kvm_memory_mapping mapping = { TEST_GPA, TEST_SIZE, 0 };
	struct kvm_map_memory_batch batch;
	struct map_thread thread;
	struct uffd_gate gate;

	if (access(SPLIT_HUGE_PAGES, W_OK))
		SKIP(return, "No " SPLIT_HUGE_PAGES);
	if (madvise(self->hva + GATE_OFFSET, SZ_256K, MADV_DONTNEED))
		SKIP(return, "MADV_DONTNEED failed");
	if (!uffd_gate_close_off(&gate, self->hva, TEST_SIZE))
		SKIP(return, "userfaultfd is not permitted");
	map_batch_init(&batch, &mapping, 1, 1);
	map_thread_start(&thread, self->vm, variant->entry, &batch);
	ASSERT_EQ(self->hva + GATE_OFFSET, uffd_gate_wait(&gate));

	ASSERT_TRUE(wait_until(mthp_all_split(self->hva + SZ_2M, SZ_2M)));
	uffd_gate_destroy(&gate);
	ASSERT_EQ(0, map_thread_join(&thread));
	assert_batch_done(&batch, TEST_SIZE, 0);
	ASSERT_EQ(0, guest_read_write(self->vcpu, TEST_GPA, TEST_SIZE, self->hva));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
