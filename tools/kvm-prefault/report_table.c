// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "report.h"
#include "units.h"

/* With the thousands set apart; text has room for the largest. */
static const char *count(uint64_t number, char text[32])
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu",
			      (unsigned long long)number);
	char *end = text;
	int i;

	for (i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return text;
}

static const char *mebibytes(bool known, uint64_t bytes, char text[32])
{
	if (!known)
		snprintf(text, 32, "-");
	else if (bytes % MIB)
		snprintf(text, 32, "%.2f", bytes / (double)MIB);
	else
		snprintf(text, 32, "%llu", (unsigned long long)(bytes / MIB));
	return text;
}

static const char *percent(unsigned int runs, double spread, double median,
			   char text[32])
{
	if (runs < 2 || median <= 0)
		snprintf(text, 32, "-");
	else
		snprintf(text, 32, "%.0f", 100 * spread / median);
	return text;
}

void table_print_environment(const struct environment *environment,
			     const struct run_options *options)
{
	printf("kvm-prefault %s, Linux %s, %s, %d CPU%s, tdp_mmu=%s, THP %s\n",
	       VERSION, environment->kernel,
	       *environment->cpu_model ? environment->cpu_model : "unknown CPU",
	       environment->cpus, environment->cpus == 1 ? "" : "s",
	       *environment->tdp_mmu ? environment->tdp_mmu : "?",
	       *environment->thp ? environment->thp : "none");
	if (options->runs > 1)
		printf("Medians of %u runs; the spread is from the shortest to the longest.\n",
		       options->runs);
	if (options->guest_pass)
		printf("The guest writes to every 4 KiB page%s.  Faults are stage-2 faults of its vCPUs.\n",
		       options->working_set ? " of the working set" : "");
}

static void print_set(const struct replay *replay, bool set_alone)
{
	char text[2][32];

	printf("%s a set of %s MiB in %s ranges\n",
	       set_alone ? "Prepared and touched:" :
			   "Prepared: all of memory; touched:",
	       mebibytes(true, kvm_working_set_bytes(replay->set), text[0]),
	       count(kvm_working_set_count(replay->set), text[1]));
}

void table_print_head(const struct memory_kind *kind, uint64_t bytes,
		      const struct replay *replay, bool set_alone)
{
	char size[32];

	printf("\n%s, %s MiB: %s\n", kind->name, mebibytes(true, bytes, size),
	       kind->summary);
	if (replay)
		print_set(replay, set_alone);
	puts("  method              prepare  spread   rate    guest   faults   faults  mapped  present  threads\n"
	     "                            s       %  GiB/s   pass s   before  in pass     MiB      MiB");
	fflush(stdout);
}

static void print_measured(const struct result *result,
			   const struct run_options *options)
{
	const struct sample *summary = &result->summary;
	char text[7][32];

	/* Nothing that is prepared has a rate. */
	if (summary->workers)
		snprintf(text[0], sizeof(text[0]), "%.2f",
			 result->prepared_bytes / (double)GIB /
			 summary->prepare_seconds);
	else
		snprintf(text[0], sizeof(text[0]), "-");
	printf("  %-18s %8.3f %7s %6s", result->method->name,
	       summary->prepare_seconds,
	       percent(summary->workers ? result->nr_samples : 0,
		       result->prepare_spread, summary->prepare_seconds,
		       text[1]), text[0]);
	if (options->guest_pass)
		printf(" %8.3f", summary->guest_seconds);
	else
		printf(" %8s", "-");
	printf(" %8s %8s", count(summary->faults_before, text[2]),
	       options->guest_pass ? count(summary->faults_during, text[3]) :
				     "-");
	snprintf(text[4], sizeof(text[4]), "%u", summary->workers);
	printf(" %7s %8s %8s\n",
	       mebibytes(summary->counted, summary->bytes_mapped, text[5]),
	       mebibytes(summary->counted, summary->bytes_present, text[6]),
	       summary->workers ? text[4] : "-");
}

void table_print_result(const struct result *result,
			const struct run_options *options)
{
	switch (result->outcome) {
	case OUTCOME_MEASURED:
		print_measured(result, options);
		break;
	case OUTCOME_NO_METHOD:
	case OUTCOME_NO_MEMORY:
		printf("  %-18s unavailable: %s\n", result->method->name,
		       result->failure.reason);
		break;
	case OUTCOME_FAILED:
		printf("  %-18s FAILED: %s\n", result->method->name,
		       result->failure.reason);
		break;
	}
	fflush(stdout);
}

static bool said_before(const struct result *results, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < index; i++)
		if (results[i].outcome != OUTCOME_MEASURED &&
		    !strcmp(results[i].failure.reason,
			    results[index].failure.reason))
			return true;
	return false;
}

void print_advice(const struct result *results, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct result *result = &results[i];

		if (result->outcome == OUTCOME_MEASURED ||
		    said_before(results, i))
			continue;
		fprintf(stderr, "kvm-prefault: %s\n%s", result->failure.reason,
			result->failure.advice);
	}
}
