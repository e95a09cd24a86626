// SPDX-License-Identifier: GPL-2.0
/* What the host does to the memory of memslots. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"
#include "region.h"
#include "uffd.h"

#define MADV_COLLAPSE_NR	25
#define MADV_POPULATE_READ_NR	22
#define MADV_POPULATE_WRITE_NR	23

/* Each poisoned page is lost to the machine. */
#define MAX_POISONED		16

static atomic_uint nr_poisoned;

struct piece {
	unsigned int region;
	uint64_t offset;
	uint64_t size;
	void *start;
};

/* Small pieces, now and then large ones, and seldom all of a region. */
static struct piece random_piece(struct rng *rng)
{
	struct piece piece;
	uint64_t unit = PAGE_SIZE, units;

	piece.region = rng_below(rng, nr_regions);
	if (region_is_hugetlb(piece.region))
		unit = regions[piece.region].kind.page_size;
	else if (rng_percent(rng, 4))
		unit = SZ_2M;
	units = REGION_SIZE / unit;

	piece.offset = 0;
	piece.size = REGION_SIZE;
	if (!rng_percent(rng, 1)) {
		piece.offset = rng_below(rng, units) * unit;
		units = (REGION_SIZE - piece.offset) / unit;
		if (unit == PAGE_SIZE && rng_percent(rng, 97) && units > 16)
			units = 16;
		piece.size = (1 + rng_below(rng, units)) * unit;
	}
	piece.start = (void *)(region_start(piece.region) + piece.offset);
	return piece;
}

#define PIECE		"memory %s at 0x%lx, 0x%lx bytes"
#define PIECE_ARGS(p)	regions[(p).region].kind.name, (p).offset, (p).size

static int result_of(int ret)
{
	return ret < 0 ? -errno : 0;
}

STEP(mmap, 20, "mmap");

/* Mostly repairs what others have undone, so that memory does not wear out. */
static void make_mmap(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	int ret;

	if (rng_percent(&thread->rng, 1)) {
		piece.offset = 0;
		piece.size = REGION_SIZE;
	}
	call_begin(thread, "mmap " PIECE, PIECE_ARGS(piece));
	ret = region_map(piece.region, piece.offset, piece.size);
	call_end(thread);
	count_call(&step_mmap, ret);
}

STEP(munmap, 12, "munmap");

static void make_munmap(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	int ret;

	call_begin(thread, "munmap " PIECE, PIECE_ARGS(piece));
	ret = result_of(munmap(piece.start, piece.size));
	/* Some holes stay. */
	if (rng_percent(&thread->rng, 70))
		region_map(piece.region, piece.offset, piece.size);
	call_end(thread);
	count_call(&step_munmap, ret);
}

STEP(mprotect, 15, "mprotect");

static void make_mprotect(struct thread *thread)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
	};
	struct piece piece = random_piece(&thread->rng);
	int prot = rng_pick(&thread->rng, prots), ret;

	call_begin(thread, "mprotect " PIECE ", prot %d", PIECE_ARGS(piece), prot);
	ret = result_of(mprotect(piece.start, piece.size, prot));
	call_end(thread);
	count_call(&step_mprotect, ret);
}

STEP(mremap, 6, "mremap");

static void make_mremap(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	uint64_t to = rng_below(&thread->rng, REGION_SIZE / SZ_2M) * SZ_2M;
	void *moved;

	if (piece.size > SZ_2M)
		piece.size = SZ_2M;
	call_begin(thread, "mremap " PIECE " to 0x%lx", PIECE_ARGS(piece), to);
	moved = mremap(piece.start, piece.size, piece.size,
		       MREMAP_MAYMOVE | MREMAP_FIXED,
		       region_start(piece.region) + to);
	count_call(&step_mremap, moved == MAP_FAILED ? -errno : 0);
	if (moved != MAP_FAILED && rng_percent(&thread->rng, 80))
		region_map(piece.region, piece.offset, piece.size);
	call_end(thread);
}

static void advise_piece(struct thread *thread, const struct step *step,
			 struct piece piece, int advice)
{
	int ret;

	call_begin(thread, "%s " PIECE ", advice %d", step->name, PIECE_ARGS(piece),
		   advice);
	ret = result_of(madvise(piece.start, piece.size, advice));
	call_end(thread);
	count_call(step, ret);
}

STEP(madvise, 35, "madvise");

static void make_madvise(struct thread *thread)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED,
		MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_REMOVE, MADV_DONTFORK,
		MADV_DOFORK, MADV_UNMERGEABLE, MADV_WIPEONFORK, MADV_KEEPONFORK,
	};
	struct piece piece = random_piece(&thread->rng);

	advise_piece(thread, &step_madvise, piece, rng_pick(&thread->rng, advices));
}

STEP(populate, 5, "populate");

static void make_populate(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);

	advise_piece(thread, &step_populate, piece, rng_percent(&thread->rng, 50) ?
		     MADV_POPULATE_READ_NR : MADV_POPULATE_WRITE_NR);
}

STEP(collapse, 1, "collapse into huge pages");

static void make_collapse(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	int ret;

	piece.region = region_find(rng_percent(&thread->rng, 50) ? "thp" : "4k");
	piece.offset &= ~(SZ_2M - 1);
	piece.size = SZ_2M;
	piece.start = (void *)(region_start(piece.region) + piece.offset);
	call_begin(thread, "collapse " PIECE, PIECE_ARGS(piece));
	/* Nothing is collapsed of several VMAs, or where nothing may become huge. */
	region_map(piece.region, piece.offset, SZ_2M);
	madvise(piece.start, piece.size, MADV_HUGEPAGE);
	madvise(piece.start, piece.size, MADV_POPULATE_WRITE_NR);
	ret = result_of(madvise(piece.start, piece.size, MADV_COLLAPSE_NR));
	call_end(thread);
	count_call(&step_collapse, ret);
}

STEP(merge, 15, "have KSM merge", NEEDS_KSM);

static void make_merge(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	int ret;

	piece.start = (void *)(region_start(REGION_MERGED) + piece.offset);
	call_begin(thread, "merge at 0x%lx, 0x%lx bytes", piece.offset, piece.size);
	ret = result_of(madvise(piece.start, piece.size, MADV_MERGEABLE));
	call_end(thread);
	count_call(&step_merge, ret);
}

STEP(poison, 1, "poison a page", NEEDS_POISON);

static void make_poison(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	int ret;

	/* The arguments' memory is the threads' own, to read and write. */
	if (piece.region == REGION_ARGUMENTS || region_is_hugetlb(piece.region))
		piece.region = region_find("4k");
	piece.start = (void *)(region_start(piece.region) + piece.offset);
	piece.size = PAGE_SIZE;
	call_begin(thread, "poison " PIECE, PIECE_ARGS(piece));
	if (atomic_fetch_add(&nr_poisoned, 1) < MAX_POISONED) {
		ret = result_of(madvise(piece.start, PAGE_SIZE, MADV_HWPOISON));
		count_call(&step_poison, ret);
	}
	call_end(thread);
}

static int random_memfd(struct rng *rng)
{
	unsigned int region;

	/* REGION_COPY has a file in any case. */
	do {
		region = rng_below(rng, nr_regions);
	} while (regions[region].fd < 0);
	return regions[region].fd;
}

STEP(punch, 15, "punch a memfd");

static void make_punch(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	int fd = random_memfd(&thread->rng), ret;

	call_begin(thread, "punch at 0x%lx, 0x%lx bytes", piece.offset, piece.size);
	ret = result_of(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  piece.offset, piece.size));
	call_end(thread);
	count_call(&step_punch, ret);
}

STEP(truncate, 2, "truncate a memfd");

static void make_truncate(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	int fd = random_memfd(&thread->rng), ret;

	call_begin(thread, "truncate to 0x%lx", piece.offset);
	ret = result_of(ftruncate(fd, piece.offset));
	/* A mapping beyond the end of the file cannot be used. */
	if (rng_percent(&thread->rng, 80) && ftruncate(fd, REGION_SIZE))
		ret = -errno;
	call_end(thread);
	count_call(&step_truncate, ret);
}

STEP(host_write, 20, "write by the host");

static void make_host_write(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	uint64_t offset, value = rng_next(&thread->rng);
	int ret = 0;

	/* Half of the values are alike, for KSM. */
	if (rng_percent(&thread->rng, 50))
		value = 1;
	if (piece.size > 8 * PAGE_SIZE)
		piece.size = 8 * PAGE_SIZE;
	call_begin(thread, "write " PIECE ", value 0x%lx", PIECE_ARGS(piece), value);
	for (offset = 0; offset < piece.size && !ret; offset += PAGE_SIZE)
		ret = memory_write((uint64_t)piece.start + offset, value);
	call_end(thread);
	count_call(&step_host_write, ret);
}

STEP(uffd, 10, "userfaultfd", NEEDS_UFFD);

static void make_uffd(struct thread *thread)
{
	struct piece piece = random_piece(&thread->rng);
	bool write_protect = rng_percent(&thread->rng, 30);
	unsigned int what = rng_below(&thread->rng, 4);
	uint64_t start = region_start(REGION_UFFD) + piece.offset;
	int ret;

	if (rng_percent(&thread->rng, 20))
		start = region_start(region_find("memfd")) + piece.offset;
	call_begin(thread, "userfaultfd 0x%lx, 0x%lx bytes, what %u, wp %d", start,
		   piece.size, what, write_protect);
	if (what == 0)
		ret = uffd_unregister(start, piece.size);
	else if (what == 1)
		ret = uffd_write_protect(start, piece.size, write_protect);
	else
		ret = uffd_register(start, piece.size, write_protect);
	if (!ret && what > 1)
		madvise((void *)start, piece.size, MADV_DONTNEED);
	call_end(thread);
	count_call(&step_uffd, ret);
}
