// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "describe.h"
#include "entry.h"
#include "parse.h"
#include "peer.h"
#include "scenario.h"
#include "units.h"

static const struct option long_options[] = {
	{ "scenario", required_argument, NULL, 'S' },
	{ "peer", required_argument, NULL, 'p' },
	{ "memory", required_argument, NULL, 'M' },
	{ "state", required_argument, NULL, 't' },
	{ "workers", required_argument, NULL, 'w' },
	{ "size", required_argument, NULL, 's' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "clock", required_argument, NULL, 'c' },
	{ "json", required_argument, NULL, 'j' },
	{ "describe", no_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void print_help(void)
{
	const struct scenario * const *scenario;
	const struct memory_kind *kind;
	unsigned int i;

	puts("usage: kvm-bench [OPTION...]\n"
	     "\n"
	     "Measures ways to prepare the memory of a KVM guest, and writes JSON.\n"
	     "'bench/run' starts it in the machines that it needs.\n"
	     "\n"
	     "  --scenario LIST  what to measure (default: prepare)\n"
	     "  --peer LIST      ways to prepare, or all (default: all)\n"
	     "  --memory LIST    kinds of memory, or all (default: 4k)\n"
	     "  --state LIST     untouched, resident (default: both)\n"
	     "  --workers LIST   numbers of threads (default: 1)\n"
	     "  --size SIZE      guest memory, in K, M, G or T (default: 32M)\n"
	     "  --rounds N       repeat everything, one after the other (default: 1)\n"
	     "  --clock CLOCK    seconds, or instructions in a machine whose clock\n"
	     "                   advances 1 ns an instruction (default: seconds)\n"
	     "  --json FILE      where the results go (default: -, stdout)\n"
	     "  --describe       write what there is as JSON, and what 'bench/run' runs\n"
	     "\n"
	     "Scenarios:");
	for_each_scenario(scenario)
		printf("  %-19s  %s: %s\n", (*scenario)->name,
		       (*scenario)->title, (*scenario)->summary);
	puts("\nPeers:");
	for (i = 0; peers[i]; i++)
		printf("  %-19s  %s\n", peers[i]->name, peers[i]->summary);
	puts("\nKinds of memory:");
	for_each_memory_kind(kind)
		printf("  %-19s  %s\n", kind->name, kind->summary);
}

static uint64_t number_of(const char *option, const char *text, uint64_t max)
{
	struct failure failure;
	uint64_t number;

	if (parse_number(option, text, 1, max, &number, &failure) < 0)
		errx(2, "%s", failure.reason);
	return number;
}

static uint64_t size_of(const char *text)
{
	struct failure failure;
	uint64_t size;

	if (parse_size("--size", text, &size, &failure) < 0)
		errx(2, "%s", failure.reason);
	return size;
}

static void choose_peers(struct options *options, const char *list)
{
	struct failure failure;

	if (methods_parse(list, peers, options->peers, &failure) < 0)
		errx(2, "%s", failure.reason);
}

static void choose_memories(struct options *options, const char *list)
{
	struct failure failure;

	if (memory_kinds_parse(list, options->memories, &failure) < 0)
		errx(2, "%s", failure.reason);
}

static int add_scenario(void *to, const char *name, struct failure *failure)
{
	const struct scenario *scenario = scenario_find(name), **end = to;
	unsigned int i = 0;

	if (!scenario)
		return fail(failure, "there is no scenario '%s'", name);
	while (end[i] && end[i] != scenario)
		i++;
	if (i == OPTIONS_MAX)
		return fail(failure, "more than %d scenarios", OPTIONS_MAX);
	end[i] = scenario;
	return 0;
}

static int add_workers(void *to, const char *text, struct failure *failure)
{
	struct options *options = to;
	uint64_t number;

	if (options->nr_workers == OPTIONS_MAX)
		return fail(failure, "more than %d numbers of workers",
			    OPTIONS_MAX);
	if (parse_number("--workers", text, 1, VM_MAX_VCPUS, &number,
			 failure) < 0)
		return -1;
	options->workers[options->nr_workers++] = number;
	return 0;
}

static int add_state(void *to, const char *name, struct failure *failure)
{
	struct options *options = to;

	if (!strcmp(name, "untouched"))
		options->untouched = true;
	else if (!strcmp(name, "resident"))
		options->resident = true;
	else
		return fail(failure, "there is no state '%s'", name);
	return 0;
}

static void add_list(const char *list,
		     int (*add)(void *to, const char *name,
				struct failure *failure), void *to)
{
	struct failure failure;

	if (parse_list(list, add, to, &failure) < 0)
		errx(2, "%s", failure.reason);
}

static void choose_scenarios(struct options *options, const char *list)
{
	memset(options->scenarios, 0, sizeof(options->scenarios));
	add_list(list, add_scenario, options->scenarios);
}

static void choose_workers(struct options *options, const char *list)
{
	options->nr_workers = 0;
	add_list(list, add_workers, options);
}

static void choose_states(struct options *options, const char *list)
{
	options->untouched = false;
	options->resident = false;
	add_list(list, add_state, options);
}

static void parse_clock(struct options *options, const char *name)
{
	options->instructions = !strcmp(name, "instructions");
	if (!options->instructions && strcmp(name, "seconds"))
		errx(2, "there is no clock '%s'", name);
}

static void parse_option(struct options *options, int option)
{
	switch (option) {
	case 'S':
		choose_scenarios(options, optarg);
		break;
	case 'p':
		choose_peers(options, optarg);
		break;
	case 'M':
		choose_memories(options, optarg);
		break;
	case 't':
		choose_states(options, optarg);
		break;
	case 'w':
		choose_workers(options, optarg);
		break;
	case 's':
		options->size = size_of(optarg);
		break;
	case 'r':
		options->rounds = number_of("--rounds", optarg, ENTRY_MAX_SAMPLES);
		break;
	case 'c':
		parse_clock(options, optarg);
		break;
	case 'j':
		options->json_file = optarg;
		break;
	case 'd':
		describe(stdout);
		exit(0);
	case 'h':
		print_help();
		exit(0);
	default:
		/* getopt_long() said what is wrong. */
		errx(2, "'kvm-bench --help' explains the options");
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	memset(options, 0, sizeof(*options));
	options->size = 32 * MIB;
	options->rounds = 1;
	options->untouched = true;
	options->resident = true;
	options->json_file = "-";
	choose_scenarios(options, "prepare");
	choose_memories(options, "4k");
	choose_workers(options, "1");
	choose_peers(options, "all");
	while ((option = getopt_long(argc, argv, "", long_options,
				     NULL)) != -1)
		parse_option(options, option);
	if (optind < argc)
		errx(2, "'%s' is not an option", argv[optind]);
}
