// SPDX-License-Identifier: GPL-2.0
#include <linux/memfd.h>
#include <sys/ioctl.h>

#include "host_state.h"
#include "hugetlb_pool.h"
#include "test_vm.h"
#include "uffd_memory.h"

static bool is_file(const struct uffd_memory *mem)
{
	return mem->kind == UFFD_MEMORY_MEMFD || mem->kind == UFFD_MEMORY_HUGETLB;
}

static void write_words(void *hva, uint64_t first, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size / PAGE_SIZE; i++)
		*(uint64_t *)(hva + i * PAGE_SIZE) = UFFD_MEMORY_WORD + first + i;
}

static bool map_file(struct uffd_memory *mem)
{
	bool huge = mem->kind == UFFD_MEMORY_HUGETLB;
	int memfd;

	if (huge && !hugetlb_pool_grow(SZ_2M / 1024, mem->size / SZ_2M, &mem->old_pool))
		return false;

	memfd = memfd_create("guest", huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
	TEST_ASSERT(memfd >= 0 && !ftruncate(memfd, mem->size), "Cannot make a memfd");
	mem->hva = mmap(NULL, mem->size, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	TEST_ASSERT(mem->hva != MAP_FAILED, "Cannot map a memfd");
	close(memfd);
	return true;
}

static bool map_anonymous(struct uffd_memory *mem)
{
	mem->hva = test_mem_alloc(mem->size);
	return mem->kind == UFFD_MEMORY_ANON ||
	       !madvise(mem->hva, mem->size, MADV_HUGEPAGE);
}

bool uffd_memory_create(struct uffd_memory *mem, enum uffd_memory_kind kind,
			uint64_t mode, uint64_t size)
{
	memset(mem, 0, sizeof(*mem));
	mem->kind = kind;
	mem->mode = mode;
	mem->size = size;
	mem->page_size = kind == UFFD_MEMORY_THP || kind == UFFD_MEMORY_HUGETLB ?
			 SZ_2M : PAGE_SIZE;

	if (!(is_file(mem) ? map_file(mem) : map_anonymous(mem)))
		return false;

	mem->copied = test_mem_alloc(mem->page_size);
	write_words(mem->hva, 0, size);
	if (kind == UFFD_MEMORY_THP && thp_bytes(mem->hva, size) != size)
		return false;

	return uffd_gate_close_off_mode(&mem->gate, mem->hva, size, mode);
}

void uffd_memory_destroy(struct uffd_memory *mem)
{
	if (mem->gate.fd > 0)
		uffd_gate_destroy(&mem->gate);
	munmap(mem->hva, mem->size);
	if (mem->kind == UFFD_MEMORY_HUGETLB)
		hugetlb_pool_restore(SZ_2M / 1024, mem->old_pool);
}

static void write_protect(struct uffd_memory *mem, uint64_t offset, uint64_t size,
			  uint64_t mode)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = (uint64_t)mem->hva + offset, .len = size },
		.mode = mode,
	};

	TEST_ASSERT(!ioctl(mem->gate.fd, UFFDIO_WRITEPROTECT, &wp),
		    "UFFDIO_WRITEPROTECT failed");
}

void uffd_memory_take(struct uffd_memory *mem, uint64_t offset, uint64_t size)
{
	int advice = MADV_DONTNEED;

	if (mem->mode == UFFDIO_REGISTER_MODE_WP) {
		write_protect(mem, offset, size, UFFDIO_WRITEPROTECT_MODE_WP);
		return;
	}

	/* A minor fault is one for a page that only this mapping has not got. */
	if (is_file(mem) && mem->mode == UFFDIO_REGISTER_MODE_MISSING)
		advice = MADV_REMOVE;
	TEST_ASSERT(!madvise(mem->hva + offset, size, advice), "madvise failed");
}

/* The page may be there already: whoever came first has woken who waited. */
static void copy(struct uffd_memory *mem, uint64_t offset)
{
	struct uffdio_copy copy = {
		.dst = (uint64_t)mem->hva + offset,
		.src = (uint64_t)mem->copied,
		.len = mem->page_size,
	};

	write_words(mem->copied, offset / PAGE_SIZE, mem->page_size);
	TEST_ASSERT(!ioctl(mem->gate.fd, UFFDIO_COPY, &copy) ||
		    copy.copy == -EEXIST, "UFFDIO_COPY failed");
}

static void resume(struct uffd_memory *mem, uint64_t offset)
{
	struct uffdio_continue cont = {
		.range = { .start = (uint64_t)mem->hva + offset, .len = mem->page_size },
	};

	TEST_ASSERT(!ioctl(mem->gate.fd, UFFDIO_CONTINUE, &cont) ||
		    cont.mapped == -EEXIST, "UFFDIO_CONTINUE failed");
}

void uffd_memory_give(struct uffd_memory *mem, uint64_t offset)
{
	switch (mem->mode) {
	case UFFDIO_REGISTER_MODE_MISSING:
		copy(mem, offset);
		break;
	case UFFDIO_REGISTER_MODE_MINOR:
		resume(mem, offset);
		break;
	default:
		write_protect(mem, offset, mem->page_size, 0);
	}
}

void uffd_memory_poison(struct uffd_memory *mem, uint64_t offset)
{
	struct uffdio_poison poison = {
		.range = { .start = (uint64_t)mem->hva + offset, .len = mem->page_size },
	};

	TEST_ASSERT(!ioctl(mem->gate.fd, UFFDIO_POISON, &poison), "UFFDIO_POISON failed");
}

void uffd_memory_unregister(struct uffd_memory *mem)
{
	struct uffdio_range range = { .start = (uint64_t)mem->hva, .len = mem->size };

	TEST_ASSERT(!ioctl(mem->gate.fd, UFFDIO_UNREGISTER, &range),
		    "UFFDIO_UNREGISTER failed");
	/* Linux 6.12 wakes only those itself who wait for a missing page. */
	TEST_ASSERT(!ioctl(mem->gate.fd, UFFDIO_WAKE, &range), "UFFDIO_WAKE failed");
}

uint64_t uffd_memory_wait(struct uffd_memory *mem)
{
	return uffd_gate_wait(&mem->gate) - mem->hva;
}
