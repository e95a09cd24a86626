// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "check.h"
#include "command.h"
#include "json.h"

static const char * const states[] = { "ok", "limited", "missing" };
static const char * const groups[] = {
	[CHECK_KVM] = "kvm",
	[CHECK_FEATURES] = "features",
	[CHECK_METHODS] = "methods",
	[CHECK_PROCESS] = "process",
	[CHECK_MEMORY] = "memory",
	[CHECK_WATCH] = "watch",
};

/* Column of a row's value. */
#define VALUE_COLUMN 31

static bool advised_before(const struct checks *checks, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < index; i++)
		if (!strcmp(checks->rows[i].text.advice,
			    checks->rows[index].text.advice))
			return true;
	return false;
}

static void print_advice(FILE *file, const char *advice)
{
	while (*advice) {
		int length = strcspn(advice, "\n");

		fprintf(file, "%*s%.*s\n", VALUE_COLUMN, "", length, advice);
		advice += length + (advice[length] == '\n');
	}
}

static void print_summary(FILE *file, const struct checks *checks, int status)
{
	const char *separator = " ";
	unsigned int i;

	if (status == EXIT_DONE) {
		fputs("\nKVM_MAP_MEMORY: all of it works.\n", file);
		return;
	}
	fputs("\nKVM_MAP_MEMORY: not all of it works.  Methods that do:", file);
	for (i = 0; i < checks->nr; i++) {
		const struct check_row *row = &checks->rows[i];

		if (row->group != CHECK_METHODS || row->state == CHECK_MISSING)
			continue;
		fprintf(file, "%s%s", separator, row->name);
		separator = ", ";
	}
	fprintf(file, "%s.\n", *separator == ' ' ? " none" : "");
}

void check_print_text(FILE *file, const struct checks *checks, int status)
{
	unsigned int i;

	fprintf(file, "kvm-prefault %s\n", VERSION);
	for (i = 0; i < checks->nr; i++) {
		const struct check_row *row = &checks->rows[i];

		if (!i || row->group != row[-1].group)
			fprintf(file, "\n%s\n", groups[row->group]);
		fprintf(file, "  %-18s  %-7s  %s\n", row->name,
			states[row->state], row->text.reason);
		if (!advised_before(checks, i))
			print_advice(file, row->text.advice);
	}
	print_summary(file, checks, status);
}

static void print_member(FILE *file, const char *name, const char *text)
{
	fprintf(file, "\"%s\": ", name);
	json_string(file, *text ? text : NULL);
}

void check_print_json(FILE *file, const struct checks *checks, int status)
{
	unsigned int i;

	fprintf(file, "{\n  \"tool\": \"kvm-prefault\",\n  \"version\": \"%s\",\n"
		"  \"status\": %d,\n  \"map_memory_features\": %u,\n"
		"  \"checks\": [\n", VERSION, status, checks->features);
	for (i = 0; i < checks->nr; i++) {
		const struct check_row *row = &checks->rows[i];

		fputs("    {", file);
		print_member(file, "group", groups[row->group]);
		fputs(", ", file);
		print_member(file, "name", row->name);
		fputs(", ", file);
		print_member(file, "state", states[row->state]);
		fputs(",\n     ", file);
		print_member(file, "value", row->text.reason);
		fputs(",\n     ", file);
		print_member(file, "advice", row->text.advice);
		fputs(i + 1 < checks->nr ? "},\n" : "}\n", file);
	}
	fputs("  ]\n}\n", file);
}
