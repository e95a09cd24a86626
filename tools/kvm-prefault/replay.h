/* SPDX-License-Identifier: GPL-2.0 */
/* The working set of a file, for the VMs of kvm-prefault run. */
#ifndef REPLAY_H
#define REPLAY_H

#include <stddef.h>
#include <stdint.h>
#include <kvm_working_set.h>
#include "memory.h"

struct replay {
	const char *file;
	struct kvm_working_set *set;
	/* The guest-physical address that becomes GUEST_MEMORY_BASE. */
	uint64_t base;
	/* From there to the end of the last range. */
	uint64_t span;
};

/* Reads a file; -1 and a reason that names the line, if one is wrong. */
int replay_read(struct replay *replay, const char *file, struct failure *failure);
void replay_destroy(struct replay *replay);
/*
 * The set's ranges where they are in the VMs, in whole pages of a kind of memory, which
 * are the caller's to free.  0, or -1 and a reason.
 */
int replay_place(const struct replay *replay, const struct memory_kind *kind,
		 struct kvm_memory_mapping **ranges, size_t *nr,
		 struct failure *failure);

#endif
