// SPDX-License-Identifier: GPL-2.0
/* Reads the files of debugfs; names that are not known here are skipped. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "debugfs.h"
#include "vm_jobs.h"

/* A file may have more columns than are known here. */
#define MAX_COLUMNS 64

/* The index of a name, or -1. */
static int find_name(const char * const *names, unsigned int nr,
		     const char *name)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

static int parse_counters(FILE *file, struct vm_jobs *vm)
{
	unsigned long long value;
	char name[64];
	int ret, i;

	while ((ret = fscanf(file, "%63s %llu", name, &value)) == 2) {
		i = find_name(vm_counter_names, VM_COUNTERS, name);
		if (i >= 0)
			vm->counters[i] = value;
	}
	return ret == EOF ? 0 : -1;
}

/* Where each column of the file goes: an index, or -1.  Returns how many. */
static int parse_head(char *line, int *columns)
{
	char *rest, *word = strtok_r(line, " \t\n", &rest);
	unsigned int known = 0;
	int nr = 0;

	for (; word && nr < MAX_COLUMNS; nr++) {
		columns[nr] = find_name(vm_job_columns, JOB_COLUMNS, word);
		known += columns[nr] >= 0;
		word = strtok_r(NULL, " \t\n", &rest);
	}
	return known == JOB_COLUMNS && !word ? nr : -1;
}

static int parse_job(char *line, const int *columns, int nr,
		     struct vm_job *job)
{
	char *rest, *word, *end;
	int i;

	job->bytes_per_second = -1;
	for (i = 0; i < nr; i++) {
		word = strtok_r(i ? NULL : line, " \t\n", &rest);
		if (!word)
			return -1;
		/* What a column not known here has need not be a number. */
		if (columns[i] < 0)
			continue;
		job->values[columns[i]] = strtoull(word, &end, 10);
		if (!isdigit(*word) || *end)
			return -1;
	}
	return 0;
}

static int parse_jobs(FILE *file, struct vm_jobs *vm)
{
	int columns[MAX_COLUMNS], nr = 0, ret = -1;
	char *line = NULL;
	size_t size = 0;

	if (getline(&line, &size, file) > 0)
		nr = parse_head(line, columns);
	if (nr > 0)
		ret = 0;
	while (!ret && getline(&line, &size, file) > 0) {
		struct vm_job *jobs = reallocarray(vm->jobs, vm->nr_jobs + 1,
						   sizeof(*jobs));

		if (!jobs) {
			ret = -1;
			break;
		}
		vm->jobs = jobs;
		ret = parse_job(line, columns, nr, &jobs[vm->nr_jobs]);
		vm->nr_jobs += !ret;
	}
	free(line);
	return ret;
}

static int not_understood(const char *path, struct failure *failure)
{
	fail(failure, "%.200s: not as this version of kvm-prefault expects it",
	     path);
	advise(failure,
	       "Use the command of the version that the KVM modules are of.\n");
	return -1;
}

/* Takes the file's content if there is the file. */
static int read_file(struct vm_jobs *vm, const char *directory,
		     const char *name,
		     int (*parse)(FILE *file, struct vm_jobs *vm),
		     struct failure *failure)
{
	char path[4096];
	FILE *file;
	int ret;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file && errno == ENOENT)
		return 0;
	if (!file)
		return fail_errno(failure, errno, path);
	ret = parse(file, vm);
	fclose(file);
	/* A file of a VM that has ended meanwhile is empty. */
	if (ret < 0 && !access(path, F_OK))
		return not_understood(path, failure);
	vm->has_files = !ret;
	return 0;
}

static int read_vm(struct vm_jobs *vm, const char *directory,
		   struct failure *failure)
{
	if (read_file(vm, directory, "map_memory", parse_counters, failure) < 0)
		return -1;
	return read_file(vm, directory, "map_memory_jobs", parse_jobs, failure);
}

/* The directories are named after the thread that has created the VM. */
static bool is_of_process(const char *name, pid_t pid)
{
	int thread, length = 0;
	char path[64];

	if (sscanf(name, "%d-%*d%n", &thread, &length) != 1 || !length ||
	    name[length])
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, thread);
	return !access(path, F_OK);
}

static int add_vm(struct snapshot *snapshot, const char *debugfs,
		  const char *name, struct failure *failure)
{
	struct vm_jobs *vms = reallocarray(snapshot->vms, snapshot->nr_vms + 1,
					   sizeof(*vms));
	char directory[4096];

	if (!vms)
		return fail_errno(failure, ENOMEM, name);
	snapshot->vms = vms;
	vms += snapshot->nr_vms++;
	memset(vms, 0, sizeof(*vms));
	snprintf(vms->name, sizeof(vms->name), "%.31s", name);
	snprintf(directory, sizeof(directory), "%s/kvm/%s", debugfs, name);
	return read_vm(vms, directory, failure);
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(((const struct vm_jobs *)a)->name,
			  ((const struct vm_jobs *)b)->name);
}

int snapshot_read(struct snapshot *snapshot, const char *debugfs, pid_t pid,
		  struct failure *failure)
{
	const struct dirent *entry;
	DIR *kvm;
	int ret = 0;

	memset(snapshot, 0, sizeof(*snapshot));
	kvm = debugfs_open(debugfs, failure);
	if (!kvm)
		return -1;
	snapshot->seconds = clock_seconds();
	while (!ret && (entry = readdir(kvm)))
		if (is_of_process(entry->d_name, pid))
			ret = add_vm(snapshot, debugfs, entry->d_name, failure);
	closedir(kvm);
	if (snapshot->nr_vms)
		qsort(snapshot->vms, snapshot->nr_vms, sizeof(*snapshot->vms),
		      compare_names);
	return ret;
}

void snapshot_free(struct snapshot *snapshot)
{
	unsigned int i;

	for (i = 0; i < snapshot->nr_vms; i++)
		free(snapshot->vms[i].jobs);
	free(snapshot->vms);
	snapshot->vms = NULL;
	snapshot->nr_vms = 0;
}
