// SPDX-License-Identifier: GPL-2.0
#include <sys/stat.h>

#include "test_util.h"

#include "cgroup.h"
#include "host_files.h"
#include "host_state.h"

#define CGROUP_ROOT	"/sys/fs/cgroup"

static bool write_file(const char *dir, const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return file_write(path, text);
}

static FILE *open_file(const struct cgroup *cgroup, const char *file)
{
	char path[256];
	FILE *opened;

	snprintf(path, sizeof(path), "%s/%s", cgroup->path, file);
	opened = fopen(path, "r");
	TEST_ASSERT(opened, "Cannot open %s", path);
	return opened;
}

bool cgroup_create(struct cgroup *cgroup, const char *name,
		   const char *controllers)
{
	snprintf(cgroup->path, sizeof(cgroup->path), CGROUP_ROOT "/%s", name);
	return write_file(CGROUP_ROOT, "cgroup.subtree_control", controllers) &&
	       (!mkdir(cgroup->path, 0755) || errno == EEXIST);
}

void cgroup_destroy(struct cgroup *cgroup)
{
	TEST_ASSERT(wait_until(!rmdir(cgroup->path)), "%s stays: %s", cgroup->path,
		    strerror(errno));
}

static void move(const char *path, const char *file, pid_t id)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", id);
	TEST_ASSERT(write_file(path, file, text), "%s/%s does not take %d: %s", path,
		    file, id, strerror(errno));
}

void cgroup_enter(const struct cgroup *cgroup, pid_t pid)
{
	move(cgroup ? cgroup->path : CGROUP_ROOT, "cgroup.procs", pid);
}

void cgroup_enter_thread(const struct cgroup *cgroup, pid_t tid)
{
	move(cgroup->path, "cgroup.threads", tid);
}

bool cgroup_has_thread(const struct cgroup *cgroup, pid_t tid)
{
	FILE *file = open_file(cgroup, "cgroup.threads");
	bool found = false;
	int id;

	while (!found && fscanf(file, "%d", &id) == 1)
		found = id == tid;
	fclose(file);
	return found;
}

void cgroup_set(const struct cgroup *cgroup, const char *file, const char *value)
{
	TEST_ASSERT(write_file(cgroup->path, file, value), "%s/%s does not take %s: %s",
		    cgroup->path, file, value, strerror(errno));
}

uint64_t cgroup_get(const struct cgroup *cgroup, const char *name,
		    const char *key)
{
	FILE *file = open_file(cgroup, name);
	bool found = false;
	char this_key[64];
	uint64_t value;

	while (!found && fscanf(file, "%63s %lu", this_key, &value) == 2)
		found = !strcmp(this_key, key);
	fclose(file);
	TEST_ASSERT(found, "%s/%s has no %s", cgroup->path, name, key);
	return value;
}
