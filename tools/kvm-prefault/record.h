/* SPDX-License-Identifier: GPL-2.0 */
/* Recording the working set of a VMM that runs. */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>
#include <sys/types.h>
#include "guest_memory.h"

struct recording {
	pid_t pid;
	/* Empty to have it guessed, with so much below 4 GiB. */
	struct guest_memory memory;
	uint64_t below_4g;
	/* To wait for pages that are written; 0 for those that are present. */
	uint64_t seconds;
	/* Between ranges that are made one. */
	uint64_t gap;
	/* NULL or "-" for stdout. */
	const char *output;
};

/* 0, or -1 and a reason; it prints on stderr what memory it took. */
int record_run(struct recording *recording, struct failure *failure);

#endif
