/* SPDX-License-Identifier: GPL-2.0 */
/* The figures that scenarios yield, described for those who print them. */
#ifndef METRIC_H
#define METRIC_H

enum metric_better { BETTER_NEITHER, BETTER_LOWER, BETTER_HIGHER };

struct metric {
	/* Of its field in an entry of the JSON file. */
	const char *name;
	/* For people; one that is a count begins with its unit. */
	const char *title;
	/* Of the value in the JSON file. */
	const char *unit;
	enum metric_better better;
	/*
	 * Not NULL if no entry has such a field, and readers have to divide
	 * that figure of an entry by this one.
	 */
	const struct metric *dividend;
	const struct metric *divisor;
};

/* Of the samples of an entry, by the machine's clock. */
extern const struct metric metric_instructions;
extern const struct metric metric_instructions_per_page;
extern const struct metric metric_seconds_median;
extern const struct metric metric_seconds_spread;
extern const struct metric metric_gib_per_second;

/* Others that several scenarios have. */
extern const struct metric metric_faults_left;
extern const struct metric metric_workers_used;
extern const struct metric metric_secondary_page_table_bytes;

#endif
