/* SPDX-License-Identifier: GPL-2.0 */
/* A measurement, as it goes to the JSON file. */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "environment.h"
#include "failure.h"
#include "metric.h"

#define ENTRY_MAX_SAMPLES	1000
#define ENTRY_MAX_FIGURES	24

struct entry_figure {
	const struct metric *metric;
	double value;
};

/* Names that are not NULL are constants. */
struct entry {
	/* Its key: together they are unique. */
	const char *scenario;
	const char *peer;
	const char *memory;
	/* "untouched" or "resident". */
	const char *state;
	const char *layout;
	unsigned int workers;

	uint64_t bytes;
	/* Of 4 KiB, that the time is divided by; 0 if there is no sense in it. */
	uint64_t pages;
	unsigned int nr_samples;
	double seconds[ENTRY_MAX_SAMPLES];
	/* Of the last sample. */
	unsigned int section;
	bool faults_known;
	uint64_t faults_left;
	/* More, that only some scenarios have. */
	unsigned int nr_figures;
	struct entry_figure figures[ENTRY_MAX_FIGURES];

	/* Why there is no sample. */
	struct failure failure;
};

struct entries {
	unsigned int nr;
	struct entry *list;
};

/* The entry like key, made if there is none yet.  Ends the program at ENOMEM. */
struct entry *entries_get(struct entries *entries, const struct entry *key);
void entries_free(struct entries *entries);

void entry_add_sample(struct entry *entry, double seconds);
/*
 * The value replaces one that is there already.  The metric is a constant, among
 * those of the entry's scenario.
 */
void entry_set_figure(struct entry *entry, const struct metric *metric,
		      double value);
/* Keeps the largest. */
void entry_set_faults(struct entry *entry, uint64_t faults);
double entry_median(const struct entry *entry);

/* Times are instructions if the clock of this machine counts those. */
void entries_print(FILE *file, const struct entries *entries,
		   bool instructions, const struct environment *environment,
		   char **argv);

#endif
