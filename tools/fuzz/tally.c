// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tally.h"

struct tally *tally;

int tally_init(void)
{
	size_t size = sizeof(*tally) + nr_steps * sizeof(tally->counts[0]);

	tally = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return tally == MAP_FAILED ? -ENOMEM : 0;
}

void count_result(const struct step *step, int result, bool good)
{
	struct step_count *count = &tally->counts[step->nr];

	atomic_fetch_add(&count->calls, 1);
	if (good)
		atomic_fetch_add(&count->good, 1);
	if (result < 0 && -result < NR_ERRNOS)
		atomic_fetch_add(&count->errors[-result], 1);
}

void count_call(const struct step *step, int result)
{
	count_result(step, result, result >= 0);
}

void count_time(const struct step *step, uint64_t ns)
{
	atomic_fetch_add(&tally->counts[step->nr].ns, ns);
}

bool steps_are_left(void)
{
	unsigned int i;

	for (i = 0; i < nr_steps; i++) {
		if (step_is_possible(steps[i]) && !tally->counts[i].good)
			return true;
	}
	return false;
}

static void print_errors(const struct step_count *count)
{
	int i;

	for (i = 1; i < NR_ERRNOS; i++)
		if (count->errors[i])
			printf(", %s %lu", strerrorname_np(i) ?: "?",
			       count->errors[i]);
}

int report_steps(int number)
{
	const struct step_count *count;
	const struct step *step;
	unsigned int i;
	int failed = 0;

	for (i = 0; i < nr_steps; i++, number++) {
		count = &tally->counts[i];
		step = steps[i];
		if (!step_is_possible(step)) {
			printf("ok %d - %s # SKIP %s\n", number, step->name,
			       step->lack);
			continue;
		}

		if (!count->good)
			failed++;
		printf("%sok %d - %s: %lu calls, %lu of them good",
		       count->good ? "" : "not ", number, step->name,
		       count->calls, count->good);
		print_errors(count);
		printf("\n");
	}

	return failed;
}

static void write_errors(FILE *file, const struct step_count *count)
{
	const char *separator = "";
	int i;

	for (i = 1; i < NR_ERRNOS; i++) {
		if (!count->errors[i])
			continue;
		fprintf(file, "%s\"%s\": %lu", separator,
			strerrorname_np(i) ?: "?", count->errors[i]);
		separator = ", ";
	}
}

void write_steps(FILE *file)
{
	const struct step_count *count;
	unsigned int i;

	for (i = 0; i < nr_steps; i++) {
		count = &tally->counts[i];
		fprintf(file, "  { \"name\": \"%s\", \"weight\": %u, \"possible\": %s,",
			steps[i]->name, steps[i]->weight,
			step_is_possible(steps[i]) ? "true" : "false");
		fprintf(file, " \"calls\": %lu, \"good\": %lu, \"ms\": %lu, \"errors\": {",
			count->calls, count->good, count->ns / 1000000);
		write_errors(file, count);
		fprintf(file, "} }%s\n", i + 1 < nr_steps ? "," : "");
	}
}
