/* SPDX-License-Identifier: GPL-2.0 */
/* Preparing the memory of one new guest, once. */
#ifndef TRIAL_H
#define TRIAL_H

#include <stdbool.h>
#include "guest.h"
#include "method.h"

struct trial {
	const struct method *peer;
	const struct memory_kind *kind;
	uint64_t bytes;
	/* Whether the memory is populated before. */
	bool resident;
	unsigned int workers;
};

struct trial_result {
	double seconds;
	double guest_seconds;
	unsigned int workers_used;
	/* In the guest's pass over the memory afterwards. */
	uint64_t faults_left;
	struct vm_pages pages;
	/* Growth of all page tables, of KVM and of processes. */
	int64_t secondary_table_bytes;
	int64_t table_bytes;
};

int trial_run(const struct trial *trial, int kvm_fd,
	      struct trial_result *result, struct failure *failure);

/*
 * Maps the pages of the guest's program, so that the faults counted are those
 * of its memory.
 */
int trial_map_program(struct guest *guest, struct failure *failure);

#endif
