// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cgroup.h"
#include "sysfile.h"

#define ROOT		"/sys/fs/cgroup/"
#define CGROUP		ROOT "kvm-bench/"

static int write_text(const char *path, const char *text,
		      struct failure *failure)
{
	int ret = sysfile_write(path, text);

	if (ret < 0)
		return fail_unavailable(failure, "%s: %s", path,
					strerror(-ret));
	return 0;
}

int cgroup_enter(struct failure *failure)
{
	if (!access(CGROUP "memory.stat", F_OK))
		return 0;
	if (write_text(ROOT "cgroup.subtree_control", "+memory", failure) < 0)
		return -1;
	if (mkdir(CGROUP, 0755) < 0 && errno != EEXIST)
		return fail_unavailable(failure, "%s: %s", CGROUP,
					strerror(errno));
	/* 0 is the process that writes. */
	return write_text(CGROUP "cgroup.procs", "0", failure);
}

static int64_t bytes_of(const char *key)
{
	char value[64];

	if (!sysfile_value(CGROUP "memory.stat", key, value, sizeof(value)))
		return -1;
	return strtoll(value, NULL, 10);
}

int cgroup_read(struct cgroup_memory *memory, struct failure *failure)
{
	memory->kernel = bytes_of("kernel");
	memory->kernel_stack = bytes_of("kernel_stack");
	memory->slab = bytes_of("slab");
	if (memory->kernel < 0 || memory->kernel_stack < 0 ||
	    memory->slab < 0)
		return fail_unavailable(failure,
			"no kernel memory in " CGROUP "memory.stat");
	return 0;
}
