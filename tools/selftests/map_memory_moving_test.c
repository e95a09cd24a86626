// SPDX-License-Identifier: GPL-2.0
// quick: svm
// test-timeout: 250
// vmx: none in Bochs a guest that never exits keeps the only CPU
/*
 * Jobs over memory whose mapping the VMM changes under them: discarded,
 * protected, unmapped, moved elsewhere, moved in, shared with a child.
 */
#include "kvm_test_harness.h"

#include "lib/host_state.h"
#include "lib/moving_memory.h"

#define TEST_SIZE	(MOVING_PAGES * PAGE_SIZE)

FIXTURE(moving) {
	struct moving_memory mem;
};

/* Between the pages' places in the guest's and in the host's tables. */
FIXTURE_VARIANT(moving) {
	uint64_t skew;
};

FIXTURE_VARIANT_ADD(moving, in_step) { .skew = 0 };
FIXTURE_VARIANT_ADD(moving, skewed) { .skew = 201 };

/* The place that memory is moved to, and comes from. */
static void *elsewhere;

FIXTURE_SETUP(moving)
{
	uint64_t offset = variant->skew * PAGE_SIZE;

	moving_memory_create(&self->mem, test_mem_alloc(TEST_SIZE + SZ_2M) + offset,
			     MOVING_PAGES, MOVING_FIRST, MOVING_NR);
	elsewhere = test_mem_alloc(TEST_SIZE + SZ_2M) + offset +
		    MOVING_FIRST * PAGE_SIZE;
}

FIXTURE_TEARDOWN(moving)
{
	moving_memory_destroy(&self->mem);
}

/* Every other change is of single pages. */
static void discard(struct moving_memory *mem, unsigned int nr)
{
	uint64_t nr_pages = nr & 1 ? 1 : moving_piece_size(mem) / PAGE_SIZE;
	unsigned int i;
	void *hva;

	for (i = 0; i < 2 * MOVING_PIECES; i++) {
		hva = moving_piece(mem, i) + (nr & 1 ? (i + nr) * PAGE_SIZE : 0);
		moving_mark(hva, nr_pages, nr + 1);
		TEST_ASSERT(!madvise(hva, nr_pages * PAGE_SIZE, MADV_DONTNEED),
			    "MADV_DONTNEED failed");
		TEST_ASSERT_EQ(moving_count_marks(hva, nr_pages, 0), nr_pages);
		if (i % 3)
			*(uint64_t *)hva = nr;
	}
}

TEST_F_TIMEOUT(moving, discarded, 60)
{
	moving_memory_race(&self->mem, VCPUS_THROUGH, discard);
}

static void protect(struct moving_memory *mem, unsigned int nr)
{
	uint64_t size = moving_piece_size(mem);
	int i;

	for (i = 0; i < MOVING_PIECES; i++)
		TEST_ASSERT(!mprotect(moving_piece(mem, i), size,
				      (i + nr) % 3 ? PROT_READ : PROT_NONE),
			    "mprotect failed");
	moving_memory_await(&mem->nr_efault);
	for (i = MOVING_PIECES - 1; i >= 0; i--)
		TEST_ASSERT(!mprotect(moving_piece(mem, i), size,
				      PROT_READ | PROT_WRITE), "mprotect failed");
}

TEST_F_TIMEOUT(moving, protected, 90)
{
	moving_memory_race(&self->mem, VCPUS_AROUND, protect);
}

static void map_anew(void *hva, uint64_t size, bool populate)
{
	uint64_t offset;

	TEST_ASSERT(mmap(hva, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			 -1, 0) == hva, "mmap failed");
	madvise(hva, size, MADV_NOHUGEPAGE);
	for (offset = 0; populate && offset < size; offset += PAGE_SIZE)
		*(uint64_t *)(hva + offset) = offset;
}

static void unmap(struct moving_memory *mem, unsigned int nr)
{
	uint64_t size = moving_piece_size(mem);
	unsigned int i;
	void *hva;

	for (i = 0; i < MOVING_PIECES; i++) {
		hva = moving_piece(mem, nr & 1 ? i : MOVING_PIECES - 1 - i);
		TEST_ASSERT(!munmap(hva, size), "munmap failed");
		if (i % 4 == 3)
			moving_memory_await(&mem->nr_efault);
		map_anew(hva, size, i & 1);
	}
}

TEST_F_TIMEOUT(moving, unmapped, 90)
{
	moving_memory_race(&self->mem, VCPUS_AROUND, unmap);
}

/* In the end it is gone. */
static void unmap_all(struct moving_memory *mem, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		moving_mark(mem->hva, MOVING_PAGES, 1);
		TEST_ASSERT(!munmap(mem->hva, TEST_SIZE), "munmap failed");
		if (i & 1)
			moving_memory_await(&mem->nr_efault);
		map_anew(mem->hva, TEST_SIZE, i & 1);
	}
	if (nr % MOVING_CHANGES == MOVING_CHANGES - 1)
		TEST_ASSERT(!munmap(mem->hva, TEST_SIZE), "munmap failed");
}

static void expect_all_gone(struct moving_memory *mem)
{
	struct kvm_map_memory_batch batch;
	struct kvm_memory_mapping left;

	TEST_ASSERT_EQ(moving_memory_map(mem, 0, &left, &batch), -EFAULT);
	TEST_ASSERT_EQ(left.base_address, TEST_GPA);
	TEST_ASSERT_EQ(batch.bytes_mapped + batch.bytes_present, 0);
	/* This counts what is still mapped, anywhere in the range. */
	TEST_ASSERT_EQ(moving_memory_map(mem, KVM_MEMORY_MAPPING_RESIDENT, &left,
					 &batch), 0);
	TEST_ASSERT_EQ(batch.bytes_skipped, TEST_SIZE);
	map_anew(mem->hva, TEST_SIZE, false);
}

TEST_F_TIMEOUT(moving, unmapped_as_a_whole, 90)
{
	self->mem.settle = expect_all_gone;
	moving_memory_race(&self->mem, VCPUS_ASIDE, unmap_all);
}

static void fork_and_exit(struct moving_memory *mem, unsigned int nr)
{
	pid_t child = fork();
	uint64_t i;

	TEST_ASSERT(child >= 0, "fork failed");
	if (!child)
		_exit(0);
	/* Some pages are replaced while the child may still share them. */
	for (i = nr; i < mem->nr_moving; i += 23)
		*(uint64_t *)moving_page(mem, i) = nr;
	TEST_ASSERT(waitpid(child, NULL, 0) == child, "waitpid failed");
}

/* Nor is the end of the child, with its descriptors, one of the job. */
TEST_F_TIMEOUT(moving, forked, 120)
{
	moving_memory_race(&self->mem, VCPUS_THROUGH, fork_and_exit);
}

static void move(void *from, void *to, uint64_t size)
{
	TEST_ASSERT(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
		    to, "mremap failed");
}

/* All at once, so that the host moves a whole table, or by the piece. */
static uint64_t size_to_move(struct moving_memory *mem, unsigned int nr)
{
	return nr & 1 ? moving_piece_size(mem) : mem->nr_moving * PAGE_SIZE;
}

static void move_away_and_back(struct moving_memory *mem, unsigned int nr)
{
	uint64_t size = size_to_move(mem, nr), offset;

	for (offset = 0; offset < mem->nr_moving * PAGE_SIZE; offset += size) {
		move(mem->moving + offset, elsewhere, size);
		if (nr & 2 && !offset)
			moving_memory_await(&mem->nr_efault);
		if (nr % 3)
			*(uint64_t *)elsewhere = nr;
		move(elsewhere, mem->moving + offset, size);
	}
}

TEST_F_TIMEOUT(moving, moved, 90)
{
	moving_memory_race(&self->mem, VCPUS_AROUND, move_away_and_back);
}

/* Other memory takes the place, which is empty at no time. */
static void move_in(struct moving_memory *mem, unsigned int nr)
{
	uint64_t size = size_to_move(mem, nr), offset, pages = size / PAGE_SIZE;
	void *here;

	for (offset = 0; offset < mem->nr_moving * PAGE_SIZE; offset += size) {
		here = mem->moving + offset;
		moving_mark(elsewhere, pages, nr + 1);
		move(elsewhere, here, size);
		TEST_ASSERT_EQ(moving_count_marks(here, pages, nr + 1), pages);
		map_anew(elsewhere, size, false);
	}
}

TEST_F_TIMEOUT(moving, moved_in, 90)
{
	moving_memory_race(&self->mem, VCPUS_THROUGH, move_in);
}

int main(int argc, char **argv)
{
	map_require_batches();
	return test_harness_run(argc, argv);
}
