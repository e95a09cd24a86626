// SPDX-License-Identifier: GPL-2.0
// quick: svm 7.3
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over memory that the host reclaims under them: swapped out, or dropped
 * because the VMM has said that nobody needs what is in it.
 */
#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/moving_memory.h"
#include "lib/swap.h"

FIXTURE(reclaim) {
	struct moving_memory mem;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(reclaim) {
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(reclaim, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(reclaim, skewed) { .skew = 201 };

FIXTURE_SETUP(reclaim)
{
	uint64_t size = MOVING_PAGES * PAGE_SIZE + SZ_2M;

	moving_memory_create(&self->mem,
			     test_mem_alloc(size) + variant->skew * PAGE_SIZE,
			     MOVING_PAGES, MOVING_FIRST, MOVING_NR);
}

FIXTURE_TEARDOWN(reclaim)
{
	moving_memory_destroy(&self->mem);
}

/* The rest comes back by being touched, by a job first of all. */
static void page_out(struct moving_memory *mem, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < MOVING_PIECES; i++) {
		/* An error tells that some pages were in use. */
		madvise(moving_piece(mem, i), moving_piece_size(mem),
			(i + nr) & 1 ? MADV_PAGEOUT : MADV_COLD);
		if (i % 3 == 2)
			*(uint64_t *)moving_piece(mem, i - 1) = nr;
	}
}

TEST_F_TIMEOUT(reclaim, paged_out, 120)
{
	uint64_t before = vmstat_counter("pswpout");

	if (!swap_on())
		SKIP(return, "No swap to be had");
	moving_memory_race(&self->mem, VCPUS_THROUGH, page_out);
	ASSERT_LT(before, vmstat_counter("pswpout"));
	swap_off();
}

/* The host may drop pages not written again, and does when asked to reclaim. */
static void free_and_drop(struct moving_memory *mem, unsigned int nr)
{
	uint64_t size = moving_piece_size(mem), pages = size / PAGE_SIZE, i;
	unsigned int piece;
	void *hva;

	for (piece = 0; piece < MOVING_PIECES; piece++) {
		hva = moving_piece(mem, piece);
		moving_mark(hva, pages, nr + 1);
		TEST_ASSERT(!madvise(hva, size, MADV_FREE), "MADV_FREE failed");
		for (i = 0; i < pages; i += 7)
			moving_mark(hva + i * PAGE_SIZE, 1, nr + 2);
		madvise(hva, size, MADV_PAGEOUT);
		for (i = 0; i < pages; i += 7)
			TEST_ASSERT_EQ(moving_count_marks(hva + i * PAGE_SIZE, 1,
							  nr + 2), 1);
	}
}

/*
 * Nothing moves, and jobs map what the host may drop: what the guest has written
 * there since has to stay.  No page of the VMM's tables tells of it.
 */
static void expect_writes_stay(struct moving_memory *mem)
{
	uint64_t gpa = TEST_GPA + mem->first_moving * PAGE_SIZE, i;
	uint64_t size = mem->nr_moving * PAGE_SIZE, half = size / 2;
	struct kvm_map_memory_batch batch;

	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	TEST_ASSERT(!madvise(mem->moving, size, MADV_FREE), "MADV_FREE failed");
	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	assert_batch_done(&batch, size, mem->nr_pages * PAGE_SIZE - size);
	TEST_ASSERT_EQ(guest_write(mem->vcpus[0], gpa, half), 0);
	madvise(mem->moving, size, MADV_PAGEOUT);
	for (i = 0; i < half / PAGE_SIZE; i++)
		TEST_ASSERT_EQ(*(uint64_t *)moving_page(mem, i), gpa + i);
}

TEST_F_TIMEOUT(reclaim, freed, 120)
{
	uint64_t before = vmstat_counter("pglazyfreed");

	self->mem.settle = expect_writes_stay;
	moving_memory_race(&self->mem, VCPUS_AROUND, free_and_drop);
	ASSERT_EQ(0, self->mem.nr_efault);
	ASSERT_LT(before, vmstat_counter("pglazyfreed"));
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
