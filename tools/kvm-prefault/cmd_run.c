// SPDX-License-Identifier: GPL-2.0
/* kvm-prefault run: prepares real guests by each method, and compares them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report.h"
#include "units.h"

#define DEFAULT_SIZE	(256 * MIB)

/* With a working set, it alone is prepared, and all of memory. */
#define MAX_RESULTS (2 * METHODS_MAX * MEMORY_KINDS_MAX)

static struct result results[MAX_RESULTS];

/* The file is opened early: better to learn now that it cannot be written. */
static FILE *open_json(const char *name)
{
	FILE *file;

	if (!name)
		return NULL;
	if (!strcmp(name, "-"))
		return stdout;
	file = fopen(name, "we");
	if (!file) {
		fprintf(stderr, "kvm-prefault: %s: %s\n", name,
			strerror(errno));
		exit(EXIT_UNUSABLE);
	}
	return file;
}

static int close_json(FILE *file, const char *name)
{
	if (!fflush(file) && !ferror(file))
		return 0;
	fprintf(stderr, "kvm-prefault: %s: %s\n", name, strerror(errno));
	return -1;
}

/* Measures all methods with one kind of memory.  Returns the number of results. */
static unsigned int measure_methods(const struct run_options *options,
				    const struct replay *replay, int kvm_fd,
				    const struct result *key, bool table,
				    struct result *into)
{
	const struct method * const *method;
	unsigned int nr = 0;

	if (table)
		table_print_head(key->kind, key->bytes, replay, key->set_alone);
	for (method = options->methods; *method; method++) {
		struct result *result = &into[nr];

		/* Nothing is no less than the nothing of a set. */
		if (replay && !key->set_alone && *method == &method_none)
			continue;
		*result = *key;
		result->method = *method;
		measure(result, options, replay, kvm_fd);
		if (table)
			table_print_result(result, options);
		nr++;
	}
	return nr;
}

static unsigned int measure_all(const struct run_options *options,
				const struct replay *replay, int kvm_fd,
				bool table)
{
	const struct memory_kind * const *kind;
	unsigned int nr = 0;

	for (kind = options->memories; *kind; kind++) {
		struct result key = {
			.kind = *kind,
			.bytes = memory_kind_round(*kind, options->size),
		};

		if (replay) {
			key.set_alone = true;
			nr += measure_methods(options, replay, kvm_fd, &key,
					      table, &results[nr]);
			key.set_alone = false;
		}
		nr += measure_methods(options, replay, kvm_fd, &key, table,
				      &results[nr]);
	}
	return nr;
}

/* Reads the set that is asked for, if any, and settles the size of memory. */
static void read_working_set(struct run_options *options, struct replay *replay)
{
	struct failure failure;
	uint64_t least = DEFAULT_SIZE;

	if (options->working_set) {
		if (replay_read(replay, options->working_set, &failure) < 0) {
			fprintf(stderr, "kvm-prefault: %s\n%s", failure.reason,
				failure.advice);
			exit(EXIT_UNUSABLE);
		}
		least = replay->span;
	}
	if (!options->size)
		options->size = least;
	if (options->working_set && options->size < least)
		command_wrong_usage(&cmd_run, "--size has to be at least %lluK for this set",
				    (unsigned long long)(least / KIB));
}

static int exit_status(const struct run_options *options, unsigned int nr)
{
	unsigned int i, measured = 0, missing = 0;

	for (i = 0; i < nr; i++) {
		enum outcome outcome = results[i].outcome;

		if (outcome == OUTCOME_FAILED)
			return EXIT_FAILED;
		measured += outcome == OUTCOME_MEASURED;
		missing += (outcome == OUTCOME_NO_METHOD &&
			    options->methods_named) ||
			   (outcome == OUTCOME_NO_MEMORY &&
			    options->memories_named);
	}
	return measured && !missing ? EXIT_DONE : EXIT_UNUSABLE;
}

static int run(int argc, char **argv)
{
	struct replay set = {}, *replay = NULL;
	struct environment environment;
	struct run_options options;
	struct failure failure;
	int kvm_fd, status;
	unsigned int i, nr;
	FILE *json;
	bool table;

	run_options_parse(&options, argc, argv);
	read_working_set(&options, &set);
	if (options.working_set)
		replay = &set;
	kvm_fd = kvm_open(&failure);
	if (kvm_fd < 0) {
		fprintf(stderr, "kvm-prefault: %s\n%s", failure.reason,
			failure.advice);
		return EXIT_UNUSABLE;
	}
	json = open_json(options.json_file);
	table = !options.quiet && json != stdout;
	environment_read(&environment, kvm_fd);
	if (table)
		table_print_environment(&environment, &options);
	nr = measure_all(&options, replay, kvm_fd, table);
	close(kvm_fd);
	if (table)
		fflush(stdout);
	print_advice(results, nr);
	status = exit_status(&options, nr);
	if (json) {
		json_print(json, &environment, &options, replay, results, nr,
			   argv);
		if (close_json(json, options.json_file) < 0)
			status = EXIT_FAILED;
	}
	for (i = 0; i < nr; i++)
		result_free(&results[i]);
	replay_destroy(&set);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.arguments = "[OPTION...]",
	.summary = "prepare guests by each method, and compare time and faults",
	.description =
"Prepares the memory of a KVM guest, each method in a VM and memory of its\n"
"own, then has the guest write to every page, and reports the time and the\n"
"stage-2 page faults that remained.\n",
	.options = run_option_table,
	.print_more = run_options_print_lists,
	.main = run,
};
