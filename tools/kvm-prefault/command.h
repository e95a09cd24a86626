/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs of kvm-prefault and their command lines. */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdint.h>
#include <stdnoreturn.h>
#include "failure.h"

enum exit_status {
	EXIT_DONE = 0,
	/* Something went wrong, or the guest's memory is not as it must be. */
	EXIT_FAILED = 1,
	/* Wrong usage, or something asked for by name is not available. */
	EXIT_UNUSABLE = 2,
};

struct command_option {
	const char *name;
	/* The short option, or from 256 on if there is none. */
	int letter;
	/* The word for its value in --help, or NULL if it takes none. */
	const char *argument;
	/* One line or several. */
	const char *help;
};

/* A command has no more options than these, for arrays of them. */
#define COMMAND_MAX_OPTIONS 16

/*
 * A verb.  What getopt_long() accepts, --help prints and the shell completes all
 * comes from its table of options.
 */
struct command {
	const char *name;
	/* Of the usage line, after the name. */
	const char *arguments;
	/* One line, for the list of verbs. */
	const char *summary;
	/* Paragraphs, for --help of the verb. */
	const char *description;
	/* A NULL name ends them; --help is added. */
	const struct command_option *options;
	/* Prints what --help gives after the options; may be NULL. */
	void (*print_more)(void);
	/* Gets the whole command line, the verb at argv[1]; returns the status. */
	int (*main)(int argc, char **argv);
};

extern const struct command cmd_check;
extern const struct command cmd_record;
extern const struct command cmd_run;
extern const struct command cmd_watch;

/*
 * The letter of the next option, its value in optarg; -1 if there is none left,
 * optind then being the first argument.  Ends the program on wrong usage, and
 * after --help.
 */
int command_next_option(const struct command *command, int argc, char **argv);
void command_print_help(const struct command *command);
/* Ends the program; a NULL format for what getopt_long() has reported. */
__printf(2, 3)
noreturn void command_wrong_usage(const struct command *command,
				  const char *format, ...);
/* The value of an option, as parse_number() takes it; or wrong usage. */
uint64_t command_number(const struct command *command, const char *option,
			const char *text, uint64_t min, uint64_t max);

#endif
