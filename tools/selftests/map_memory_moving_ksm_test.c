// SPDX-License-Identifier: GPL-2.0
// quick: svm
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over memory that KSM merges under them: a write takes pages apart again, a
 * read leaves them merged.
 */
#include "kvm_test_harness.h"

#include "lib/host_files.h"
#include "lib/host_state.h"
#include "lib/moving_memory.h"

#define KSM		"/sys/kernel/mm/ksm/"
/* A page is merged if it is in another place, too; some may be the only ones left. */
#define NR_ENOUGH	(MOVING_NR * 9 / 10)

FIXTURE(ksm) {
	struct moving_memory mem;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(ksm) {
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(ksm, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(ksm, skewed) { .skew = 201 };

FIXTURE_SETUP(ksm)
{
	uint64_t size = MOVING_PAGES * PAGE_SIZE + SZ_2M;

	if (!file_write(KSM "sleep_millisecs", "1") ||
	    !file_write(KSM "pages_to_scan", "2000"))
		SKIP(return, "No KSM");
	/* KSM is a bit nice itself, and starves beside vCPUs that never pause. */
	ASSERT_EQ(19, nice(19));
	/* It would leave alone for a while what it has found different. */
	file_write(KSM "smart_scan", "0");
	moving_memory_create(&self->mem,
			     test_mem_alloc(size) + variant->skew * PAGE_SIZE,
			     MOVING_PAGES, MOVING_FIRST, MOVING_NR);
	if (madvise(self->mem.moving, MOVING_NR * PAGE_SIZE, MADV_MERGEABLE))
		SKIP(return, "No KSM for this memory");
}

FIXTURE_TEARDOWN(ksm)
{
	file_write(KSM "run", "0");
	moving_memory_destroy(&self->mem);
}

static int compare_pfns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned int count_merged(struct moving_memory *mem)
{
	uint64_t pfns[MOVING_NR];
	unsigned int i, nr = 0;

	for (i = 0; i < MOVING_NR; i++)
		pfns[i] = page_pfn(moving_page(mem, i));
	qsort(pfns, MOVING_NR, sizeof(pfns[0]), compare_pfns);
	for (i = 0; i < MOVING_NR; i++)
		nr += pfns[i] && ((i && pfns[i] == pfns[i - 1]) ||
				  (i + 1 < MOVING_NR && pfns[i] == pfns[i + 1]));
	return nr;
}

static void make_alike(struct moving_memory *mem)
{
	memset(mem->moving, 0x5a, MOVING_NR * PAGE_SIZE);
	TEST_ASSERT(file_write(KSM "run", "1"), "KSM does not run");
}

/* This waits for KSM to be between two pages. */
static void stop_ksm(void)
{
	TEST_ASSERT(file_write(KSM "run", "0"), "KSM does not stop");
}

/* Nobody else but jobs writes to these pages meanwhile. */
static void merge_until_taken_apart(struct moving_memory *mem, unsigned int nr)
{
	uint64_t enough;

	/* Once a round: it takes its time. */
	if (nr % MOVING_CHANGES)
		return;
	make_alike(mem);
	enough = vmstat_counter("cow_ksm") + MOVING_NR;
	TEST_ASSERT(wait_until(vmstat_counter("cow_ksm") >= enough),
		    "Jobs do not take merged pages apart");
}

static void expect_all_apart(struct moving_memory *mem)
{
	struct kvm_map_memory_batch batch;

	stop_ksm();
	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	TEST_ASSERT_EQ(count_merged(mem), 0);
}

TEST_F_TIMEOUT(ksm, taken_apart, 120)
{
	self->mem.settle = expect_all_apart;
	moving_memory_race(&self->mem, VCPUS_AROUND, merge_until_taken_apart);
	ASSERT_EQ(0, self->mem.nr_efault);
}

static void merge_all(struct moving_memory *mem, unsigned int nr)
{
	if (nr % MOVING_CHANGES)
		return;
	make_alike(mem);
	TEST_ASSERT(wait_until(count_merged(mem) >= NR_ENOUGH),
		    "Only %u pages have been merged", count_merged(mem));
}

static void expect_all_merged(struct moving_memory *mem)
{
	uint64_t moving_gpa = TEST_GPA + mem->first_moving * PAGE_SIZE;
	struct kvm_map_memory_batch batch;
	unsigned int merged;

	stop_ksm();
	merged = count_merged(mem);
	TEST_ASSERT_EQ(moving_memory_map(mem, KVM_MEMORY_MAPPING_READ, NULL, &batch), 0);
	TEST_ASSERT_EQ(guest_read(mem->vcpus[0], moving_gpa, MOVING_NR * PAGE_SIZE), 0);
	TEST_ASSERT_EQ(count_merged(mem), merged);
	/* To be resident for a write each would need a page of its own. */
	TEST_ASSERT_EQ(moving_memory_map(mem, KVM_MEMORY_MAPPING_RESIDENT, NULL,
					 &batch), 0);
	TEST_ASSERT(batch.bytes_skipped >= merged * PAGE_SIZE,
		    "0x%llx bytes skipped, %u pages merged", batch.bytes_skipped,
		    merged);
}

TEST_F_TIMEOUT(ksm, kept_merged, 120)
{
	self->mem.same_flags = true;
	self->mem.flags = KVM_MEMORY_MAPPING_READ;
	self->mem.settle = expect_all_merged;
	moving_memory_race(&self->mem, VCPUS_AROUND, merge_all);
	ASSERT_EQ(0, self->mem.nr_efault);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
