/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of kvm-prefault run. */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "command.h"
#include "memory.h"
#include "method.h"

#define RUN_MAX_RUNS	1000

struct run_options {
	const struct method *methods[METHODS_MAX + 1];
	/* Whether they were asked for by name, and not by "all" or default. */
	bool methods_named;
	const struct memory_kind *memories[MEMORY_KINDS_MAX + 1];
	bool memories_named;
	/* Of all memory; 0 for the default. */
	uint64_t size;
	/* 0 for the default. */
	unsigned int workers;
	unsigned int runs;
	bool guest_pass;
	bool progress;
	bool quiet;
	const char *json_file;
	/* The file of a working set, or NULL. */
	const char *working_set;
};

/* For the struct command. */
extern const struct command_option run_option_table[];
void run_options_print_lists(void);

/* Ends the program on wrong usage, and after --help. */
void run_options_parse(struct run_options *options, int argc, char **argv);

#endif
