/* SPDX-License-Identifier: GPL-2.0 */
/* Control groups (version 2) for a VMM to run in. */
#ifndef SELFTESTS_CGROUP_H
#define SELFTESTS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroup {
	char path[128];
};

/* With @controllers, such as "+cpu +pids" or ""; false if they are missing. */
bool cgroup_create(struct cgroup *cgroup, const char *name,
		   const char *controllers);
/* Removes a cgroup that is empty, or will be soon. */
void cgroup_destroy(struct cgroup *cgroup);

/* Moves all threads of process @pid; NULL stands for the root. */
void cgroup_enter(const struct cgroup *cgroup, pid_t pid);
/* Moves thread @tid alone, into a cgroup whose type is "threaded". */
void cgroup_enter_thread(const struct cgroup *cgroup, pid_t tid);
/* Whether thread @tid is in it. */
bool cgroup_has_thread(const struct cgroup *cgroup, pid_t tid);

void cgroup_set(const struct cgroup *cgroup, const char *file, const char *value);
/* The number behind @key in a file of keys and values. */
uint64_t cgroup_get(const struct cgroup *cgroup, const char *file,
		    const char *key);

#endif /* SELFTESTS_CGROUP_H */
