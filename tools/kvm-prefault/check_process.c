// SPDX-License-Identifier: GPL-2.0
/* Limits of this process: io_uring, threads, memory, CPUs. */
#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "cgroup.h"
#include "check.h"
#include "io_uring_check.h"
#include "sysfile.h"
#include "units.h"

static void check_io_uring(struct checks *checks)
{
	struct failure failure;

	if (io_uring_check(&failure) < 0)
		check_add_failure(checks, CHECK_PROCESS, "io_uring",
				  CHECK_MISSING, &failure);
	else
		check_add(checks, CHECK_PROCESS, "io_uring", CHECK_OK,
			  "this process may use it");
}

static int online_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static int allowed_cpus(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return online_cpus();
	return CPU_COUNT(&cpus);
}

static void check_cpus(struct checks *checks)
{
	int online = online_cpus(), allowed = allowed_cpus();
	struct check_row *row;

	row = check_add(checks, CHECK_PROCESS, "cpus",
			allowed < online ? CHECK_LIMITED : CHECK_OK,
			"%d of %d online", allowed, online);
	if (allowed < online)
		advise(&row->text,
		       "A job gets as many threads by default, and they run on these CPUs only: see\n"
		       "taskset, and cpuset.cpus of the control group.\n");
}

/* Helpers of a job with the default number of workers. */
static unsigned int helpers(void)
{
	return allowed_cpus() - 1;
}

/* Threads of all processes of this user. */
static unsigned long long user_threads(void)
{
	DIR *proc = opendir("/proc");
	unsigned long long threads = 0;
	const struct dirent *entry;
	char path[300], value[64];

	if (!proc)
		return 0;
	while ((entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/status", entry->d_name);
		/* Its first number is the real user, which the limit is for. */
		if (atoi(entry->d_name) <= 0 ||
		    !sysfile_value(path, "Uid", value, sizeof(value)) ||
		    strtoul(value, NULL, 10) != getuid())
			continue;
		sysfile_value(path, "Threads", value, sizeof(value));
		threads += strtoull(value, NULL, 10);
	}
	closedir(proc);
	return threads;
}

static void check_nproc(struct checks *checks)
{
	unsigned long long used, most;
	struct check_row *row;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY ||
	    !getuid()) {
		check_add(checks, CHECK_PROCESS, "nproc", CHECK_OK,
			  "no limit%s", getuid() ? "" : " for root");
		return;
	}
	used = user_threads();
	most = limit.rlim_cur;
	row = check_add(checks, CHECK_PROCESS, "nproc", CHECK_OK,
			"%llu of %llu threads in use", used, most);
	if (used + helpers() <= most)
		return;
	row->state = CHECK_LIMITED;
	advise(&row->text,
	       "Jobs run with fewer threads: raise the limit (ulimit -u, LimitNPROC= of systemd).\n");
}

static void check_pids(struct checks *checks)
{
	struct cgroup_limit limit;
	struct check_row *row;

	if (!cgroup_least_room("pids.max", "pids.current", &limit)) {
		check_add(checks, CHECK_PROCESS, "pids.max", CHECK_OK,
			  "no limit");
		return;
	}
	row = check_add(checks, CHECK_PROCESS, "pids.max", CHECK_OK,
			"room for %llu more threads",
			(unsigned long long)limit.room);
	if (limit.room >= helpers())
		return;
	row->state = CHECK_LIMITED;
	advise(&row->text,
	       "Jobs run with fewer threads: raise %s (TasksMax= of systemd).\n",
	       limit.path);
}

static void check_memory_high(struct checks *checks)
{
	struct cgroup_limit limit;
	struct check_row *row;

	if (!cgroup_least_room("memory.high", NULL, &limit)) {
		check_add(checks, CHECK_PROCESS, "memory.high", CHECK_OK,
			  "no limit");
		return;
	}
	row = check_add(checks, CHECK_PROCESS, "memory.high", CHECK_LIMITED,
			"%llu MiB", (unsigned long long)(limit.room / MIB));
	advise(&row->text,
	       "Jobs that exceed it are slowed down: set it above the size of the guest in\n"
	       "%s (MemoryHigh= of systemd).\n", limit.path);
}

void check_process(struct checks *checks)
{
	check_io_uring(checks);
	check_cpus(checks);
	check_nproc(checks);
	check_pids(checks);
	check_memory_high(checks);
}
