// SPDX-License-Identifier: GPL-2.0
/* kvm-prefault run: prepares real guests by each method, and compares them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report.h"

#define MAX_RESULTS (METHODS_MAX * MEMORY_KINDS_MAX)

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

static unsigned int measure_all(const struct run_options *options, int kvm_fd,
				bool table)
{
	const struct memory_kind * const *kind;
	const struct method * const *method;
	unsigned int nr = 0;

	for (kind = options->memories; *kind; kind++) {
		if (table)
			table_print_head(*kind,
					 memory_kind_round(*kind, options->size));
		for (method = options->methods; *method; method++) {
			struct result *result = &results[nr++];

			measure(result, *method, *kind, options, kvm_fd);
			if (table)
				table_print_result(result, options);
		}
	}
	return nr;
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
	struct environment environment;
	struct run_options options;
	struct failure failure;
	int kvm_fd, status;
	unsigned int i, nr;
	FILE *json;
	bool table;

	run_options_parse(&options, argc, argv);
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
	nr = measure_all(&options, kvm_fd, table);
	close(kvm_fd);
	if (table)
		fflush(stdout);
	print_advice(results, nr);
	status = exit_status(&options, nr);
	if (json) {
		json_print(json, &environment, &options, results, nr, argv);
		if (fflush(json) || ferror(json)) {
			fprintf(stderr, "kvm-prefault: %s: %s\n",
				options.json_file, strerror(errno));
			status = EXIT_FAILED;
		}
	}
	for (i = 0; i < nr; i++)
		result_free(&results[i]);
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
