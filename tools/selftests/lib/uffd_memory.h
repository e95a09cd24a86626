/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guest memory of every kind that userfaultfd knows, and in each of its modes.
 * The test provides the pages one by one.
 */
#ifndef SELFTESTS_UFFD_MEMORY_H
#define SELFTESTS_UFFD_MEMORY_H

#include <linux/userfaultfd.h>

#include "uffd_gate.h"

enum uffd_memory_kind {
	UFFD_MEMORY_ANON,
	UFFD_MEMORY_THP,
	UFFD_MEMORY_MEMFD,
	UFFD_MEMORY_HUGETLB,
};

/* The first word of page number i is this plus i, whichever thread fills it. */
#define UFFD_MEMORY_WORD	0x7e570000ULL

struct uffd_memory {
	enum uffd_memory_kind kind;
	uint64_t mode;		/* UFFDIO_REGISTER_MODE_* */
	uint64_t page_size;	/* of what is given */
	uint64_t size;
	void *hva;
	void *copied;		/* what a missing page is copied from */
	uint64_t old_pool;
	struct uffd_gate gate;
};

/* All of it is there at first.  False if the kernel lacks this kind or mode. */
bool uffd_memory_create(struct uffd_memory *mem, enum uffd_memory_kind kind,
			uint64_t mode, uint64_t size);
void uffd_memory_destroy(struct uffd_memory *mem);

/* From now on accesses to pages there wait; if the mode is WP, only writes. */
void uffd_memory_take(struct uffd_memory *mem, uint64_t offset, uint64_t size);
/* Provides one page, and lets those threads pass that wait for it. */
void uffd_memory_give(struct uffd_memory *mem, uint64_t offset);
/* Provides a poisoned page. */
void uffd_memory_poison(struct uffd_memory *mem, uint64_t offset);
void uffd_memory_unregister(struct uffd_memory *mem);
/* Waits until a thread waits for a page; returns its offset. */
uint64_t uffd_memory_wait(struct uffd_memory *mem);

#endif /* SELFTESTS_UFFD_MEMORY_H */
