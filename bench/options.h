/* SPDX-License-Identifier: GPL-2.0 */
/* The command line. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "memory.h"
#include "peer.h"

/* Scenarios, and numbers of workers. */
#define OPTIONS_MAX	16

struct scenario;

struct options {
	const struct scenario *scenarios[OPTIONS_MAX + 1];
	const struct method *peers[METHODS_MAX + 1];
	const struct memory_kind *memories[MEMORY_KINDS_MAX + 1];
	unsigned int nr_workers;
	unsigned int workers[OPTIONS_MAX];
	/* Which of the two states of memory. */
	bool untouched;
	bool resident;
	uint64_t size;
	unsigned int rounds;
	/* Whether the clock counts instructions. */
	bool instructions;
	const char *json_file;
};

/* Ends the program on wrong usage, and after --help and --describe. */
void options_parse(struct options *options, int argc, char **argv);

#endif
