// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "report.h"

static struct seed_result {
	uint64_t seed;
	bool passed;
} *results;
static unsigned int nr_results;

void report_seed(uint64_t seed, bool passed)
{
	struct seed_result *more;

	more = realloc(results, (nr_results + 1) * sizeof(*results));
	if (!more)
		abort();
	results = more;
	results[nr_results++] = (struct seed_result) { seed, passed };
}

int report_write(uint64_t ms)
{
	FILE *file = fopen(options.json, "w");
	unsigned int i, failed = 0;

	if (!file)
		return -errno;
	fprintf(file, "{\n\"threads\": %u,\n\"seeds\": [", options.threads);
	for (i = 0; i < nr_results; i++) {
		failed += !results[i].passed;
		fprintf(file, "%s\n  { \"seed\": %lu, \"passed\": %s }", i ? "," : "",
			results[i].seed, results[i].passed ? "true" : "false");
	}
	fprintf(file, "\n],\n\"failed\": %u,\n\"ms\": %lu,\n\"steps\": %lu,\n",
		failed, ms, tally->steps);
	fprintf(file, "\"table\": [\n");
	write_steps(file);
	fprintf(file, "]\n}\n");
	return fclose(file) ? -errno : 0;
}

void print_table(void)
{
	unsigned int i;

	printf("weight  step\n");
	for (i = 0; i < nr_steps; i++) {
		if (steps[i]->make)
			printf("%6u  %s", steps[i]->weight, steps[i]->name);
		else
			printf("     -  %s", steps[i]->name);
		if (!step_is_possible(steps[i]))
			printf(" (%s)", steps[i]->lack);
		printf("\n");
	}
}
