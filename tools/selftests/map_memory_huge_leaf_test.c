// SPDX-License-Identifier: GPL-2.0
// quick: svm debug vmx 7.3
/*
 * Huge pages go to a table of their own level, several at a time: in parts, with ranges
 * that begin and end inside of them, with holes, where small ones were before, and
 * by several jobs.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/map_job.h"

#define NR_HUGE		8
#define TEST_SIZE	(NR_HUGE * SZ_2M)
#define NR_THREADS	3
#define NR_ROUNDS	20

FIXTURE(huge) {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *hva;
	uint64_t pool_old;
};

FIXTURE_SETUP(huge)
{
	uint64_t i;

	if (!hugetlb_pool_grow(SZ_2M / 1024, NR_HUGE, &self->pool_old))
		SKIP(return, "No free hugetlb pages of 2048 KiB");
	self->vm = test_vm_create(1, &self->vcpu);
	self->hva = mmap(NULL, TEST_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, self->hva);
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	for (i = 0; i < TEST_SIZE / PAGE_SIZE; i++)
		*(uint64_t *)(self->hva + i * PAGE_SIZE) = 0x70000 + i;
}

FIXTURE_TEARDOWN(huge)
{
	if (!self->vm)
		return;
	kvm_vm_free(self->vm);
	munmap(self->hva, TEST_SIZE);
	hugetlb_pool_restore(SZ_2M / 1024, self->pool_old);
}

/* Bytes of the slot; asserts what is mapped, and that the rest was present. */
static void expect(FIXTURE_DATA(huge) *self, uint64_t start, uint64_t size,
		   uint64_t mapped)
{
	assert_map_range(self->vm, MAP_BY_IOCTL, TEST_GPA + start, size, 0, 1, mapped);
}

/* The guest has small pages of its own as soon as it runs. */
static void expect_guest_finds_all(FIXTURE_DATA(huge) *self)
{
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_2m"), NR_HUGE);
	TEST_ASSERT_EQ(vm_get_stat(self->vm, "pages_4k"), 0);
	TEST_ASSERT_EQ(guest_verify(self->vcpu, TEST_GPA, TEST_SIZE, 0x70000), 0);
}

TEST_F(huge, in_parts)
{
	expect(self, 3 * SZ_2M, 2 * SZ_2M, 2 * SZ_2M);
	ASSERT_EQ(2, vm_get_stat(self->vm, "pages_2m"));
	expect(self, 3 * SZ_2M, 2 * SZ_2M, 0);
	expect(self, 0, TEST_SIZE, TEST_SIZE - 2 * SZ_2M);
	expect_guest_finds_all(self);
}

/* Only what was asked for counts, and all of a page is mapped. */
TEST_F(huge, edges_inside_of_pages)
{
	expect(self, SZ_1M, SZ_4M, SZ_4M);
	ASSERT_EQ(3, vm_get_stat(self->vm, "pages_2m"));
	expect(self, SZ_1M + PAGE_SIZE, PAGE_SIZE, 0);
	expect(self, 5 * SZ_1M + PAGE_SIZE, 2 * SZ_2M, 2 * SZ_2M - (SZ_1M - PAGE_SIZE));
	ASSERT_EQ(5, vm_get_stat(self->vm, "pages_2m"));
	expect(self, 0, TEST_SIZE, 3 * SZ_2M);
	expect_guest_finds_all(self);
}

/* Two mappings meet in a page. */
TEST_F(huge, several_mappings)
{
	struct kvm_memory_mapping mappings[] = {
		{ TEST_GPA, 3 * SZ_1M },
		{ TEST_GPA + 3 * SZ_1M, 5 * SZ_1M },
		{ TEST_GPA + 2 * SZ_2M, SZ_2M },
	};
	struct kvm_map_memory_batch batch;

	map_batch_init(&batch, mappings, ARRAY_SIZE(mappings), 1);
	ASSERT_EQ(0, map_batch(self->vm, MAP_BY_IOCTL, &batch));
	assert_batch_done(&batch, 7 * SZ_1M, SZ_1M + SZ_2M);
	ASSERT_EQ(4, vm_get_stat(self->vm, "pages_2m"));
}

TEST_F(huge, resident_with_holes)
{
	struct kvm_map_memory_batch batch;

	ASSERT_EQ(0, madvise(self->hva, SZ_2M, MADV_DONTNEED));
	ASSERT_EQ(0, madvise(self->hva + 3 * SZ_2M, 2 * SZ_2M, MADV_DONTNEED));
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA + SZ_1M,
			       TEST_SIZE - SZ_2M, KVM_MEMORY_MAPPING_RESIDENT, 1, &batch));
	ASSERT_EQ(SZ_1M + 2 * SZ_2M, batch.bytes_skipped);
	ASSERT_EQ(2 * SZ_2M + 2 * SZ_2M + SZ_1M, batch.bytes_mapped);
	ASSERT_EQ(NR_HUGE - 3, vm_get_stat(self->vm, "pages_2m"));
}

/* The table of the small ones stays, and a huge page takes its place. */
TEST_F(huge, where_small_pages_were)
{
	test_slot_set(self->vm, TEST_SLOT, KVM_MEM_LOG_DIRTY_PAGES, TEST_GPA, TEST_SIZE,
		      self->hva);
	expect(self, 0, TEST_SIZE, TEST_SIZE);
	ASSERT_EQ(TEST_SIZE / PAGE_SIZE, vm_get_stat(self->vm, "pages_4k"));
	test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
	ASSERT_EQ(0, map_range(self->vm, MAP_BY_IOCTL, TEST_GPA, TEST_SIZE, 0, 1, NULL));
	expect_guest_finds_all(self);
	expect(self, 0, TEST_SIZE, 0);
}

/* All of them make tables for the same places. */
TEST_F(huge, by_several_jobs)
{
	struct kvm_memory_mapping mappings[NR_THREADS];
	struct kvm_map_memory_batch batches[NR_THREADS];
	struct map_thread threads[NR_THREADS];
	uint64_t mapped;
	int round, i;

	for (round = 0; round < NR_ROUNDS; round++) {
		/* Takes the tables away, too. */
		test_slot_delete(self->vm, TEST_SLOT);
		test_slot_set(self->vm, TEST_SLOT, 0, TEST_GPA, TEST_SIZE, self->hva);
		mapped = 0;
		for (i = 0; i < NR_THREADS; i++) {
			mappings[i] = (struct kvm_memory_mapping) { TEST_GPA, TEST_SIZE };
			map_batch_init(&batches[i], &mappings[i], 1, 1);
			map_thread_start(&threads[i], self->vm, MAP_BY_IOCTL, &batches[i]);
		}
		for (i = 0; i < NR_THREADS; i++) {
			ASSERT_EQ(0, map_thread_join(&threads[i]));
			ASSERT_EQ(TEST_SIZE, batches[i].bytes_mapped +
					     batches[i].bytes_present);
			mapped += batches[i].bytes_mapped;
		}
		ASSERT_EQ(TEST_SIZE, mapped);
		ASSERT_EQ(NR_HUGE, vm_get_stat(self->vm, "pages_2m"));
	}
	expect_guest_finds_all(self);
}

TEST_HARNESS_MAIN
