/* SPDX-License-Identifier: GPL-2.0 */
/* Measuring one method with one kind of memory. */
#ifndef MEASURE_H
#define MEASURE_H

#include "run_options.h"
#include "progress.h"
#include "replay.h"

/* One run, in a VM and memory of its own. */
struct sample {
	double prepare_seconds;
	double guest_seconds;
	/* Stage-2 faults before the guest's pass, and in it. */
	uint64_t faults_before;
	uint64_t faults_during;
	unsigned int workers;
	/* Whether the kernel reported the following two. */
	bool counted;
	uint64_t bytes_mapped;
	uint64_t bytes_present;
	/* In the second-level page tables after the preparation. */
	struct vm_pages pages;
};

enum outcome {
	OUTCOME_MEASURED,
	OUTCOME_NO_METHOD,
	OUTCOME_NO_MEMORY,
	OUTCOME_FAILED,
};

struct result {
	const struct method *method;
	const struct memory_kind *kind;
	uint64_t bytes;
	/* Of a working set, for the guest's pass; NULL for one over all pages. */
	struct kvm_memory_mapping *ranges;
	size_t nr_ranges;
	/* Whether they alone are prepared; and the bytes of what is. */
	bool set_alone;
	uint64_t prepared_bytes;
	enum outcome outcome;
	/* Unless it was measured. */
	struct failure failure;
	unsigned int nr_samples;
	struct sample *samples;
	/*
	 * Medians of the times and how far they lie apart; of the faults the
	 * most of any run; the rest is that of the last run.
	 */
	struct sample summary;
	double prepare_spread;
	double guest_spread;
};

/*
 * The caller has set method, kind, bytes and set_alone, and the rest to 0; replay is
 * NULL for a pass over all pages.
 */
void measure(struct result *result, const struct run_options *options,
	     const struct replay *replay, int kvm_fd);
void result_free(struct result *result);

#endif
