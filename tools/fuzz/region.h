/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host memory that memslots show: a region of each kind of memory that the
 * VMM library lists, and some of the fuzzer's own.  Unlike a guest's memory of the
 * library they are at fixed addresses, far from where mmap() puts anything else,
 * so that a hole made there stays a hole, and pieces of them are mapped again.
 */
#ifndef FUZZ_REGION_H
#define FUZZ_REGION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "memory.h"

/* The kinds of the library follow. */
enum {
	REGION_COPY,
	REGION_MERGED,
	REGION_UFFD,
	REGION_ARGUMENTS,
	NR_OWN_REGIONS
};

struct region {
	struct memory_kind kind;
	int fd;				/* -1 if it is anonymous */
};

#define REGION_SIZE	(8 * SZ_1M)
#define REGION_STRIDE	(64 * SZ_1M)
#define REGION_BASE	0x100000000000UL

static inline uint64_t region_start(unsigned int region)
{
	return REGION_BASE + region * REGION_STRIDE;
}

/* Set by regions_init(), of each process. */
extern struct region regions[NR_OWN_REGIONS + MEMORY_KINDS_MAX];
extern unsigned int nr_regions;

static inline bool region_is_hugetlb(unsigned int region)
{
	return regions[region].kind.map_flags & MAP_HUGETLB;
}

/* Maps all of them, or ends the process. */
void regions_init(void);
/* Prints the kinds that there are regions of, a line each. */
void regions_print(void);
/* Maps a piece of one, in place of whatever is there: 0 or a negative errno. */
int region_map(unsigned int region, uint64_t offset, uint64_t size);
/* The region of a kind of the library, which has to be there. */
unsigned int region_find(const char *name);
/* One word, as the kernel copies it: 0 or a negative errno, never a SIGBUS. */
int memory_read(uint64_t address, uint64_t *value);
int memory_write(uint64_t address, uint64_t value);

#endif /* FUZZ_REGION_H */
