// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "parse.h"
#include "run_options.h"
#include "units.h"

enum long_only { GUEST_PASS = 256, NO_GUEST_PASS, PROGRESS, WORKING_SET };

const struct command_option run_option_table[] = {
	{ "method", 'm', "LIST",
	  "methods, separated by commas, or all (default: all)" },
	{ "memory", 'M', "LIST", "kinds of memory, or all (default: 4k)" },
	{ "size", 's', "SIZE",
	  "guest memory, in K, M, G or T (default: 256M); rounded up\n"
	  "to whole pages of the kind of memory" },
	{ "working-set", WORKING_SET, "FILE",
	  "\nprepare the pages of a recorded set, and all of memory to\n"
	  "compare; have the guest write to the pages of the set.\n"
	  "The default size is then the memory that the set spans" },
	{ "workers", 'w', "N",
	  "threads (default: as many as there are CPUs to run on)" },
	{ "runs", 'r', "N", "repeat and report medians (default: 1)" },
	{ "guest-pass", GUEST_PASS, NULL,
	  "have the guest write to every page (default)" },
	{ "no-guest-pass", NO_GUEST_PASS, NULL, "prepare only" },
	{ "json", 'j', "FILE",
	  "write the results to FILE, - for stdout in place of the table" },
	{ "progress", PROGRESS, NULL,
	  "report the progress of a method, even if stderr is no terminal" },
	{ "quiet", 'q', NULL, "no table, no progress" },
	{}
};

void run_options_print_lists(void)
{
	const struct memory_kind *kind;
	const struct method * const *method;

	puts("\nMethods:");
	for (method = methods; *method; method++)
		printf("  %-19s  %s\n", (*method)->name, (*method)->summary);
	puts("\nKinds of memory:");
	for_each_memory_kind(kind)
		printf("  %-19s  %s\n", kind->name, kind->summary);
	puts("\n"
	     "Exit status: 0 when done; 1 when something went wrong; 2 for wrong usage, and\n"
	     "when a method or kind of memory asked for by name is not available here.");
}

static uint64_t size_of(const char *text)
{
	struct failure failure;
	uint64_t size;

	if (parse_size("--size", text, &size, &failure) < 0)
		command_wrong_usage(&cmd_run, "%s", failure.reason);
	return size;
}

static void choose_methods(struct run_options *options, const char *list)
{
	struct failure failure;

	if (methods_parse(list, methods, options->methods, &failure) < 0)
		command_wrong_usage(&cmd_run, "%s", failure.reason);
	options->methods_named = strcmp(list, "all");
}

static void choose_memories(struct run_options *options, const char *list)
{
	struct failure failure;

	if (memory_kinds_parse(list, options->memories, &failure) < 0)
		command_wrong_usage(&cmd_run, "%s", failure.reason);
	options->memories_named = strcmp(list, "all");
}

static void parse_option(struct run_options *options, int option)
{
	switch (option) {
	case 'm':
		choose_methods(options, optarg);
		break;
	case 'M':
		choose_memories(options, optarg);
		break;
	case 's':
		options->size = size_of(optarg);
		break;
	case 'w':
		options->workers = command_number(&cmd_run, "--workers", optarg,
						  1, VM_MAX_VCPUS);
		break;
	case 'r':
		options->runs = command_number(&cmd_run, "--runs", optarg,
					       1, RUN_MAX_RUNS);
		break;
	case GUEST_PASS:
		options->guest_pass = true;
		break;
	case NO_GUEST_PASS:
		options->guest_pass = false;
		break;
	case 'j':
		options->json_file = optarg;
		break;
	case PROGRESS:
		options->progress = true;
		break;
	case 'q':
		options->quiet = true;
		break;
	case WORKING_SET:
		options->working_set = optarg;
		break;
	}
}

void run_options_parse(struct run_options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->runs = 1;
	options->guest_pass = true;
	choose_methods(options, "all");
	choose_memories(options, "4k");
	options->memories_named = false;
	while ((option = command_next_option(&cmd_run, argc, argv)) != -1)
		parse_option(options, option);
	if (optind < argc)
		command_wrong_usage(&cmd_run, "'%s' is not an option",
				    argv[optind]);
}
