// SPDX-License-Identifier: GPL-2.0
// quick: svm
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over memory whose pages become transparent huge ones, and small ones
 * again, under them.
 */
#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/moving_memory.h"
#include "lib/mthp.h"

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

static bool made_huge(void *hva)
{
	return !madvise(hva, SZ_2M, MADV_COLLAPSE);
}

/* Pages that somebody holds just now cannot be moved together. */
static void make_huge(struct moving_memory *mem)
{
	uint64_t i;

	for (i = 0; i < mem->nr_moving; i += PAGES_PER_HUGE)
		TEST_ASSERT(wait_until(made_huge(moving_page(mem, i))),
			    "MADV_COLLAPSE failed");
}

/* It would make huge pages again while they are being compared. */
static void let_khugepaged_sleep(const char *ms)
{
	file_write("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
		   ms);
}

FIXTURE_SETUP(huge)
{
	void *hva = test_mem_alloc(MOVING_HUGE_SIZE);

	let_khugepaged_sleep("1000000");
	if (madvise(hva, MOVING_HUGE_SIZE, MADV_HUGEPAGE))
		SKIP(return, "No transparent huge pages here");
	moving_memory_create_huge(&self->mem, hva, variant->skew);
	memset(hva, 1, MOVING_HUGE_SIZE);
	if (thp_bytes(hva, MOVING_HUGE_SIZE) != MOVING_HUGE_SIZE)
		SKIP(return, "No transparent huge pages to be had");
}

FIXTURE_TEARDOWN(huge)
{
	moving_memory_destroy(&self->mem);
	let_khugepaged_sleep("10000");
}

/* Nothing moves: the guest has huge pages where the host has, if in step. */
static void expect_huge_pages(struct moving_memory *mem)
{
	bool in_step = mem->first_moving == PAGES_PER_HUGE;
	unsigned int nr = mem->nr_pages / PAGES_PER_HUGE;
	struct kvm_map_memory_batch batch;

	make_huge(mem);
	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	TEST_ASSERT_EQ(vm_get_stat(mem->vm, "pages_2m"), in_step ? nr : 0);

	TEST_ASSERT(!madvise(moving_page(mem, PAGES_PER_HUGE + 77), PAGE_SIZE,
			     MADV_DONTNEED), "MADV_DONTNEED failed");
	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	assert_batch_done(&batch, SZ_2M, mem->nr_pages * PAGE_SIZE - SZ_2M);
	TEST_ASSERT_EQ(vm_get_stat(mem->vm, "pages_2m"), in_step ? nr - 1 : 0);
	/* Nothing is left for khugepaged, should it wake up nevertheless. */
	make_huge(mem);
}

static void race(struct moving_memory *mem, const char *split_counter,
		 void (*change)(struct moving_memory *mem, unsigned int nr))
{
	unsigned int nr = MOVING_ROUNDS * MOVING_CHANGES * MOVING_HUGE;
	uint64_t splits = vmstat_counter(split_counter);
	uint64_t made = vmstat_counter("thp_collapse_alloc");

	mem->settle = expect_huge_pages;
	moving_memory_race(mem, VCPUS_THROUGH, change);
	TEST_ASSERT(vmstat_counter(split_counter) >= splits + nr,
		    "%lu splits in all", vmstat_counter(split_counter) - splits);
	TEST_ASSERT(vmstat_counter("thp_collapse_alloc") >= made + nr,
		    "%lu huge pages made", vmstat_counter("thp_collapse_alloc") - made);
}

/* A page of each huge one goes. */
static void discard_some(struct moving_memory *mem, unsigned int nr)
{
	uint64_t i;

	for (i = 0; i < mem->nr_moving; i += PAGES_PER_HUGE)
		TEST_ASSERT(!madvise(moving_page(mem, i + 61 * nr), PAGE_SIZE,
				     MADV_DONTNEED), "MADV_DONTNEED failed");
	make_huge(mem);
}

TEST_F_TIMEOUT(huge, discarded, 90)
{
	race(&self->mem, "thp_split_pmd", discard_some);
}

/* A VMA ends in each huge page, which guests need not know of. */
static void protect_some(struct moving_memory *mem, unsigned int nr)
{
	uint64_t i;

	for (i = 0; i < mem->nr_moving; i += PAGES_PER_HUGE)
		TEST_ASSERT(!mprotect(moving_page(mem, i + 1 + 61 * nr), 7 * PAGE_SIZE,
				      PROT_READ | PROT_WRITE | PROT_EXEC),
			    "mprotect failed");
	TEST_ASSERT(!mprotect(mem->moving, mem->nr_moving * PAGE_SIZE,
			      PROT_READ | PROT_WRITE), "mprotect failed");
	make_huge(mem);
}

TEST_F_TIMEOUT(huge, protected, 90)
{
	race(&self->mem, "thp_split_pmd", protect_some);
}

static bool split(struct moving_memory *mem, uint64_t wanted)
{
	mthp_split(mem->moving, mem->nr_moving * PAGE_SIZE);
	return vmstat_counter("thp_split_page") >= wanted;
}

/* Not only how they are mapped changes, but the pages themselves. */
static void split_all(struct moving_memory *mem, unsigned int nr)
{
	uint64_t wanted = vmstat_counter("thp_split_page") + MOVING_HUGE;

	/* Those that somebody holds just now stay. */
	TEST_ASSERT(wait_until(split(mem, wanted)), "Huge pages are not split");
	make_huge(mem);
}

TEST_F_TIMEOUT(huge, split, 90)
{
	if (access(SPLIT_HUGE_PAGES, W_OK))
		SKIP(return, "No " SPLIT_HUGE_PAGES);
	race(&self->mem, "thp_split_page", split_all);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
