/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host memory that memslots show: regions of different kinds, at fixed
 * addresses far from where mmap() puts anything else, so that a hole made there
 * stays a hole.
 */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "fuzz.h"

enum region_kind {
	REGION_SMALL,		/* anonymous, 4 KiB pages */
	REGION_HUGE,		/* anonymous, transparent huge pages */
	REGION_SHARED,		/* memfd */
	REGION_COPY,		/* private mapping of a memfd */
	REGION_MERGED,		/* anonymous, shared by KSM */
	REGION_HUGETLB,
	REGION_UFFD,		/* anonymous, for userfaultfd */
	REGION_ARGUMENTS,	/* structures that calls are given */
	NR_REGIONS
};

#define REGION_SIZE	(8 * SZ_1M)
#define REGION_STRIDE	(64 * SZ_1M)
#define REGION_BASE	0x100000000000UL

static inline uint64_t region_start(unsigned int region)
{
	return REGION_BASE + region * REGION_STRIDE;
}

/* Maps all of them afresh. */
void memory_init(void);
/* One word, as the kernel copies it: 0 or a negative errno, never a SIGBUS. */
int memory_read(uint64_t address, uint64_t *value);
int memory_write(uint64_t address, uint64_t value);

/* Steps. */
void step_mmap(struct thread *thread);
void step_munmap(struct thread *thread);
void step_mprotect(struct thread *thread);
void step_mremap(struct thread *thread);
void step_madvise(struct thread *thread);
void step_populate(struct thread *thread);
void step_collapse(struct thread *thread);
void step_merge(struct thread *thread);
void step_poison(struct thread *thread);
void step_punch(struct thread *thread);
void step_truncate(struct thread *thread);
void step_host_write(struct thread *thread);
void step_uffd(struct thread *thread);

#endif /* FUZZ_MEMORY_H */
