/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for the structures of one call: two pieces, behind each of which nothing
 * is mapped.
 */
#ifndef FUZZ_AREA_H
#define FUZZ_AREA_H

#include <stdbool.h>
#include <stddef.h>

struct area {
	void *first;		/* a page */
	void *second;
	size_t second_size;	/* whole pages */
	/* Its protection is no longer that of the beginning. */
	bool changed;
};

void area_take(struct area *area, size_t second_size);
/* By the thread that has taken it. */
void area_give_back(struct area *area);

#endif /* FUZZ_AREA_H */
