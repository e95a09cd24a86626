// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdnoreturn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"
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

static unsigned int parse_count(const char *option, const char *text,
				unsigned int max)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (!isdigit(*text) || *end || errno || !count || count > max)
		wrong_usage("%s is a number from 1 to %u, not '%s'", option,
			    max, text);
	return count;
}

static uint64_t parse_size(const char *text)
{
	static const char units[] = "KMGT";
	unsigned long long size, unit = 1;
	const char *found;
	char *end;

	errno = 0;
	size = strtoull(text, &end, 10);
	found = *end ? strchr(units, toupper(*end)) : NULL;
	if (found) {
		unit = KIB << (10 * (found - units));
		end++;
	}
	if (!isdigit(*text) || *end || errno || !size ||
	    size > GUEST_MEMORY_MAX / unit)
		wrong_usage("--size is up to %llu TiB and such as 512M or 2G, not '%s'",
			    GUEST_MEMORY_MAX / TIB, text);
	return size * unit;
}

static void add_method(struct options *options, const char *name)
{
	const struct method *method = method_find(name);
	int i = 0;

	if (!method)
		wrong_usage("there is no method '%s'", name);
	while (options->methods[i] && options->methods[i] != method)
		i++;
	options->methods[i] = method;
}

static void add_memory(struct options *options, const char *name)
{
	const struct memory_kind *kind = memory_kind_find(name);
	int i = 0;

	if (!kind)
		wrong_usage("there is no memory '%s'", name);
	while (options->memories[i] && options->memories[i] != kind)
		i++;
	if (i == OPTIONS_MAX_MEMORIES)
		wrong_usage("more than %d kinds of memory", i);
	options->memories[i] = kind;
}

static void parse_list(struct options *options, const char *list,
		       void (*add)(struct options *options, const char *name))
{
	char *copy = strdup(list), *rest = copy, *name;

	if (!copy)
		wrong_usage("%s", strerror(ENOMEM));
	while ((name = strsep(&rest, ",")))
		add(options, name);
	free(copy);
}

static void parse_methods(struct options *options, const char *list)
{
	int i;

	memset(options->methods, 0, sizeof(options->methods));
	options->methods_named = strcmp(list, "all");
	if (options->methods_named)
		parse_list(options, list, add_method);
	else
		for (i = 0; methods[i]; i++)
			options->methods[i] = methods[i];
}

static void parse_memories(struct options *options, const char *list)
{
	const struct memory_kind *kind;

	memset(options->memories, 0, sizeof(options->memories));
	options->memories_named = strcmp(list, "all");
	if (options->memories_named)
		parse_list(options, list, add_memory);
	else
		for_each_memory_kind(kind)
			add_memory(options, kind->name);
}

static void parse_option(struct options *options, int option)
{
	switch (option) {
	case 'm':
		parse_methods(options, optarg);
		break;
	case 'M':
		parse_memories(options, optarg);
		break;
	case 's':
		options->size = parse_size(optarg);
		break;
	case 'w':
		options->workers = parse_count("--workers", optarg,
					       VM_MAX_VCPUS);
		break;
	case 'r':
		options->runs = parse_count("--runs", optarg, OPTIONS_MAX_RUNS);
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
	parse_methods(options, "all");
	parse_memories(options, "4k");
	options->memories_named = false;
	while ((option = getopt_long(argc, argv, "m:M:s:w:r:j:qhV",
				     long_options, NULL)) != -1)
		parse_option(options, option);
	if (optind < argc)
		wrong_usage("'%s' is not an option", argv[optind]);
}
