// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "parse.h"

/* Columns of --help before the text of an option. */
#define HELP_COLUMN 23

static const struct command_option help_option = {
	.name = "help", .letter = 'h', .help = "this text",
};

/* The options of a command, as getopt_long() takes them. */
struct getopt_tables {
	struct option options[COMMAND_MAX_OPTIONS + 2];
	char letters[2 * COMMAND_MAX_OPTIONS + 3];
};

static void add_option(struct getopt_tables *tables, unsigned int index,
		       const struct command_option *option)
{
	char *end = tables->letters + strlen(tables->letters);

	assert(index <= COMMAND_MAX_OPTIONS);
	tables->options[index] = (struct option) {
		.name = option->name,
		.has_arg = option->argument ? required_argument : no_argument,
		.val = option->letter,
	};
	if (option->letter >= 256)
		return;
	*end++ = option->letter;
	if (option->argument)
		*end = ':';
}

int command_next_option(const struct command *command, int argc, char **argv)
{
	struct getopt_tables tables = {};
	unsigned int i;
	int letter;

	for (i = 0; command->options[i].name; i++)
		add_option(&tables, i, &command->options[i]);
	add_option(&tables, i, &help_option);
	letter = getopt_long(argc, argv, tables.letters, tables.options, NULL);
	if (letter == 'h') {
		command_print_help(command);
		exit(EXIT_DONE);
	}
	if (letter == '?')
		command_wrong_usage(command, NULL);
	return letter;
}

static void print_usage(FILE *file, const struct command *command)
{
	fprintf(file, "usage: kvm-prefault %s %s\n", command->name,
		command->arguments);
}

static void print_option(const struct command_option *option)
{
	const char *line = option->help, *end;
	char head[80], letter[8] = "    ";

	if (option->letter < 256)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	snprintf(head, sizeof(head), "  %s--%s%s%s", letter, option->name,
		 option->argument ? " " : "",
		 option->argument ? option->argument : "");
	printf("%-*s", HELP_COLUMN, head);
	while ((end = strchr(line, '\n'))) {
		printf("%.*s\n%*s", (int)(end - line), line, HELP_COLUMN, "");
		line = end + 1;
	}
	puts(line);
}

void command_print_help(const struct command *command)
{
	const struct command_option *option;

	print_usage(stdout, command);
	printf("\n%s\n", command->description);
	for (option = command->options; option->name; option++)
		print_option(option);
	print_option(&help_option);
	if (command->print_more)
		command->print_more();
}

noreturn void command_wrong_usage(const struct command *command,
				  const char *format, ...)
{
	va_list arguments;

	if (format) {
		va_start(arguments, format);
		fputs("kvm-prefault: ", stderr);
		vfprintf(stderr, format, arguments);
		fputc('\n', stderr);
		va_end(arguments);
	}
	print_usage(stderr, command);
	fprintf(stderr, "'kvm-prefault %s --help' explains the options.\n",
		command->name);
	exit(EXIT_UNUSABLE);
}

uint64_t command_number(const struct command *command, const char *option,
			const char *text, uint64_t min, uint64_t max)
{
	struct failure failure;
	uint64_t number;

	if (parse_number(option, text, min, max, &number, &failure) < 0)
		command_wrong_usage(command, "%s", failure.reason);
	return number;
}
