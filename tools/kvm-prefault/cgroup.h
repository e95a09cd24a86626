/* SPDX-License-Identifier: GPL-2.0 */
/* Limits of the control groups (v2) that this process is in. */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup_limit {
	/* The file's value less that of the other, or 0. */
	uint64_t room;
	/* The file that says so. */
	char path[512];
};

/*
 * The least that a limit such as "pids.max" leaves, in this process' own group or
 * one above it; usage is the file to subtract, such as "pids.current", or NULL.
 * Returns false if there is no limit.
 */
bool cgroup_least_room(const char *file, const char *usage,
		       struct cgroup_limit *limit);

#endif
