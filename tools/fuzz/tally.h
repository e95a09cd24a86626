/* SPDX-License-Identifier: GPL-2.0 */
/* How often each step was made, and succeeded; shared by the seeds' processes. */
#ifndef FUZZ_TALLY_H
#define FUZZ_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "steps.h"

#define NR_ERRNOS 134

struct step_count {
	atomic_ulong calls;
	atomic_ulong good;
	atomic_ulong ns;
	atomic_ulong errors[NR_ERRNOS];
};

struct tally {
	atomic_ulong steps;
	struct step_count counts[];	/* by step->nr */
};

extern struct tally *tally;

/* After steps_init(), before the first fork.  Returns 0 or -ENOMEM. */
int tally_init(void);

/* @result is 0 or more, or a negative errno. */
void count_call(const struct step *step, int result);
/* The right result may be an error: a call that has to be refused, and is. */
void count_result(const struct step *step, int result, bool good);
void count_time(const struct step *step, uint64_t ns);

/* Whether no call of some possible step has succeeded yet. */
bool steps_are_left(void);
/* Prints a TAP result for each step; returns how many have failed. */
int report_steps(int first_number);
/* The table as an array of JSON objects. */
void write_steps(FILE *file);

#endif /* FUZZ_TALLY_H */
