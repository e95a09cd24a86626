// SPDX-License-Identifier: MIT
/*
 * The policy of the threads that map, seen while one of them waits for a page.  The
 * arguments are paths.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sched.h>

#include "session_paths.h"

#define SIZE	(4 * MIB)

/* How many threads of this process have the policy. */
static int count_idle(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int nr = 0, tid;

	if (!tasks)
		bail_out("/proc/self/task");
	while ((entry = readdir(tasks))) {
		tid = atoi(entry->d_name);
		nr += tid && sched_getscheduler(tid) == SCHED_IDLE;
	}
	closedir(tasks);
	return nr;
}

static void run(__u32 flags, int background)
{
	struct kvm_prefault_session *session;
	int gate;

	path_begin(SIZE, SIZE, 2);
	options.flags = flags;
	gate = gate_new(memory, SIZE);
	if (gate < 0)
		bail_out("no userfaultfd");
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	gate_wait(gate, memory);
	ok(!!count_idle() == background,
	   background ? "in the background" : "not in the background");
	gate_open(gate, memory, SIZE);
	ok(!kvm_prefault_session_wait(session, DEADLINE_MS), "it ends");
	must(kvm_prefault_session_destroy(session), "destroy");
	/* A thread that was joined can still be on its way out. */
	while (count_idle())
		sched_yield();
	path_end(SIZE);
}

static void test_background(void)
{
	run(KVM_PREFAULT_SESSION_BACKGROUND, 1);
}

static void test_foreground(void)
{
	run(0, 0);
}

int main(int argc, char **argv)
{
	static void (*const tests_of_path[])(void) = {
		test_background, test_foreground, NULL
	};

	return run_on_paths(argc, argv, tests_of_path);
}
