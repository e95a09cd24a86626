// SPDX-License-Identifier: GPL-2.0
/* The kinds of memory that every program has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/mman.h>
#include "hugetlb.h"
#include "memory.h"
#include "parse.h"
#include "sysfile.h"
#include "units.h"

#define THP_SETTING	"/sys/kernel/mm/transparent_hugepage/enabled"
/* Without MAP_NORESERVE, so that a pool too small fails mmap(), not a fault. */
#define MAP_HUGETLB_RESERVED	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB)

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
	const char *size = kind->page_size == GIB ? "1 GiB" : "2 MiB";
	uint64_t needed = bytes / kind->page_size;
	struct hugetlb_pool pool;

	if (!hugetlb_pool_read(&pool, kind->page_size))
		return fail_unavailable(failure,
			"this machine has no huge pages of %s", size);
	if (pool.free >= needed)
		return 0;
	fail_unavailable(failure, "huge pages of %s: %llu needed, %llu free",
			 size, (unsigned long long)needed,
			 (unsigned long long)pool.free);
	advise(failure, "as root: echo %llu > %s\n",
	       (unsigned long long)(pool.pages + needed), pool.setting);
	if (kind->page_size == GIB)
		advise(failure, "or boot with hugepagesz=1G hugepages=%llu\n",
		       (unsigned long long)needed);
	return -1;
}

static const struct memory_kind kinds[] MEMORY_KINDS = {
	{
		.name = "4k",
		.summary = "anonymous memory in 4 KiB pages (MADV_NOHUGEPAGE)",
		.page_size = 4 * KIB,
		.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		.advice = MADV_NOHUGEPAGE,
		.check = check_available,
	}, {
		.name = "thp",
		.summary = "anonymous memory with transparent huge pages (MADV_HUGEPAGE)",
		.page_size = 2 * MIB,
		.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		.advice = MADV_HUGEPAGE,
		.check = check_thp,
	}, {
		.name = "hugetlb-2m",
		.summary = "reserved huge pages of 2 MiB",
		.page_size = 2 * MIB,
		.map_flags = MAP_HUGETLB_RESERVED | MAP_HUGE_2MB,
		.check = check_hugetlb,
	}, {
		.name = "hugetlb-1g",
		.summary = "reserved huge pages of 1 GiB",
		.page_size = GIB,
		.map_flags = MAP_HUGETLB_RESERVED | MAP_HUGE_1GB,
		.check = check_hugetlb,
	}, {
		.name = "memfd",
		.summary = "shared memory of memfd_create(), in its default pages",
		.page_size = 4 * KIB,
		.map_flags = MAP_SHARED,
		.check = check_available,
	},
};

const struct memory_kind * const memory_kinds_begin = __start_memory_kinds;
const struct memory_kind * const memory_kinds_end = __stop_memory_kinds;

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

static int choose(const struct memory_kind **chosen,
		  const struct memory_kind *kind, struct failure *failure)
{
	unsigned int i = 0;

	while (chosen[i] && chosen[i] != kind)
		i++;
	if (i == MEMORY_KINDS_MAX)
		return fail(failure, "more than %u kinds of memory", i);
	chosen[i] = kind;
	return 0;
}

static int choose_name(void *to, const char *name, struct failure *failure)
{
	const struct memory_kind *kind = memory_kind_find(name);

	if (!kind)
		return fail(failure, "there is no memory '%s'", name);
	return choose(to, kind, failure);
}

int memory_kinds_parse(const char *list, const struct memory_kind **chosen,
		       struct failure *failure)
{
	const struct memory_kind *kind;

	memset(chosen, 0, (MEMORY_KINDS_MAX + 1) * sizeof(*chosen));
	if (strcmp(list, "all"))
		return parse_list(list, choose_name, chosen, failure);
	for_each_memory_kind(kind)
		if (choose(chosen, kind, failure) < 0)
			return -1;
	return 0;
}
