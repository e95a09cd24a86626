// SPDX-License-Identifier: GPL-2.0
#include "json.h"
#include "lists_json.h"
#include "memory.h"

static void print_head(FILE *file, bool first, const char *name,
		       const char *summary)
{
	fputs(first ? "\n    {\"name\": " : ",\n    {\"name\": ", file);
	json_string(file, name);
	fputs(", \"summary\": ", file);
	json_string(file, summary);
}

void json_memory_kinds(FILE *file)
{
	const struct memory_kind *kind;

	fputs("  \"memory_kinds\": [", file);
	for_each_memory_kind(kind) {
		print_head(file, kind == memory_kinds_begin, kind->name,
			   kind->summary);
		fprintf(file, ", \"page_size\": %llu}",
			(unsigned long long)kind->page_size);
	}
	fputs("]", file);
}

void json_methods(FILE *file, const char *member,
		  const struct method * const *table)
{
	const struct method * const *method;

	fprintf(file, "  \"%s\": [", member);
	for (method = table; *method; method++) {
		print_head(file, method == table, (*method)->name,
			   (*method)->summary);
		fputs("}", file);
	}
	fputs("]", file);
}
