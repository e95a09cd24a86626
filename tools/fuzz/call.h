/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A call under test: its arguments, the result that Documentation/api.rst demands,
 * and the check of the actual result.
 */
#ifndef FUZZ_CALL_H
#define FUZZ_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm_map_memory.h>

#include "area.h"
#include "fuzz.h"

enum entry {
	ENTRY_VCPU,
	ENTRY_BATCH,
	ENTRY_URING,
};

/* The memory that a structure is in. */
enum reach {
	REACH_GOOD,
	REACH_NONE,		/* nothing, or the kernel's memory */
	REACH_READ_ONLY,
	REACH_SPLIT,		/* its end is missing */
	REACH_SHAKY,		/* other threads change it, and its mapping */
};

struct call {
	enum entry entry;
	unsigned int vm;
	uint64_t address;	/* what the kernel gets */

	/* Memory of this call's own. */
	struct area area;

	/* The structures' addresses, and what they held. */
	struct kvm_map_memory_batch *batch;
	struct kvm_memory_mapping *mappings;
	struct kvm_map_memory_batch batch_before;
	struct kvm_memory_mapping *before;
	uint32_t nr;
	/* Where the progress is, if its memory is this call's own. */
	struct kvm_map_memory_progress *progress;
	enum reach progress_reach;

	/* The errno that it has to be refused with, or 0. */
	int refused;
	bool shaky;
	/* An allocation failed on purpose. */
	bool injected;
	char text[160];
};

/* args.c */
void call_make(struct call *call, enum entry entry, unsigned int vm,
	       struct rng *rng);
void call_free(struct call *call);

/* check.c */
void call_check(struct thread *thread, struct call *call, int result);

/* calls.c: @refused stands for @step if the call has to be refused. */
void call_count(const struct call *call, const struct step *step,
		const struct step *refused, int result);

/* calls.c: KVM_MAP_MEMORY_BATCH with random arguments, counted as such. */
void call_batch(struct thread *thread);

#endif /* FUZZ_CALL_H */
