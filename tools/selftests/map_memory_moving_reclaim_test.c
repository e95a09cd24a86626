// SPDX-License-Identifier: GPL-2.0
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

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_BATCH);
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_URING);
	return test_harness_run(argc, argv);
}
