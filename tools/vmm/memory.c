// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/memfd.h>
#include "memory.h"
#include "sysfile.h"
#include "units.h"

#define THP_SETTING	"/sys/kernel/mm/transparent_hugepage/enabled"

static void *map_anonymous(void *where, uint64_t bytes, int flags)
{
	return mmap(where, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags |
		    (where ? MAP_FIXED : 0), -1, 0);
}

static void *map_advised(void *where, uint64_t bytes, int advice)
{
	void *host = map_anonymous(where, bytes, 0);

	/* A kernel without huge pages knows no advice, and needs none. */
	if (host != MAP_FAILED && madvise(host, bytes, advice) < 0 &&
	    advice == MADV_HUGEPAGE)
		return MAP_FAILED;
	return host;
}

static void *map_4k(void *where, uint64_t bytes)
{
	return map_advised(where, bytes, MADV_NOHUGEPAGE);
}

static void *map_thp(void *where, uint64_t bytes)
{
	return map_advised(where, bytes, MADV_HUGEPAGE);
}

/* Reserves the huge pages at once, so that it fails here or never. */
static void *map_hugetlb(void *where, uint64_t bytes, int size_flag)
{
	return mmap(where, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size_flag |
		    (where ? MAP_FIXED : 0), -1, 0);
}

static void *map_hugetlb_2m(void *where, uint64_t bytes)
{
	return map_hugetlb(where, bytes, MFD_HUGE_2MB);
}

static void *map_hugetlb_1g(void *where, uint64_t bytes)
{
	return map_hugetlb(where, bytes, MFD_HUGE_1GB);
}

static void *map_memfd(void *where, uint64_t bytes)
{
	int fd = memfd_create("kvm-prefault", MFD_CLOEXEC);
	void *host = MAP_FAILED;
	int error;

	if (fd < 0)
		return MAP_FAILED;
	if (!ftruncate(fd, bytes))
		host = mmap(where, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | (where ? MAP_FIXED : 0), fd, 0);
	error = errno;
	close(fd);
	errno = error;
	return host;
}

/* Better than to be killed half-way. */
static int check_available(const struct memory_kind *kind, uint64_t bytes,
			   struct failure *failure)
{
	char value[64];
	uint64_t available;

	(void)kind;
	if (!sysfile_value("/proc/meminfo", "MemAvailable", value,
			   sizeof(value)))
		return 0;
	available = strtoull(value, NULL, 10) * KIB;
	if (bytes <= available)
		return 0;
	fail_unavailable(failure, "%llu MiB of memory needed, %llu MiB available",
			 (unsigned long long)(bytes / MIB),
			 (unsigned long long)(available / MIB));
	advise(failure, "ask for less with --size\n");
	return -1;
}

static int check_thp(const struct memory_kind *kind, uint64_t bytes,
		     struct failure *failure)
{
	char setting[64];

	if (!sysfile_line(THP_SETTING, setting, sizeof(setting)))
		return fail_unavailable(failure,
			"the kernel has no transparent huge pages");
	if (strstr(setting, "[never]")) {
		fail_unavailable(failure,
				 "transparent huge pages are switched off");
		advise(failure, "as root: echo madvise > " THP_SETTING "\n");
		return -1;
	}
	return check_available(kind, bytes, failure);
}

static int check_hugetlb(const struct memory_kind *kind, uint64_t bytes,
			 struct failure *failure)
{
	uint64_t needed = bytes / kind->page_size, free_pages, reserved;
	char directory[128], path[192];

	snprintf(directory, sizeof(directory),
		 "/sys/kernel/mm/hugepages/hugepages-%llukB",
		 (unsigned long long)(kind->page_size / KIB));
	if (access(directory, F_OK) < 0)
		return fail_unavailable(failure,
			"this machine has no huge pages of %s",
			kind->page_size == GIB ? "1 GiB" : "2 MiB");
	snprintf(path, sizeof(path), "%s/free_hugepages", directory);
	free_pages = sysfile_number(path, 0);
	snprintf(path, sizeof(path), "%s/resv_hugepages", directory);
	reserved = sysfile_number(path, 0);
	free_pages -= reserved < free_pages ? reserved : free_pages;
	if (free_pages >= needed)
		return 0;
	fail_unavailable(failure, "huge pages of %s: %llu needed, %llu free",
			 kind->page_size == GIB ? "1 GiB" : "2 MiB",
			 (unsigned long long)needed,
			 (unsigned long long)free_pages);
	snprintf(path, sizeof(path), "%s/nr_hugepages", directory);
	advise(failure, "as root: echo %llu > %s\n",
	       (unsigned long long)(sysfile_number(path, 0) + needed), path);
	if (kind->page_size == GIB)
		advise(failure, "or boot with hugepagesz=1G hugepages=%llu\n",
		       (unsigned long long)needed);
	return -1;
}

static const struct memory_kind kinds[] MEMORY_KINDS = {
	{ "4k", "anonymous memory in 4 KiB pages (MADV_NOHUGEPAGE)",
	  4 * KIB, map_4k, check_available },
	{ "thp", "anonymous memory with transparent huge pages (MADV_HUGEPAGE)",
	  2 * MIB, map_thp, check_thp },
	{ "hugetlb-2m", "reserved huge pages of 2 MiB",
	  2 * MIB, map_hugetlb_2m, check_hugetlb },
	{ "hugetlb-1g", "reserved huge pages of 1 GiB",
	  GIB, map_hugetlb_1g, check_hugetlb },
	{ "memfd", "shared memory of memfd_create(), in its default pages",
	  4 * KIB, map_memfd, check_available },
};

const struct memory_kind *memory_kind_find(const char *name)
{
	const struct memory_kind *kind;

	for_each_memory_kind(kind)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

uint64_t memory_kind_round(const struct memory_kind *kind, uint64_t size)
{
	return (size + kind->page_size - 1) / kind->page_size * kind->page_size;
}

int memory_map(struct memory *memory, const struct memory_kind *kind,
	       uint64_t bytes, struct failure *failure)
{
	uint64_t alignment = bytes < GIB ? 2 * MIB : GIB;
	uintptr_t start;
	void *host;

	memset(memory, 0, sizeof(*memory));
	if (alignment < kind->page_size)
		alignment = kind->page_size;
	host = mmap(NULL, bytes + alignment, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED)
		return fail_errno(failure, errno, "address space for guest memory");
	memory->reserved = host;
	memory->reserved_bytes = bytes + alignment;
	start = ((uintptr_t)host + alignment - 1) / alignment * alignment;
	host = kind->map((void *)start, bytes);
	if (host == MAP_FAILED) {
		fail(failure, "guest memory of kind %s: %s", kind->name,
		     strerror(errno));
		memory_unmap(memory);
		return -1;
	}
	memory->host = host;
	memory->bytes = bytes;
	return 0;
}

void memory_unmap(struct memory *memory)
{
	if (memory->reserved)
		munmap(memory->reserved, memory->reserved_bytes);
	memset(memory, 0, sizeof(*memory));
}

static uint64_t status_bytes(const char *key)
{
	char value[64];

	if (!sysfile_value("/proc/self/status", key, value, sizeof(value)))
		return 0;
	return strtoull(value, NULL, 10) * KIB;
}

uint64_t memory_resident(void)
{
	return status_bytes("VmRSS") + status_bytes("HugetlbPages");
}
