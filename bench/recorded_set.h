/* SPDX-License-Identifier: GPL-2.0 */
/* The working set of a guest that was recorded, as its ranges. */
#ifndef RECORDED_SET_H
#define RECORDED_SET_H

#include <linux/kvm_map_memory.h>
#include "guest.h"

struct recorded_set {
	struct kvm_memory_mapping *ranges;
	size_t nr;
	uint64_t bytes;
};

/*
 * Records what a guest with bytes of memory touches that writes to about percent of its
 * pages, the same ones each time: runs of 1 to 32 pages at random.
 * recorded_set_destroy() may follow whatever it returns.
 */
int recorded_set_create(struct recorded_set *set, int kvm_fd, uint64_t bytes,
			unsigned int percent, struct failure *failure);
void recorded_set_destroy(struct recorded_set *set);
/* Bytes of the guest's memory that are present. */
int recorded_present(const struct guest *guest, uint64_t *bytes,
		     struct failure *failure);

#endif
