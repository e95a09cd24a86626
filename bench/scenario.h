/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that can be measured.  A scenario is one source file: how it
 * measures, and what 'bench/run' and the reports have to know of it, which they
 * read from the JSON of the program.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "entry.h"
#include "metric.h"
#include "options.h"

/* What bench/run starts for a part, in a quick run or a full one. */
struct scenario_plan {
	/* Options of tools/testvm, beside those that make the clock. */
	const char *machine;
	/* Options of kvm-bench, beside --scenario, --clock and --json. */
	const char *options;
	/*
	 * --memory: every kind whose pages have such a size, in bytes; with a
	 * maximum of 0 the options say it.
	 */
	uint64_t page_size_min;
	uint64_t page_size_max;
};

/* What bench/run measures in one machine. */
struct scenario_part {
	/* Unique together with the clock. */
	const char *name;
	/* Whether the clock counts those, else it is timed. */
	bool instructions;
	struct scenario_plan quick;
	/* The same if it has no options. */
	struct scenario_plan full;
};

struct scenario {
	/* Unique, of a-z and '-': that of its pictures' files, too. */
	const char *name;
	/* Heads its tables and pictures. */
	const char *title;
	/* A line, which goes on where the title ends. */
	const char *summary;
	/*
	 * The fields of an entry's key that tell its cases apart, by commas:
	 * there is a table for each value of the first, with a row for each of
	 * the second.  If there are columns, they are cases by that field, of
	 * the first metric; else they are the metrics.  Only rows are needed.
	 * With "bytes" there, cases of other sizes are other cases.
	 */
	const char *tables;
	const char *rows;
	const char *columns;
	/* A picture would say no more than its tables. */
	bool no_picture;
	/* In order of weight, the end marked by NULL; details in JSON only. */
	const struct metric * const *metrics;
	const struct metric * const *details;
	/* The end marked by one without a name. */
	const struct scenario_part *parts;
	/* One round: everything once.  Adds to what earlier rounds left. */
	void (*round)(const struct options *options, int kvm_fd,
		      struct entries *entries);
};

/* Adds it to the scenarios that there are; nothing else lists it. */
#define SCENARIO(instance) \
	static const struct scenario * const instance##_listed \
	__attribute__((used, section("scenarios"))) = &(instance)

/* In the order of the link. */
extern const struct scenario * const __start_scenarios[];
extern const struct scenario * const __stop_scenarios[];

#define for_each_scenario(scenario) \
	for ((scenario) = __start_scenarios; (scenario) < __stop_scenarios; \
	     (scenario)++)

const struct scenario *scenario_find(const char *name);
/* Keeps the reason why an entry could not be measured, and prints it. */
void scenario_failed(struct entry *entry, const struct failure *failure);

#endif
