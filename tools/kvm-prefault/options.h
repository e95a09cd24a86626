/* SPDX-License-Identifier: GPL-2.0 */
/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "memory.h"
#include "method.h"

#define OPTIONS_MAX_RUNS	1000

enum exit_status {
	EXIT_DONE = 0,
	/* Something went wrong, or the guest's memory is not as it must be. */
	EXIT_FAILED = 1,
	/* Wrong usage, or something asked for by name is not available. */
	EXIT_UNUSABLE = 2,
};

struct options {
	const struct method *methods[METHODS_MAX + 1];
	/* Whether they were asked for by name, and not by "all" or default. */
	bool methods_named;
	const struct memory_kind *memories[MEMORY_KINDS_MAX + 1];
	bool memories_named;
	uint64_t size;
	/* 0 for the default. */
	unsigned int workers;
	unsigned int runs;
	bool guest_pass;
	bool progress;
	bool quiet;
	const char *json_file;
};

/* Ends the program on wrong usage, and after --help and --version. */
void options_parse(struct options *options, int argc, char **argv);

#endif
