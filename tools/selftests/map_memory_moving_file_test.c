// SPDX-License-Identifier: GPL-2.0
// quick: svm
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over memory of a file that loses pages under them: truncated, and holes
 * punched.
 */
#include <linux/falloc.h>
#include <sys/stat.h>

#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/moving_memory.h"

/* The end of the file is what moves; the slot has it in the middle. */
#define FILE_SIZE	(MOVING_PAGES * PAGE_SIZE)
#define FIXED_PAGES	(MOVING_PAGES - MOVING_NR)
#define FIXED_SIZE	(FIXED_PAGES * PAGE_SIZE)

FIXTURE(file) {
	struct moving_memory mem;
};

FIXTURE_VARIANT(file) {
	/* Between the pages' places in the guest's and in the host's tables. */
	uint64_t skew;
	int share;
};

FIXTURE_VARIANT_ADD(file, in_step) { .share = MAP_SHARED };
FIXTURE_VARIANT_ADD(file, skewed) { .skew = 201, .share = MAP_SHARED };
FIXTURE_VARIANT_ADD(file, private) { .share = MAP_PRIVATE };

static int memfd;
static int share;

static void map_pages(void *hva, uint64_t nr_pages, uint64_t first)
{
	TEST_ASSERT(mmap(hva, nr_pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 share | MAP_FIXED, memfd, first * PAGE_SIZE) == hva,
		    "mmap failed");
}

FIXTURE_SETUP(file)
{
	uint64_t above = FIXED_PAGES - MOVING_FIRST;
	void *hva = test_mem_alloc(FILE_SIZE + SZ_2M) + variant->skew * PAGE_SIZE;

	share = variant->share;
	memfd = memfd_create("guest", 0);
	TEST_ASSERT(memfd >= 0 && !ftruncate(memfd, FILE_SIZE), "No file");
	map_pages(hva, MOVING_FIRST, 0);
	map_pages(hva + MOVING_FIRST * PAGE_SIZE, MOVING_NR, FIXED_PAGES);
	map_pages(hva + (MOVING_FIRST + MOVING_NR) * PAGE_SIZE, above,
		  MOVING_FIRST);
	moving_memory_create(&self->mem, hva, MOVING_PAGES, MOVING_FIRST, MOVING_NR);
}

FIXTURE_TEARDOWN(file)
{
	moving_memory_destroy(&self->mem);
}

static uint64_t file_bytes(void)
{
	struct stat st;

	TEST_ASSERT(!fstat(memfd, &st), "fstat failed");
	return st.st_blocks * 512;
}

static void write_file(uint64_t page, uint64_t mark)
{
	TEST_ASSERT(pwrite(memfd, &mark, sizeof(mark), page * PAGE_SIZE) ==
		    sizeof(mark), "pwrite failed");
}

/* By the piece, from the end, to the end again. */
static void truncate_file(struct moving_memory *mem, unsigned int nr)
{
	uint64_t step = moving_piece_size(mem), size, kept, looked_at;

	for (size = FILE_SIZE - step; size >= FIXED_SIZE;
	     size -= (1 + nr % 4) * step) {
		kept = (size - FIXED_SIZE) / PAGE_SIZE;
		moving_mark(moving_page(mem, kept), MOVING_NR - kept, nr + 1);
		TEST_ASSERT(!ftruncate(memfd, size), "ftruncate failed");
		if (nr & 1)
			moving_memory_await(&mem->nr_efault);
		TEST_ASSERT(file_bytes() <= size, "The file has kept its pages");
		TEST_ASSERT(!ftruncate(memfd, FILE_SIZE), "ftruncate failed");
		/* To copy what was looked at takes its time, page after page. */
		looked_at = share == MAP_PRIVATE ? 1 : MOVING_NR - kept;
		TEST_ASSERT_EQ(moving_count_marks(moving_page(mem, kept),
						  looked_at, nr + 1), 0);
	}
}

/* Nothing moves: what is gone is known by the page. */
static void expect_end_of_file(struct moving_memory *mem)
{
	uint64_t kept = 77 * mem->round, gone = (MOVING_NR - kept) * PAGE_SIZE;
	struct kvm_map_memory_batch batch;
	struct kvm_memory_mapping left;

	TEST_ASSERT_EQ(moving_memory_map(mem, 0, NULL, &batch), 0);
	TEST_ASSERT(!ftruncate(memfd, FILE_SIZE - gone), "ftruncate failed");
	TEST_ASSERT_EQ(moving_memory_map(mem, 0, &left, &batch), -EFAULT);
	TEST_ASSERT_EQ(left.base_address,
		       TEST_GPA + (MOVING_FIRST + kept) * PAGE_SIZE);
	TEST_ASSERT_EQ(batch.bytes_mapped, 0);
	/* This counts what is still mapped, anywhere in the range. */
	TEST_ASSERT_EQ(moving_memory_map(mem, KVM_MEMORY_MAPPING_RESIDENT, NULL,
					 &batch), 0);
	TEST_ASSERT_EQ(batch.bytes_mapped, 0);
	TEST_ASSERT_EQ(batch.bytes_skipped, gone);
	TEST_ASSERT(!ftruncate(memfd, FILE_SIZE), "ftruncate failed");
}

/* A touch of what is gone would be a SIGBUS, which ends the test. */
TEST_F_TIMEOUT(file, truncated, 90)
{
	/* The same goes for what was mapped for reading. */
	self->mem.same_flags = variant->share == MAP_PRIVATE;
	self->mem.settle = expect_end_of_file;
	moving_memory_race(&self->mem, VCPUS_AROUND, truncate_file);
}

/* Every other change is of single pages.  Some pages are written at once. */
static void punch_holes(struct moving_memory *mem, unsigned int nr)
{
	uint64_t piece = MOVING_NR / MOVING_PIECES, page;
	uint64_t nr_pages = nr & 1 ? 1 : piece;
	unsigned int i;
	void *hva;

	for (i = 0; i < 2 * MOVING_PIECES; i++) {
		page = i % MOVING_PIECES * piece + (nr & 1 ? i + nr : 0);
		hva = moving_page(mem, page);
		moving_mark(hva, nr_pages, nr + 1);
		TEST_ASSERT(!fallocate(memfd, FALLOC_FL_PUNCH_HOLE |
				       FALLOC_FL_KEEP_SIZE,
				       (FIXED_PAGES + page) * PAGE_SIZE,
				       nr_pages * PAGE_SIZE), "fallocate failed");
		/* The mark is in a copy of the VMM's, if the mapping is private. */
		TEST_ASSERT_EQ(moving_count_marks(hva, nr_pages, nr + 1),
			       share == MAP_PRIVATE ? nr_pages : 0);
		if (i % 3 == 1)
			*(uint64_t *)hva = nr;
		else if (i % 3 == 2)
			write_file(FIXED_PAGES + page, nr);
	}
}

TEST_F_TIMEOUT(file, punched, 90)
{
	moving_memory_race(&self->mem, VCPUS_THROUGH, punch_holes);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
