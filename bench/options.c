// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "describe.h"
#include "entry.h"
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
	     "  --memory LIST    kinds of memory (default: 4k)\n"
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

static unsigned int parse_count(const char *option, const char *text,
				unsigned int max)
{
	char *end;
	unsigned long count;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (!isdigit(*text) || *end || errno || !count || count > max)
		errx(2, "%s takes numbers from 1 to %u, not '%s'", option, max,
		     text);
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
	    size > GUEST_MEMORY_MAX / unit || size * unit % PAGE_SIZE)
		errx(2, "--size is such as 512M or 2G, not '%s'", text);
	return size * unit;
}

static void add_scenario(struct options *options, unsigned int nr,
			 const char *name)
{
	options->scenarios[nr] = scenario_find(name);
	if (!options->scenarios[nr])
		errx(2, "there is no scenario '%s'", name);
	options->scenarios[nr + 1] = NULL;
}

static void add_peer(struct options *options, unsigned int nr,
		     const char *name)
{
	options->peers[nr] = peer_find(name);
	if (!options->peers[nr])
		errx(2, "there is no peer '%s'", name);
	options->peers[nr + 1] = NULL;
}

static void add_memory(struct options *options, unsigned int nr,
		       const char *name)
{
	options->memories[nr] = memory_kind_find(name);
	if (!options->memories[nr])
		errx(2, "there is no memory '%s'", name);
	options->memories[nr + 1] = NULL;
}

static void add_workers(struct options *options, unsigned int nr,
			const char *text)
{
	options->workers[nr] = parse_count("--workers", text, VM_MAX_VCPUS);
	options->nr_workers = nr + 1;
}

static void add_state(struct options *options, unsigned int nr,
		      const char *name)
{
	if (!nr)
		options->untouched = options->resident = false;
	if (!strcmp(name, "untouched"))
		options->untouched = true;
	else if (!strcmp(name, "resident"))
		options->resident = true;
	else
		errx(2, "there is no state '%s'", name);
}

static void parse_list(struct options *options, const char *list,
		       void (*add)(struct options *options, unsigned int nr,
				   const char *name))
{
	char *copy = strdup(list), *rest = copy, *name;
	unsigned int nr = 0;

	if (!copy)
		err(1, "options");
	while ((name = strsep(&rest, ","))) {
		if (nr == OPTIONS_MAX)
			errx(2, "more than %d in '%s'", OPTIONS_MAX, list);
		add(options, nr++, name);
	}
	free(copy);
}

static void parse_peers(struct options *options, const char *list)
{
	unsigned int i;

	if (strcmp(list, "all")) {
		parse_list(options, list, add_peer);
		return;
	}
	for (i = 0; peers[i]; i++)
		add_peer(options, i, peers[i]->name);
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
		parse_list(options, optarg, add_scenario);
		break;
	case 'p':
		parse_peers(options, optarg);
		break;
	case 'M':
		parse_list(options, optarg, add_memory);
		break;
	case 't':
		parse_list(options, optarg, add_state);
		break;
	case 'w':
		parse_list(options, optarg, add_workers);
		break;
	case 's':
		options->size = parse_size(optarg);
		break;
	case 'r':
		options->rounds = parse_count("--rounds", optarg,
					      ENTRY_MAX_SAMPLES);
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
	add_scenario(options, 0, "prepare");
	add_memory(options, 0, "4k");
	add_workers(options, 0, "1");
	parse_peers(options, "all");
	while ((option = getopt_long(argc, argv, "", long_options,
				     NULL)) != -1)
		parse_option(options, option);
	if (optind < argc)
		errx(2, "'%s' is not an option", argv[optind]);
}
