// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cgroup.h"
#include "sysfile.h"

/* Where the hierarchy of version 2 is mounted. */
static bool find_mount(char *directory, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	bool found = false;

	if (!mounts)
		return false;
	while (!found && (mount = getmntent(mounts))) {
		found = !strcmp(mount->mnt_type, "cgroup2");
		if (found)
			snprintf(directory, size, "%s", mount->mnt_dir);
	}
	endmntent(mounts);
	return found;
}

static void lower(struct cgroup_limit *limit, const char *directory,
		  const char *file, const char *usage)
{
	struct cgroup_limit other;
	uint64_t used = 0;
	char text[32];

	snprintf(other.path, sizeof(other.path), "%.400s/%s", directory, file);
	/* The word "max" stands for no limit; the root has no such file. */
	if (!sysfile_line(other.path, text, sizeof(text)) || !isdigit(*text))
		return;
	other.room = strtoull(text, NULL, 10);
	if (usage) {
		char path[512];

		snprintf(path, sizeof(path), "%.400s/%s", directory, usage);
		used = sysfile_number(path, 0);
	}
	other.room -= used < other.room ? used : other.room;
	if (!*limit->path || other.room < limit->room)
		*limit = other;
}

bool cgroup_least_room(const char *file, const char *usage,
		       struct cgroup_limit *limit)
{
	char directory[400], group[256];
	size_t root;

	limit->path[0] = '\0';
	if (!find_mount(directory, sizeof(directory) - sizeof(group)) ||
	    !sysfile_value("/proc/self/cgroup", "0:", group, sizeof(group)))
		return false;
	root = strlen(directory);
	snprintf(directory + root, sizeof(directory) - root, "%s",
		 strcmp(group, "/") ? group : "");
	lower(limit, directory, file, usage);
	while (strlen(directory) > root) {
		*strrchr(directory, '/') = '\0';
		lower(limit, directory, file, usage);
	}
	return *limit->path;
}
