// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "area.h"
#include "fuzz.h"

/*
 * To map and to unmap takes longer than most calls, and waits for all that others
 * do to the same memory: a thread keeps those of the usual size.
 */
#define NR_KEPT	16

static __thread void *kept[NR_KEPT];
static __thread unsigned int nr_kept;

static size_t total_size(const struct area *area)
{
	return area->second_size + 3 * PAGE_SIZE;
}

static void *map(const struct area *area)
{
	void *start;

	start = mmap(NULL, total_size(area), PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED ||
	    mprotect(start, PAGE_SIZE, PROT_READ | PROT_WRITE) ||
	    mprotect(start + 2 * PAGE_SIZE, area->second_size,
		     PROT_READ | PROT_WRITE)) {
		printf("Bail out! no memory for a call's arguments\n");
		_exit(1);
	}
	return start;
}

void area_take(struct area *area, size_t second_size)
{
	void *start;

	area->second_size = second_size;
	area->changed = false;
	start = second_size == PAGE_SIZE && nr_kept ? kept[--nr_kept] : map(area);
	area->first = start;
	area->second = start + 2 * PAGE_SIZE;
}

void area_give_back(struct area *area)
{
	if (area->second_size == PAGE_SIZE && !area->changed && nr_kept < NR_KEPT)
		kept[nr_kept++] = area->first;
	else
		munmap(area->first, total_size(area));
}
