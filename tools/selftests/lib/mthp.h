/* SPDX-License-Identifier: GPL-2.0 */
/* Anonymous memory in folios of several pages that are smaller than a page table. */
#ifndef SELFTESTS_MTHP_H
#define SELFTESTS_MTHP_H

#include <stdbool.h>
#include <stdint.h>

#define SPLIT_HUGE_PAGES	"/sys/kernel/debug/split_huge_pages"

/*
 * Memory that is aligned to 2 MiB, and whose folios will have @kib KiB when it is
 * touched; NULL where the kernel has none of that size.  @size is a multiple of 2 MiB.
 */
void *mthp_alloc(unsigned int kib, uint64_t size);
void mthp_free(unsigned int kib, void *hva, uint64_t size);

/* Folios of several pages, each of which begins in [@hva, @hva + @nr_pages pages). */
uint64_t mthp_count(const void *hva, uint64_t nr_pages);

/*
 * Asks the kernel to split all folios there, of 2 MiB too.  Those that somebody holds
 * just now stay.  False where it cannot be asked.
 */
bool mthp_split(const void *hva, uint64_t size);
/* The same, and whether none is left. */
bool mthp_all_split(const void *hva, uint64_t size);

#endif /* SELFTESTS_MTHP_H */
