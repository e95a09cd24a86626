/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest's pass over ranges of its memory, in their order, as over a working set.
 *
 * The guest reads the ranges from a list in a memory slot of its own, which lies
 * between its program and the memory to be prepared.
 */
#ifndef GUEST_RANGES_H
#define GUEST_RANGES_H

#include <linux/kvm_map_memory.h>
#include "guest.h"

#define GUEST_LIST_BASE	(2 * GIB)

struct guest_ranges {
	struct guest *guest;
	/* The caller's, to stay until guest_ranges_destroy(). */
	const struct kvm_memory_mapping *ranges;
	size_t nr;
	struct memory list;
};

/*
 * Adds the list's slot to a guest; the nr ranges, at least one, are in its memory.
 * guest_ranges_destroy() may follow whatever it returns, before guest_destroy() or
 * after it.
 */
int guest_ranges_create(struct guest_ranges *guest_ranges, struct guest *guest,
			const struct kvm_memory_mapping *ranges, size_t nr,
			struct failure *failure);
void guest_ranges_destroy(struct guest_ranges *guest_ranges);
/*
 * Has vCPU 0 write to every page of the ranges.  Returns how long that took, and the
 * faults that it caused: list and program are mapped before.
 */
int guest_ranges_write(struct guest_ranges *guest_ranges, double *seconds,
		       uint64_t *faults, struct failure *failure);
/* Checks in host memory that every page of the ranges was written. */
int guest_ranges_check(const struct guest_ranges *guest_ranges,
		       struct failure *failure);

#endif
