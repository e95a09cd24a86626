// SPDX-License-Identifier: GPL-2.0
// quick: svm debug
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over hugetlb memory that loses pages under them: discarded, holes punched,
 * the file truncated.
 */
#include <linux/falloc.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/hugetlb_pool.h"
#include "lib/moving_memory.h"

#define HUGE_KIB	(SZ_2M / 1024)
/* A page that goes can be in use for a while when its successor is wanted. */
#define POOL		(2 * MOVING_HUGE_SIZE / SZ_2M)

FIXTURE(hugetlb) {
	struct moving_memory mem;
	uint64_t pool_old;
	void *hva;
};

FIXTURE_VARIANT(hugetlb) {
	/* Between the pages' places in the guest's and in the host's tables. */
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(hugetlb, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(hugetlb, skewed) { .skew = 201 };

static int memfd = -1;

FIXTURE_SETUP(hugetlb)
{
	if (!hugetlb_pool_grow(HUGE_KIB, POOL, &self->pool_old))
		SKIP(return, "No free hugetlb pages");
	self->hva = test_mem_alloc(MOVING_HUGE_SIZE);
}

FIXTURE_TEARDOWN(hugetlb)
{
	moving_memory_destroy(&self->mem);
	if (!self->hva)
		return;
	munmap(self->hva, MOVING_HUGE_SIZE);
	close(memfd);
	hugetlb_pool_restore(HUGE_KIB, self->pool_old);
}

static void map_huge(void *hva, uint64_t nr, int flags, uint64_t first)
{
	TEST_ASSERT(mmap(hva, nr * SZ_2M, PROT_READ | PROT_WRITE,
			 flags | MAP_NORESERVE | MAP_FIXED, memfd, first * SZ_2M) ==
		    hva, "mmap of huge pages failed");
}

/* The end of the file is what moves. */
static void map_file(void *hva)
{
	unsigned int fixed = MOVING_HUGE_SIZE / SZ_2M - MOVING_HUGE;

	memfd = memfd_create("guest", MFD_HUGETLB);
	TEST_ASSERT(memfd >= 0 && !ftruncate(memfd, MOVING_HUGE_SIZE), "No file");
	map_huge(hva, 1, MAP_SHARED, 0);
	map_huge(hva + SZ_2M, MOVING_HUGE, MAP_SHARED, fixed);
	map_huge(hva + (1 + MOVING_HUGE) * SZ_2M, fixed - 1, MAP_SHARED, 1);
}

static uint64_t file_offset(struct moving_memory *mem, uint64_t page)
{
	return MOVING_HUGE_SIZE - (mem->nr_moving - page) * PAGE_SIZE;
}

/* Small parts of huge pages cannot be discarded. */
static void discard(struct moving_memory *mem, unsigned int nr)
{
	unsigned int i;
	void *hva;

	for (i = 0; i < 2 * MOVING_HUGE; i++) {
		hva = moving_page(mem, (i + nr) % MOVING_HUGE * PAGES_PER_HUGE);
		moving_mark(hva, PAGES_PER_HUGE, nr + 1);
		TEST_ASSERT(!madvise(hva, SZ_2M, MADV_DONTNEED),
			    "MADV_DONTNEED failed");
		TEST_ASSERT_EQ(moving_count_marks(hva, PAGES_PER_HUGE, 0),
			       PAGES_PER_HUGE);
	}
}

TEST_F_TIMEOUT(hugetlb, discarded, 90)
{
	map_huge(self->hva, MOVING_HUGE_SIZE / SZ_2M,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, 0);
	moving_memory_create_huge(&self->mem, self->hva, variant->skew);
	moving_memory_race(&self->mem, VCPUS_THROUGH, discard);
}

/* A part that is smaller than a huge page is cleared and stays. */
static void punch_holes(struct moving_memory *mem, unsigned int nr)
{
	uint64_t nr_pages = nr & 1 ? 7 : PAGES_PER_HUGE, page;
	unsigned int i;
	void *hva;

	for (i = 0; i < 2 * MOVING_HUGE; i++) {
		page = i % MOVING_HUGE * PAGES_PER_HUGE + (nr & 1 ? i + 61 * nr : 0);
		hva = moving_page(mem, page);
		moving_mark(hva, nr_pages, nr + 1);
		TEST_ASSERT(!fallocate(memfd, FALLOC_FL_PUNCH_HOLE |
				       FALLOC_FL_KEEP_SIZE, file_offset(mem, page),
				       nr_pages * PAGE_SIZE), "fallocate failed");
		TEST_ASSERT_EQ(moving_count_marks(hva, nr_pages, 0), nr_pages);
	}
}

TEST_F_TIMEOUT(hugetlb, punched, 90)
{
	map_file(self->hva);
	moving_memory_create_huge(&self->mem, self->hva, variant->skew);
	moving_memory_race(&self->mem, VCPUS_THROUGH, punch_holes);
}

static void truncate_file(struct moving_memory *mem, unsigned int nr)
{
	uint64_t page, left;

	for (page = 0; page < mem->nr_moving; page += PAGES_PER_HUGE) {
		left = mem->nr_moving - page;
		moving_mark(moving_page(mem, page), left, nr + 1);
		TEST_ASSERT(!ftruncate(memfd, file_offset(mem, page)),
			    "ftruncate failed");
		if (nr & 1)
			moving_memory_await(&mem->nr_efault);
		TEST_ASSERT(!ftruncate(memfd, MOVING_HUGE_SIZE), "ftruncate failed");
		TEST_ASSERT_EQ(moving_count_marks(moving_page(mem, page), left, 0),
			       left);
	}
}

/* Nothing moves: what is gone is known by the page. */
static void expect_end_of_file(struct moving_memory *mem)
{
	uint64_t kept = PAGES_PER_HUGE, gone = mem->nr_moving - kept;
	struct kvm_map_memory_batch batch;
	struct kvm_memory_mapping left;

	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	TEST_ASSERT(!ftruncate(memfd, file_offset(mem, kept)), "ftruncate failed");
	TEST_ASSERT_EQ(moving_memory_map(mem, 0, &left, &batch), -EFAULT);
	TEST_ASSERT_EQ(left.base_address,
		       TEST_GPA + (mem->first_moving + kept) * PAGE_SIZE);
	TEST_ASSERT_EQ(moving_memory_map(mem, KVM_MEMORY_MAPPING_RESIDENT, NULL,
					 &batch), 0);
	TEST_ASSERT_EQ(batch.bytes_skipped, gone * PAGE_SIZE);
	TEST_ASSERT(!ftruncate(memfd, MOVING_HUGE_SIZE), "ftruncate failed");
}

TEST_F_TIMEOUT(hugetlb, truncated, 90)
{
	map_file(self->hva);
	moving_memory_create_huge(&self->mem, self->hva, variant->skew);
	self->mem.settle = expect_end_of_file;
	moving_memory_race(&self->mem, VCPUS_AROUND, truncate_file);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
