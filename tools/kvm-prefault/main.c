// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "command.h"

static const struct command * const commands[] = {
	&cmd_check,
	&cmd_record,
	&cmd_run,
	&cmd_watch,
};

#define for_each_command(command)				\
	for (command = commands;				\
	     command < commands + sizeof(commands) / sizeof(*commands); command++)

static void print_help(FILE *file)
{
	const struct command * const *command;

	fputs("usage: kvm-prefault VERB [OPTION...] [ARGUMENT...]\n"
	      "       kvm-prefault --help | --version\n\nVerbs:\n", file);
	for_each_command(command)
		fprintf(file, "  %-7s %s\n", (*command)->name,
			(*command)->summary);
	fputs("\n'kvm-prefault VERB --help' explains a verb.\n", file);
}

static bool is_option(const char *argument, const char *name, char letter)
{
	return !strcmp(argument, name) ||
	       (argument[0] == '-' && argument[1] == letter && !argument[2]);
}

static int no_command(const char *argument)
{
	if (!argument)
		fputs("kvm-prefault: no verb\n", stderr);
	else if (*argument == '-')
		fprintf(stderr, "kvm-prefault: a verb has to come before '%s'\n",
			argument);
	else
		fprintf(stderr, "kvm-prefault: there is no verb '%s'\n",
			argument);
	print_help(stderr);
	return EXIT_UNUSABLE;
}

int main(int argc, char **argv)
{
	const struct command * const *command;
	const char *verb = argc > 1 ? argv[1] : NULL;

	if (!verb)
		return no_command(NULL);
	if (is_option(verb, "--help", 'h')) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (is_option(verb, "--version", 'V')) {
		puts("kvm-prefault " VERSION);
		return EXIT_DONE;
	}
	for_each_command(command)
		if (!strcmp(verb, (*command)->name)) {
			/* The options begin after the verb. */
			optind = 2;
			return (*command)->main(argc, argv);
		}
	return no_command(verb);
}
