/* SPDX-License-Identifier: GPL-2.0 */
/* Everything that can be measured. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "entry.h"
#include "options.h"

struct scenario {
	const char *name;
	const char *summary;
	/* One round: everything once.  Adds to what earlier rounds left. */
	void (*round)(const struct options *options, int kvm_fd,
		      struct entries *entries);
};

extern const struct scenario scenario_latency;
extern const struct scenario scenario_limits;
extern const struct scenario scenario_prepare;
extern const struct scenario scenario_scale;
extern const struct scenario scenario_scattered;
extern const struct scenario scenario_submit;
extern const struct scenario scenario_worker_memory;

/* All scenarios; NULL marks the end. */
extern const struct scenario * const scenarios[];

const struct scenario *scenario_find(const char *name);
/* Keeps the reason why an entry could not be measured, and prints it. */
void scenario_failed(struct entry *entry, const struct failure *failure);

#endif
