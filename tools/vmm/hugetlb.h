/* SPDX-License-Identifier: GPL-2.0 */
/* The pool of huge pages of one size. */
#ifndef HUGETLB_H
#define HUGETLB_H

#include <stdbool.h>
#include <stdint.h>

struct hugetlb_pool {
	uint64_t pages;
	/* Neither in use nor reserved. */
	uint64_t free;
	/* The file that sets the number of pages. */
	char setting[128];
};

/* page_size in bytes.  Returns whether the machine has pages of that size. */
bool hugetlb_pool_read(struct hugetlb_pool *pool, uint64_t page_size);

#endif
