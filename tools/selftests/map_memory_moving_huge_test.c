// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs over memory whose pages become transparent huge ones, and small ones
 * again, under them.
 */
#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/moving_memory.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

FIXTURE(huge) {
	struct moving_memory mem;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(huge) {
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(huge, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(huge, skewed) { .skew = 201 };

FIXTURE_SETUP(huge)
{
	uint64_t size = MOVING_PAGES * PAGE_SIZE + SZ_2M;

	moving_memory_create(&self->mem,
			     test_mem_alloc(size) + variant->skew * PAGE_SIZE,
			     MOVING_PAGES, MOVING_FIRST, MOVING_NR);
}

FIXTURE_TEARDOWN(huge)
{
	moving_memory_destroy(&self->mem);
}

static void collapse(struct moving_memory *mem, unsigned int nr)
{
	uint64_t size = mem->nr_moving * PAGE_SIZE, i;

	/* There need not be a huge page; the pages may go all the same. */
	madvise(mem->moving, size, MADV_HUGEPAGE);
	madvise(mem->moving, size, MADV_COLLAPSE);
	madvise(mem->moving, size, MADV_NOHUGEPAGE);
	if (nr & 1)
		return;
	for (i = 0; i < mem->nr_moving; i += 197)
		TEST_ASSERT(!madvise(moving_page(mem, i), PAGE_SIZE,
				     MADV_DONTNEED), "MADV_DONTNEED failed");
}

TEST_F_TIMEOUT(huge, collapsed, 120)
{
	uint64_t before = vmstat_counter("thp_collapse_alloc");

	moving_memory_race(&self->mem, VCPUS_THROUGH, collapse);
	ASSERT_LT(before, vmstat_counter("thp_collapse_alloc"));
}

int main(int argc, char **argv)
{
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_BATCH);
	TEST_REQUIRE(kvm_check_cap(KVM_CAP_MAP_MEMORY) &
		     KVM_MAP_MEMORY_FEATURE_URING);
	return test_harness_run(argc, argv);
}
