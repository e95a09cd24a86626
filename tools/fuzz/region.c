// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "region.h"

#define OWN_ANONYMOUS	(MAP_PRIVATE | MAP_ANONYMOUS)

/* No kinds that a VMM would choose between. */
static const struct memory_kind own_kinds[NR_OWN_REGIONS] = {
	[REGION_COPY] = {
		.name = "copy",
		.summary = "private mapping of a memfd",
		.map_flags = MAP_PRIVATE,
		.advice = MADV_NOHUGEPAGE,
	},
	[REGION_MERGED] = {
		.name = "merged",
		.summary = "anonymous, shared by KSM",
		.map_flags = OWN_ANONYMOUS,
		.advice = MADV_NOHUGEPAGE,
	},
	[REGION_UFFD] = {
		.name = "uffd",
		.summary = "anonymous, for userfaultfd",
		.map_flags = OWN_ANONYMOUS,
		.advice = MADV_NOHUGEPAGE,
	},
	[REGION_ARGUMENTS] = {
		.name = "arguments",
		.summary = "structures that calls are given",
		.map_flags = OWN_ANONYMOUS,
		.advice = MADV_NOHUGEPAGE,
	},
};

struct region regions[NR_OWN_REGIONS + MEMORY_KINDS_MAX];
unsigned int nr_regions;

int region_map(unsigned int nr, uint64_t offset, uint64_t size)
{
	const struct region *region = &regions[nr];

	return memory_kind_map(&region->kind, region->fd,
			       (void *)(region_start(nr) + offset), offset, size);
}

static void add_region(const struct memory_kind *kind)
{
	struct region *region = &regions[nr_regions];
	int ret;

	if (region == &regions[NR_OWN_REGIONS + MEMORY_KINDS_MAX]) {
		printf("Bail out! more than %d kinds of memory; raise MEMORY_KINDS_MAX\n",
		       MEMORY_KINDS_MAX);
		exit(1);
	}
	region->kind = *kind;
	/* A touch, and not mmap(), is to find that no huge page is left. */
	region->kind.map_flags |= MAP_NORESERVE;
	ret = memory_kind_open(kind, REGION_SIZE, &region->fd);
	if (!ret)
		ret = region_map(nr_regions, 0, REGION_SIZE);
	if (ret && !region_is_hugetlb(nr_regions)) {
		printf("Bail out! no memory of kind %s: %s\n", kind->name,
		       strerror(-ret));
		exit(1);
	}
	nr_regions++;
}

static void visit_kinds(void (*visit)(const struct memory_kind *kind))
{
	const struct memory_kind *kind;
	unsigned int i;

	for (i = 0; i < NR_OWN_REGIONS; i++)
		visit(&own_kinds[i]);
	for_each_memory_kind(kind)
		if (kind->page_size <= REGION_SIZE)
			visit(kind);
}

void regions_init(void)
{
	visit_kinds(add_region);
}

static void print_kind(const struct memory_kind *kind)
{
	printf("  %-15s  %s\n", kind->name, kind->summary);
}

void regions_print(void)
{
	visit_kinds(print_kind);
}

unsigned int region_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_regions; i++)
		if (!strcmp(regions[i].kind.name, name))
			return i;
	printf("Bail out! there is no memory %s\n", name);
	exit(1);
}

static int copy_word(uint64_t address, uint64_t *value, bool write)
{
	struct iovec here = { value, sizeof(*value) };
	struct iovec there = { (void *)address, sizeof(*value) };
	ssize_t ret;

	do {
		ret = write ? process_vm_writev(getpid(), &here, 1, &there, 1, 0) :
			      process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	} while (ret < 0 && errno == EINTR);
	return ret == sizeof(*value) ? 0 : ret < 0 ? -errno : -EFAULT;
}

int memory_read(uint64_t address, uint64_t *value)
{
	return copy_word(address, value, false);
}

int memory_write(uint64_t address, uint64_t value)
{
	return copy_word(address, &value, true);
}
