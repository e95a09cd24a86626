// SPDX-License-Identifier: GPL-2.0
/* kvm-prefault watch: the running jobs of the VMs of a process. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <liburing_kvm.h>
#include "command.h"
#include "debugfs.h"
#include "method.h"
#include "sysfile.h"
#include "watch.h"

#define MIN_INTERVAL	0.01
#define MAX_INTERVAL	3600
#define INTERVAL_RANGE	"--interval is from %g to %d seconds"

enum long_only { ONCE = 256, DEBUGFS };

struct watch_options {
	pid_t pid;
	double interval;
	bool once;
	enum watch_form form;
	const char *debugfs;
};

static const struct command_option option_table[] = {
	{ "interval", 'i', "SECONDS", "time between two reads (default: 1)" },
	{ "once", ONCE, NULL, "print once, after one interval" },
	{ "json", 'j', NULL, "print a JSON object a line, for each VM and read" },
	{ "debugfs", DEBUGFS, "DIR",
	  "where debugfs is mounted (default: " DEBUGFS_DIRECTORY ")" },
	{}
};

static double interval_of(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= MIN_INTERVAL) ||
	    seconds > MAX_INTERVAL)
		command_wrong_usage(&cmd_watch, INTERVAL_RANGE ", not '%s'",
				    MIN_INTERVAL, MAX_INTERVAL, text);
	return seconds;
}

static void parse_options(struct watch_options *options, int argc, char **argv)
{
	int option;

	*options = (struct watch_options) {
		.interval = 1,
		.form = isatty(STDOUT_FILENO) ? WATCH_BARS : WATCH_LINES,
		.debugfs = DEBUGFS_DIRECTORY,
	};
	while ((option = command_next_option(&cmd_watch, argc, argv)) != -1) {
		switch (option) {
		case 'i':
			options->interval = interval_of(optarg);
			break;
		case ONCE:
			options->once = true;
			break;
		case 'j':
			options->form = WATCH_JSON;
			break;
		case DEBUGFS:
			options->debugfs = optarg;
			break;
		}
	}
	if (optind + 1 != argc)
		command_wrong_usage(&cmd_watch, "the argument is one PID");
	options->pid = command_number(&cmd_watch, "PID", argv[optind], 1,
				      INT_MAX);
}

static int print_failure(const struct failure *failure)
{
	fflush(stdout);
	fprintf(stderr, "kvm-prefault: %s\n%s", failure->reason,
		failure->advice);
	return failure->kind == FAILURE_UNAVAILABLE ? EXIT_UNUSABLE :
						      EXIT_FAILED;
}

static void advise_other_processes(const struct watch_options *options,
				   struct failure *failure)
{
	struct failure ignored;
	DIR *kvm = debugfs_open(options->debugfs, &ignored);
	const struct dirent *entry;
	bool any = false;

	if (!kvm)
		return;
	while ((entry = readdir(kvm))) {
		if (strspn(entry->d_name, "0123456789-") !=
		    strlen(entry->d_name))
			continue;
		advise(failure, any ? " %s" : "VMs, as PID-FD: %s",
		       entry->d_name);
		any = true;
	}
	closedir(kvm);
	advise(failure, any ? "\n" : "No process has a VM.\n");
}

/*
 * Returns a descriptor that becomes readable when the process ends, the caller's
 * to close; or -1 and a reason.  *pid becomes that of the process of a thread.
 */
static int open_process(const struct watch_options *options, pid_t *pid,
			struct failure *failure)
{
	char path[64], value[32];
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", options->pid);
	if (sysfile_value(path, "Tgid", value, sizeof(value))) {
		*pid = atoi(value);
		fd = syscall(SYS_pidfd_open, *pid, 0);
		if (fd < 0 && errno != ESRCH)
			return fail_errno(failure, errno, "pidfd_open");
	}
	if (fd >= 0)
		return fd;
	fail_unavailable(failure, "there is no process %d", options->pid);
	advise_other_processes(options, failure);
	return -1;
}

/* Whether its VMs show their jobs in debugfs; with the stock modules they do not. */
static int check_vms(const struct watch_options *options,
		     const struct snapshot *snapshot, struct failure *failure)
{
	unsigned int i;
	int kvm_fd, ret;

	if (!snapshot->nr_vms) {
		fail_unavailable(failure, "process %d has no VM", options->pid);
		advise_other_processes(options, failure);
		return -1;
	}
	for (i = 0; i < snapshot->nr_vms; i++)
		if (snapshot->vms[i].has_files)
			return 0;
	kvm_fd = kvm_open(failure);
	if (kvm_fd < 0)
		return -1;
	ret = map_memory_check(kvm_fd, KVM_MAP_MEMORY_FEATURE_BATCH, failure);
	close(kvm_fd);
	return ret;
}

static void print(const struct watch_options *options,
		  const struct snapshot *now, const struct snapshot *before)
{
	switch (options->form) {
	case WATCH_LINES:
		watch_print_lines(now, before);
		break;
	case WATCH_BARS:
		watch_print_bars(now);
		break;
	case WATCH_JSON:
		watch_print_json(now);
		break;
	}
	fflush(stdout);
}

/* Returns whether the process has ended. */
static bool wait_interval(const struct watch_options *options, int process)
{
	struct pollfd pollfd = { .fd = process, .events = POLLIN };

	return poll(&pollfd, 1, options->interval * 1000) > 0;
}

static void print_end(const struct watch_options *options, bool has_ended)
{
	if (options->form == WATCH_JSON)
		return;
	printf("process %d has %s\n", options->pid,
	       has_ended ? "ended" : "no VM any more");
}

static int watch_process(const struct watch_options *options, int process,
			 pid_t pid, struct failure *failure)
{
	const struct snapshot nothing = {};
	struct snapshot now = {}, before = {};
	int ret;

	ret = snapshot_read(&now, options->debugfs, pid, failure);
	if (!ret)
		ret = check_vms(options, &now, failure);
	if (!ret && !options->once)
		print(options, &now, &nothing);
	/* A process may live longer than its VMs. */
	while (!ret && now.nr_vms) {
		if (wait_interval(options, process)) {
			print_end(options, true);
			break;
		}
		snapshot_free(&before);
		before = now;
		ret = snapshot_read(&now, options->debugfs, pid, failure);
		if (ret)
			break;
		snapshot_set_rates(&now, &before);
		print(options, &now, options->once ? &nothing : &before);
		if (!now.nr_vms)
			print_end(options, false);
		if (options->once)
			break;
	}
	snapshot_free(&before);
	snapshot_free(&now);
	return ret;
}

static int watch(int argc, char **argv)
{
	struct watch_options options;
	struct failure failure;
	int process, ret;
	pid_t pid;

	parse_options(&options, argc, argv);
	process = open_process(&options, &pid, &failure);
	if (process < 0)
		return print_failure(&failure);
	ret = watch_process(&options, process, pid, &failure);
	close(process);
	if (!ret && ferror(stdout))
		ret = fail(&failure, "stdout: cannot be written");
	return ret ? print_failure(&failure) : EXIT_DONE;
}

static void print_exit_status(void)
{
	puts("\nExit status: 0 when the process or its last VM has ended, or with --once; 1 when\n"
	     "a file cannot be read; 2 for wrong usage, and when there is no such process, no\n"
	     "VM in it, no debugfs, or no KVM_MAP_MEMORY.");
}

const struct command cmd_watch = {
	.name = "watch",
	.arguments = "[OPTION...] PID",
	.summary = "show the progress of the running jobs of a process' VMs",
	.description =
"Shows the running jobs of each VM that the process has created: bytes done, rate,\n"
"threads and time left; until the process ends.  On a terminal there is a bar for\n"
"each job, else a line with each read.  Reads debugfs, as root.\n",
	.options = option_table,
	.print_more = print_exit_status,
	.main = watch,
};
