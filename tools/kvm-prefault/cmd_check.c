// SPDX-License-Identifier: GPL-2.0
/* kvm-prefault check: what this machine can do, and what to do if it cannot. */
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <liburing_kvm.h>
#include "check.h"
#include "command.h"
#include "kvm.h"

/* EXIT_DONE: nothing of KVM_MAP_MEMORY is missing. */
enum check_status {
	CHECK_PART_MISSING = 1,
	CHECK_NOTHING_WORKS = 3,
};

static const struct command_option options[] = {
	{ "json", 'j', NULL, "print JSON in place of the table" },
	{}
};

struct check_row *check_add(struct checks *checks, enum check_group group,
			    const char *name, enum check_state state,
			    const char *format, ...)
{
	struct check_row *row = &checks->rows[checks->nr++];
	va_list arguments;

	assert(checks->nr <= CHECKS_MAX);
	row->group = group;
	row->name = name;
	row->state = state;
	va_start(arguments, format);
	vsnprintf(row->text.reason, sizeof(row->text.reason), format,
		  arguments);
	va_end(arguments);
	return row;
}

void check_add_failure(struct checks *checks, enum check_group group,
		       const char *name, enum check_state state,
		       const struct failure *failure)
{
	struct check_row *row = check_add(checks, group, name, state, "%s", "");

	row->text = *failure;
}

static int status_of(const struct checks *checks)
{
	bool part_missing = false, method_works = false;
	unsigned int i;

	for (i = 0; i < checks->nr; i++) {
		const struct check_row *row = &checks->rows[i];

		/* The others are of use to some VMMs only. */
		if (row->group > CHECK_METHODS)
			continue;
		part_missing |= row->state == CHECK_MISSING;
		method_works |= row->group == CHECK_METHODS &&
				row->state != CHECK_MISSING;
	}
	if (!method_works)
		return CHECK_NOTHING_WORKS;
	return part_missing ? CHECK_PART_MISSING : EXIT_DONE;
}

static void print_exit_status(void)
{
	puts("\nExit status: 0 if nothing of KVM_MAP_MEMORY is missing; 1 if something is and\n"
	     "another method works; 2 for wrong usage; 3 if no method works here.");
}

static int check(int argc, char **argv)
{
	static struct checks checks;
	bool json = false;
	int features, status;

	while (command_next_option(&cmd_check, argc, argv) != -1)
		json = true;
	if (optind < argc)
		command_wrong_usage(&cmd_check, "'%s' is not an option",
				    argv[optind]);
	checks.kvm_fd = kvm_open(&checks.kvm_failure);
	features = checks.kvm_fd < 0 ? 0 : kvm_map_memory_probe(checks.kvm_fd);
	checks.features = features < 0 ? 0 : features;
	check_kvm(&checks);
	check_features(&checks);
	check_methods(&checks);
	check_process(&checks);
	check_memory(&checks);
	check_watch(&checks);
	if (checks.kvm_fd >= 0)
		close(checks.kvm_fd);
	status = status_of(&checks);
	(json ? check_print_json : check_print_text)(stdout, &checks, status);
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "kvm-prefault: stdout: %s\n", strerror(errno));
	return CHECK_NOTHING_WORKS;
}

const struct command cmd_check = {
	.name = "check",
	.arguments = "[OPTION...]",
	.summary = "report what this machine can do, what is missing, what to do",
	.description =
"Looks at the CPU, at KVM and its modules, at each feature of KVM_MAP_MEMORY and\n"
"each method of 'kvm-prefault run', at limits of this process, at the kinds of\n"
"memory and at the files that 'kvm-prefault watch' reads.  Each row is ok, limited\n"
"or missing, with the advice for the latter two.  Run it as the user and in the\n"
"control group of the VMM: limits are those of the process.\n",
	.options = options,
	.print_more = print_exit_status,
	.main = check,
};
