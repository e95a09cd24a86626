/* SPDX-License-Identifier: GPL-2.0 */
/* The forms in which kvm-prefault watch prints the jobs. */
#ifndef WATCH_H
#define WATCH_H

#include "vm_jobs.h"

enum watch_form {
	/* A line for each job and read. */
	WATCH_LINES,
	/* Lines with bars, written over, for a terminal. */
	WATCH_BARS,
	/* A JSON object a line, for each VM and read. */
	WATCH_JSON,
};

/* before is the previous snapshot, or an empty one. */
void watch_print_lines(const struct snapshot *now,
		       const struct snapshot *before);
void watch_print_bars(const struct snapshot *now);
void watch_print_json(const struct snapshot *now);

#endif
