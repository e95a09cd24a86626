// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdarg.h>
#include <stdnoreturn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "parse.h"
#include "units.h"

#define DEFAULT_SIZE	(256 * MIB)

enum long_only { GUEST_PASS = 256, NO_GUEST_PASS, PROGRESS };

static const struct option long_options[] = {
	{ "method", required_argument, NULL, 'm' },
	{ "memory", required_argument, NULL, 'M' },
	{ "size", required_argument, NULL, 's' },
	{ "workers", required_argument, NULL, 'w' },
	{ "runs", required_argument, NULL, 'r' },
	{ "guest-pass", no_argument, NULL, GUEST_PASS },
	{ "no-guest-pass", no_argument, NULL, NO_GUEST_PASS },
	{ "json", required_argument, NULL, 'j' },
	{ "progress", no_argument, NULL, PROGRESS },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char usage_line[] = "usage: kvm-prefault [OPTION...]\n";

static void print_help(void)
{
	const struct memory_kind *kind;
	const struct method * const *method;

	fputs(usage_line, stdout);
	puts("\n"
	     "Prepares the memory of a KVM guest, each method in a VM and memory of its\n"
	     "own, then has the guest write to every page, and reports the time and the\n"
	     "stage-2 page faults that remained.\n"
	     "\n"
	     "  -m, --method LIST    methods, separated by commas, or all (default: all)\n"
	     "  -M, --memory LIST    kinds of memory, or all (default: 4k)\n"
	     "  -s, --size SIZE      guest memory, in K, M, G or T (default: 256M); rounded up\n"
	     "                       to whole pages of the kind of memory\n"
	     "  -w, --workers N      threads (default: as many as there are CPUs to run on)\n"
	     "  -r, --runs N         repeat and report medians (default: 1)\n"
	     "      --guest-pass     have the guest write to every page (default)\n"
	     "      --no-guest-pass  prepare only\n"
	     "  -j, --json FILE      write the results to FILE, - for stdout in place of the table\n"
	     "      --progress       tell how far a method is, even if stderr is no terminal\n"
	     "  -q, --quiet          no table, no progress\n"
	     "  -h, --help           this text\n"
	     "  -V, --version        the version\n"
	     "\n"
	     "Methods:");
	for (method = methods; *method; method++)
		printf("  %-19s  %s\n", (*method)->name, (*method)->summary);
	puts("\nKinds of memory:");
	for_each_memory_kind(kind)
		printf("  %-19s  %s\n", kind->name, kind->summary);
	puts("\n"
	     "Exit status: 0 when done; 1 when something went wrong; 2 for wrong usage, and\n"
	     "when a method or kind of memory asked for by name is not available here.");
}

static __printf(1, 2) noreturn void wrong_usage(const char *format, ...)
{
	va_list arguments;

	if (format) {
		va_start(arguments, format);
		fputs("kvm-prefault: ", stderr);
		vfprintf(stderr, format, arguments);
		fputc('\n', stderr);
		va_end(arguments);
	}
	fputs(usage_line, stderr);
	fputs("'kvm-prefault --help' explains the options.\n", stderr);
	exit(EXIT_UNUSABLE);
}

static uint64_t number_of(const char *option, const char *text, uint64_t max)
{
	struct failure failure;
	uint64_t number;

	if (parse_number(option, text, 1, max, &number, &failure) < 0)
		wrong_usage("%s", failure.reason);
	return number;
}

static uint64_t size_of(const char *text)
{
	struct failure failure;
	uint64_t size;

	if (parse_size("--size", text, &size, &failure) < 0)
		wrong_usage("%s", failure.reason);
	return size;
}

static void choose_methods(struct options *options, const char *list)
{
	struct failure failure;

	if (methods_parse(list, methods, options->methods, &failure) < 0)
		wrong_usage("%s", failure.reason);
	options->methods_named = strcmp(list, "all");
}

static void choose_memories(struct options *options, const char *list)
{
	struct failure failure;

	if (memory_kinds_parse(list, options->memories, &failure) < 0)
		wrong_usage("%s", failure.reason);
	options->memories_named = strcmp(list, "all");
}

static void parse_option(struct options *options, int option)
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
		options->workers = number_of("--workers", optarg, VM_MAX_VCPUS);
		break;
	case 'r':
		options->runs = number_of("--runs", optarg, OPTIONS_MAX_RUNS);
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
	case 'h':
		print_help();
		exit(EXIT_DONE);
	case 'V':
		puts("kvm-prefault " VERSION);
		exit(EXIT_DONE);
	default:
		/* getopt_long() said what is wrong. */
		wrong_usage(NULL);
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->size = DEFAULT_SIZE;
	options->runs = 1;
	options->guest_pass = true;
	choose_methods(options, "all");
	choose_memories(options, "4k");
	options->memories_named = false;
	while ((option = getopt_long(argc, argv, "m:M:s:w:r:j:qhV",
				     long_options, NULL)) != -1)
		parse_option(options, option);
	if (optind < argc)
		wrong_usage("'%s' is not an option", argv[optind]);
}
