// SPDX-License-Identifier: GPL-2.0
/* kvm-prefault record: writes the working set of a VMM that runs. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "command.h"
#include "guest_memory.h"
#include "parse.h"
#include "record.h"
#include "units.h"

enum long_only { BELOW_4G = 256, WRITTEN_FOR, GAP };

static const struct command_option options[] = {
	{ "output", 'o', "FILE", "write the set to FILE (default: stdout)" },
	{ "memory", 'm', "GPA:HVA:SIZE",
	  "\nguest memory from guest-physical address GPA on is at HVA\n"
	  "in the process; may be given several times" },
	{ "below-4g", BELOW_4G, "SIZE",
	  "without --memory: memory beyond SIZE is from 4 GiB on" },
	{ "written-for", WRITTEN_FOR, "N",
	  "record the pages that are written in the next N seconds, or\n"
	  "until a SIGINT or SIGTERM" },
	{ "gap", GAP, "SIZE", "join ranges that are at most SIZE apart" },
	{}
};

static void print_exit_status(void)
{
	puts("\nExit status: 0 when the set is written; 1 if something went wrong on the way;\n"
	     "2 for wrong usage, no such VMM, and a kernel without soft-dirty pages.");
}

static uint64_t size_of(const char *option, const char *text)
{
	struct failure failure;
	uint64_t size;

	if (parse_size(option, text, &size, &failure) < 0)
		command_wrong_usage(&cmd_record, "%s", failure.reason);
	return size;
}

static void parse_option(struct recording *recording, int option)
{
	struct failure failure;

	switch (option) {
	case 'o':
		recording->output = optarg;
		break;
	case 'm':
		if (guest_memory_add(&recording->memory, optarg, &failure) < 0)
			command_wrong_usage(&cmd_record, "%s", failure.reason);
		break;
	case BELOW_4G:
		recording->below_4g = size_of("--below-4g", optarg);
		if (recording->below_4g > 4 * GIB)
			command_wrong_usage(&cmd_record, "--below-4g is 4G at most");
		break;
	case WRITTEN_FOR:
		recording->seconds = command_number(&cmd_record, "--written-for",
						    optarg, 1, 1000000);
		break;
	case GAP:
		recording->gap = size_of("--gap", optarg);
		break;
	}
}

static int record(int argc, char **argv)
{
	struct recording recording = { .below_4g = UINT64_MAX };
	struct failure failure = {};
	int option, ret;

	while ((option = command_next_option(&cmd_record, argc, argv)) != -1)
		parse_option(&recording, option);
	if (optind + 1 != argc)
		command_wrong_usage(&cmd_record, "one PID is needed, of the VMM");
	recording.pid = command_number(&cmd_record, "PID", argv[optind], 1,
				       INT32_MAX);
	if (recording.memory.nr && recording.below_4g != UINT64_MAX)
		command_wrong_usage(&cmd_record, "--below-4g has no effect with --memory");
	ret = record_run(&recording, &failure);
	if (!ret)
		return EXIT_DONE;
	fprintf(stderr, "kvm-prefault: %s\n%s", failure.reason, failure.advice);
	return failure.kind == FAILURE_UNAVAILABLE ? EXIT_UNUSABLE : EXIT_FAILED;
}

const struct command cmd_record = {
	.name = "record",
	.arguments = "[OPTION...] PID",
	.summary = "write the set of pages that the guest of a running VMM has",
	.description =
"Writes a file of the guest's pages that are in memory now, or of those written in\n"
"a while, for 'kvm-prefault run --working-set' and for VMMs, see kvm-working-set(5).\n"
"Without --memory, the largest writable mapping of the process is taken for the\n"
"guest's memory, from guest-physical address 0 on; that is a guess, and printed.\n",
	.options = options,
	.print_more = print_exit_status,
	.main = record,
};
