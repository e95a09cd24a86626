// SPDX-License-Identifier: GPL-2.0
// quick: none the same with huge pages is there
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over memory whose folios of several pages, smaller than a page table, are split
 * and made anew under them.
 */
#include <sys/mman.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/moving_memory.h"
#include "lib/mthp.h"

#define TEST_SIZE	(4UL * SZ_2M)
#define TEST_PAGES	(TEST_SIZE / PAGE_SIZE)
/* Whole folios, in two page tables in part and in one of the host's entirely. */
#define FIRST_MOVING	320
#define NR_MOVING	1152
#define MAX_SKEW	201

FIXTURE(folios) {
	struct moving_memory mem;
	void *hva;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(folios) {
	unsigned int kib;
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(folios, of_64k) { .kib = 64, .skew = 0 };
FIXTURE_VARIANT_ADD(folios, of_64k_skewed) { .kib = 64, .skew = MAX_SKEW };
FIXTURE_VARIANT_ADD(folios, of_256k) { .kib = 256, .skew = 0 };

FIXTURE_SETUP(folios)
{
	if (access(SPLIT_HUGE_PAGES, W_OK))
		SKIP(return, "No " SPLIT_HUGE_PAGES);
	self->hva = mthp_alloc(variant->kib, TEST_SIZE);
	if (!self->hva)
		SKIP(return, "No folios of %u KiB", variant->kib);
	memset(self->hva, 1, TEST_SIZE);
	moving_memory_create(&self->mem, self->hva + variant->skew * PAGE_SIZE,
			     TEST_PAGES - MAX_SKEW, FIRST_MOVING - variant->skew,
			     NR_MOVING);
}

FIXTURE_TEARDOWN(folios)
{
	moving_memory_destroy(&self->mem);
	if (self->hva)
		mthp_free(variant->kib, self->hva, TEST_SIZE);
}

/* If a vCPU or a job reads first there is the zero page, and then a small one. */
static bool most_are_made(struct moving_memory *mem, uint64_t nr)
{
	TEST_ASSERT(!madvise(mem->moving, NR_MOVING * PAGE_SIZE, MADV_DONTNEED),
		    "MADV_DONTNEED failed");
	memset(mem->moving, 1, NR_MOVING * PAGE_SIZE);
	return mthp_count(mem->moving, NR_MOVING) > nr / 2;
}

static void split_and_make(struct moving_memory *mem, uint64_t kib)
{
	TEST_ASSERT(wait_until(mthp_all_split(mem->moving, NR_MOVING * PAGE_SIZE)),
		    "Folios are not split");
	TEST_ASSERT(wait_until(most_are_made(mem, NR_MOVING * (PAGE_SIZE / 1024) / kib)),
		    "Few folios are of %lu KiB", kib);
}

static void split_and_make_64k(struct moving_memory *mem, unsigned int nr)
{
	split_and_make(mem, 64);
}

static void split_and_make_256k(struct moving_memory *mem, unsigned int nr)
{
	split_and_make(mem, 256);
}

TEST_F_TIMEOUT(folios, split, 120)
{
	moving_memory_race(&self->mem, VCPUS_THROUGH, variant->kib == 64 ?
			   split_and_make_64k : split_and_make_256k);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
