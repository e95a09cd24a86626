// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "describe.h"
#include "json.h"
#include "lists_json.h"
#include "peer.h"
#include "scenario.h"

/* Between the members of an object, and the elements of an array. */
struct list {
	FILE *file;
	bool begun;
};

static FILE *next(struct list *list, const char *separator)
{
	if (list->begun)
		fputs(separator, list->file);
	list->begun = true;
	return list->file;
}

static void print_text(FILE *file, const char *name, const char *text,
		       const char *end)
{
	fprintf(file, "\"%s\": ", name);
	json_string(file, text);
	fputs(end, file);
}

/* The names between the commas of a text that may be NULL. */
static void print_names(FILE *file, const char *name, const char *text)
{
	struct list list = { .file = file };
	size_t length;

	fprintf(file, "\"%s\": [", name);
	for (; text && *text; text += length + (text[length] == ',')) {
		length = strcspn(text, ",");
		fprintf(next(&list, ", "), "\"%.*s\"", (int)length, text);
	}
	fputs("], ", file);
}

static void print_metric(FILE *file, const struct metric *metric,
			 bool in_tables)
{
	static const char * const better[] = {
		[BETTER_LOWER] = "lower",
		[BETTER_HIGHER] = "higher",
	};

	fputs("\n      {", file);
	print_text(file, "name", metric->name, ", ");
	print_text(file, "title", metric->title, ", ");
	print_text(file, "unit", metric->unit, ", ");
	print_text(file, "better", better[metric->better], ", ");
	if (metric->dividend)
		fprintf(file, "\"quotient_of\": [\"%s\", \"%s\"], ",
			metric->dividend->name, metric->divisor->name);
	fprintf(file, "\"in_tables\": %s}", in_tables ? "true" : "false");
}

static void print_metrics(struct list *list,
			  const struct metric * const *metric, bool in_tables)
{
	for (; metric && *metric; metric++)
		print_metric(next(list, ","), *metric, in_tables);
}

static void print_scenario(FILE *file, const struct scenario *scenario)
{
	struct list list = { .file = file };

	fputs("\n    {", file);
	print_text(file, "name", scenario->name, ", ");
	print_text(file, "title", scenario->title, ",\n     ");
	print_text(file, "summary", scenario->summary, ",\n     ");
	print_names(file, "tables", scenario->tables);
	print_names(file, "rows", scenario->rows);
	print_names(file, "columns", scenario->columns);
	fprintf(file, "\"picture\": %s,\n     \"metrics\": [",
		scenario->no_picture ? "false" : "true");
	print_metrics(&list, scenario->metrics, true);
	print_metrics(&list, scenario->details, false);
	fputs("]}", file);
}

static void print_scenarios(FILE *file)
{
	const struct scenario * const *scenario;
	struct list list = { .file = file };

	fputs("  \"scenarios\": [", file);
	for_each_scenario(scenario)
		print_scenario(next(&list, ","), *scenario);
	fputs("],\n", file);
}

void describe_members(FILE *file)
{
	print_scenarios(file);
	json_methods(file, "peers", peers);
	fputs(",\n", file);
	json_memory_kinds(file);
}

/* The kinds of memory that the plan takes, as an option. */
static void print_memories(FILE *file, const struct scenario_plan *plan)
{
	const struct memory_kind *kind;
	bool begun = false;

	for_each_memory_kind(kind) {
		if (kind->page_size < plan->page_size_min ||
		    kind->page_size > plan->page_size_max)
			continue;
		fprintf(file, "%s%s", begun ? "," : "--memory ", kind->name);
		begun = true;
	}
	if (begun)
		fputc(' ', file);
}

static void print_plan(FILE *file, const char *name,
		       const struct scenario_plan *plan)
{
	fprintf(file, ",\n     \"%s\": {", name);
	print_text(file, "machine", plan->machine, ", ");
	fputs("\"options\": \"", file);
	print_memories(file, plan);
	fprintf(file, "%s\"}", plan->options);
}

static void print_parts(struct list *list, const struct scenario *scenario)
{
	const struct scenario_part *part;

	for (part = scenario->parts; part && part->name; part++) {
		const char *clock = part->instructions ? "instructions" :
							 "seconds";
		FILE *file = next(list, ",");

		fprintf(file, "\n    {\"name\": \"%s-%s\", ", part->name,
			clock);
		print_text(file, "scenario", scenario->name, ", ");
		print_text(file, "clock", clock, "");
		print_plan(file, "quick", &part->quick);
		print_plan(file, "full", part->full.options ? &part->full :
			   &part->quick);
		fputc('}', file);
	}
}

void describe(FILE *file)
{
	const struct scenario * const *scenario;
	struct list list = { .file = file };

	fputs("{\n  \"tool\": \"kvm-bench\",\n  ", file);
	print_text(file, "version", VERSION, ",\n");
	describe_members(file);
	fputs(",\n  \"parts\": [", file);
	for_each_scenario(scenario)
		print_parts(&list, *scenario);
	fputs("]\n}\n", file);
}
