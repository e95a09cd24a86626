// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "describe.h"
#include "entry.h"
#include "json.h"

static void print_text(FILE *file, const char *name, const char *text)
{
	fprintf(file, "\"%s\": ", name);
	json_string(file, text);
	fputs(", ", file);
}

/* null stands for what was not measured. */
static void print_number(FILE *file, const char *name, bool known,
			 const char *format, double value)
{
	fprintf(file, "\"%s\": ", name);
	if (known)
		fprintf(file, format, value);
	else
		fputs("null", file);
	fputs(", ", file);
}

static double spread(const struct entry *entry)
{
	double least = entry->seconds[0], most = entry->seconds[0];
	unsigned int i;

	for (i = 1; i < entry->nr_samples; i++) {
		if (entry->seconds[i] < least)
			least = entry->seconds[i];
		if (entry->seconds[i] > most)
			most = entry->seconds[i];
	}
	return most - least;
}

static void print_times(FILE *file, const struct entry *entry,
			bool instructions)
{
	bool known = entry->nr_samples;
	bool per_page = known && entry->pages && instructions;
	double median = entry_median(entry);
	unsigned int i;

	print_number(file, "instructions_per_page", per_page, "%.1f",
		     per_page ? median * 1e9 / entry->pages : 0);
	print_number(file, "instructions", known && instructions, "%.0f",
		     median * 1e9);
	print_number(file, "seconds_median", known && !instructions, "%.9f",
		     median);
	print_number(file, "seconds_spread", known && !instructions, "%.9f",
		     spread(entry));
	fputs("\"samples\": [", file);
	for (i = 0; i < entry->nr_samples; i++)
		fprintf(file, "%s%.9f", i ? ", " : "", entry->seconds[i]);
	fputs("], ", file);
}

static void print_entry(FILE *file, const struct entry *entry,
			bool instructions)
{
	unsigned int i;

	fputs("    {", file);
	print_text(file, "scenario", entry->scenario);
	print_text(file, "peer", entry->peer);
	print_text(file, "memory", entry->memory);
	print_text(file, "state", entry->state);
	print_text(file, "layout", entry->layout);
	fprintf(file, "\"workers\": %u,\n     ", entry->workers);
	print_number(file, "bytes", true, "%.0f", entry->bytes);
	print_number(file, "pages", true, "%.0f", entry->pages);
	print_times(file, entry, instructions);
	print_number(file, "section", entry->section, "%.0f", entry->section);
	print_number(file, "faults_left", entry->faults_known, "%.0f",
		     entry->faults_left);
	for (i = 0; i < entry->nr_figures; i++)
		print_number(file, entry->figures[i].metric->name, true,
			     "%.9g", entry->figures[i].value);
	print_text(file, "outcome", entry->nr_samples ? "measured" :
		   entry->failure.kind == FAILURE_UNAVAILABLE ?
		   "unavailable" : "failed");
	fputs("\"reason\": ", file);
	json_string(file, entry->failure.reason[0] ? entry->failure.reason :
						      NULL);
	fputc('}', file);
}

static void print_environment(FILE *file,
			      const struct environment *environment)
{
	fputs("  \"environment\": {", file);
	print_text(file, "kernel", environment->kernel);
	print_text(file, "kernel_command_line",
		   environment->kernel_command_line);
	print_text(file, "cpu_model", environment->cpu_model);
	print_text(file, "thp", environment->thp);
	print_text(file, "thp_shmem", environment->thp_shmem);
	print_text(file, "kvm_vendor", environment->kvm_vendor);
	print_text(file, "tdp_mmu", environment->tdp_mmu);
	print_text(file, "two_dimensional_paging",
		   environment->two_dimensional_paging);
	fprintf(file, "\"cpus\": %d, \"map_memory_features\": %d},\n",
		environment->cpus, environment->map_memory_features);
}

void entries_print(FILE *file, const struct entries *entries,
		   bool instructions, const struct environment *environment,
		   char **argv)
{
	unsigned int i;

	fputs("{\n  \"tool\": \"kvm-bench\",\n  ", file);
	print_text(file, "version", VERSION);
	print_text(file, "clock", instructions ? "instructions" : "seconds");
	fputs("\n  \"command\": [", file);
	for (i = 0; argv[i]; i++) {
		fputs(i ? ", " : "", file);
		json_string(file, argv[i]);
	}
	fputs("],\n", file);
	print_environment(file, environment);
	fputs("  \"description\": {\n", file);
	describe_members(file);
	fputs("},\n  \"entries\": [\n", file);
	for (i = 0; i < entries->nr; i++) {
		print_entry(file, &entries->list[i], instructions);
		fputs(i + 1 < entries->nr ? ",\n" : "\n", file);
	}
	fputs("  ]\n}\n", file);
}
