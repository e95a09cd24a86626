// SPDX-License-Identifier: GPL-2.0
// quick: svm debug vmx 7.3
/*
 * A leaf table is filled before it is linked.  Where several jobs make a table for the
 * same place, one is linked, and each page counts as mapped once; a table can be linked
 * with a part of its entries, and gets the others later.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/map_job.h"

#define NR_TABLES	8
#define TABLE_PAGES	512
#define TEST_SIZE	(NR_TABLES * SZ_2M)
#define NR_PAGES	(NR_TABLES * TABLE_PAGES)
#define NR_THREADS	3
#define NR_ROUNDS	20

FIXTURE(new_table) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
};

FIXTURE_SETUP(new_table)
{
	uint64_t i;

	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = test_mem_alloc(TEST_SIZE);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	for (i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(self->hva + i * PAGE_SIZE) = 0x70000 + i;
}

FIXTURE_TEARDOWN(new_table)
{
	kvm_vm_free(self->vm);
}

/* Pages counted from the first of the slot. */
static struct kvm_memory_mapping pages(uint64_t first, uint64_t nr)
{
	return (struct kvm_memory_mapping) {
		.base_address = TEST_GPA + first * PAGE_SIZE,
		.size = nr * PAGE_SIZE,
	};
}

static void expect(FIXTURE_DATA(new_table) *self, struct kvm_memory_mapping *mappings,
		   uint32_t nr, uint64_t mapped_pages, uint64_t present_pages)
{
	struct kvm_map_memory_batch batch;

	map_batch_init(&batch, mappings, nr, 1);
	TEST_ASSERT_EQ(map_batch(self->vm, MAP_BY_IOCTL, &batch), 0);
	assert_batch_done(&batch, mapped_pages * PAGE_SIZE, present_pages * PAGE_SIZE);
}

TEST_F(new_table, in_parts)
{
	struct kvm_memory_mapping middle = pages(100, 3), rest = pages(0, TABLE_PAGES);
	struct kvm_memory_mapping again = middle;

	expect(self, &middle, 1, 3, 0);
	ASSERT_EQ(3, vm_get_stat(self->vm, "pages_4k"));
	expect(self, &again, 1, 0, 3);
	expect(self, &rest, 1, TABLE_PAGES - 3, 3);
	ASSERT_EQ(TABLE_PAGES, vm_get_stat(self->vm, "pages_4k"));
	ASSERT_EQ(0, guest_verify(self->vcpu, TEST_GPA, SZ_2M, 0x70000));
}

/* More pages than are looked up at a time, so that a part is in the table already. */
TEST_F(new_table, the_same_pages_twice)
{
	struct kvm_memory_mapping mappings[] = {
		pages(8, 16), pages(8, 16), pages(20, 100), pages(23, 1), pages(0, 8),
	};

	expect(self, mappings, ARRAY_SIZE(mappings), 16 + 96 + 8, 16 + 4 + 1);
	ASSERT_EQ(16 + 96 + 8, vm_get_stat(self->vm, "pages_4k"));
	ASSERT_EQ(0, guest_verify(self->vcpu, TEST_GPA, 120 * PAGE_SIZE, 0x70000));
}

/* The pages before the one that is missing are linked; those behind it are not lost. */
TEST_F(new_table, up_to_a_missing_page)
{
	struct kvm_memory_mapping all = pages(0, TABLE_PAGES);
	void *hole = self->hva + 70 * PAGE_SIZE;

	ASSERT_EQ(0, madvise(hole, PAGE_SIZE, MADV_DONTNEED));
	expect(self, &all, 1, TABLE_PAGES, 0);
	ASSERT_TRUE(page_is_present(hole));
	*(uint64_t *)hole = 0x70000 + 70;
	ASSERT_EQ(0, guest_verify(self->vcpu, TEST_GPA, SZ_2M, 0x70000));
}

TEST_F(new_table, resident_pages_with_gaps)
{
	struct kvm_map_memory_batch batch;
	uint64_t i;

	for (i = 0; i < TABLE_PAGES; i++)
		if (i % 5)
			ASSERT_EQ(0, madvise(self->hva + i * PAGE_SIZE, PAGE_SIZE,
					     MADV_DONTNEED));
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, SZ_2M,
			       KVM_MEMORY_MAPPING_RESIDENT, 1, &batch));
	ASSERT_EQ(103 * PAGE_SIZE, batch.bytes_mapped);
	ASSERT_EQ((TABLE_PAGES - 103) * PAGE_SIZE, batch.bytes_skipped);
	ASSERT_EQ(103, vm_get_stat(self->vm, "pages_4k"));
	for (i = 0; i < TABLE_PAGES; i++)
		ASSERT_EQ(i % 5 == 0, page_is_present(self->hva + i * PAGE_SIZE));
}

/* All of them make tables for the same places. */
TEST_F(new_table, made_by_several_jobs)
{
	struct kvm_memory_mapping mappings[NR_THREADS];
	struct kvm_map_memory_batch batches[NR_THREADS];
	struct map_thread threads[NR_THREADS];
	uint64_t mapped, present;
	int round, i;

	for (round = 0; round < NR_ROUNDS; round++) {
		/* Takes the tables away, too. */
		test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, 0, self->hva);
		test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
		mapped = present = 0;
		for (i = 0; i < NR_THREADS; i++) {
			mappings[i] = pages(0, NR_PAGES);
			map_batch_init(&batches[i], &mappings[i], 1, 1);
			map_thread_start(&threads[i], self->vm, MAP_BY_IOCTL,
					 &batches[i]);
		}
		for (i = 0; i < NR_THREADS; i++) {
			ASSERT_EQ(0, map_thread_join(&threads[i]));
			ASSERT_EQ(TEST_SIZE, batches[i].bytes_mapped +
					     batches[i].bytes_present);
			mapped += batches[i].bytes_mapped;
			present += batches[i].bytes_present;
		}
		ASSERT_EQ(TEST_SIZE, mapped);
		ASSERT_EQ((NR_THREADS - 1) * TEST_SIZE, present);
		ASSERT_EQ(NR_PAGES, vm_get_stat(self->vm, "pages_4k"));
	}
	ASSERT_EQ(0, guest_verify(self->vcpu, TEST_GPA, TEST_SIZE, 0x70000));
}

TEST_HARNESS_MAIN
