/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The jobs of a process' VMs, from debugfs: in the directory of a VM, map_memory has a
 * line "NAME VALUE" for each counter, and map_memory_jobs a line of column names and a
 * line of numbers for each running job.
 */
#ifndef VM_JOBS_H
#define VM_JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "failure.h"

/* The lines of map_memory; vm_counter_names has their names. */
enum vm_counter {
	VM_JOBS_RUNNING,
	VM_JOBS_DONE,
	VM_BYTES_MAPPED,
	VM_BYTES_PRESENT,
	VM_BYTES_SKIPPED,
	VM_HELPERS,
	VM_ERRORS_EINTR,
	VM_ERRORS_ECANCELED,
	VM_ERRORS_EAGAIN,
	VM_ERRORS_ENOMEM,
	VM_ERRORS_EFAULT,
	VM_ERRORS_OTHER,
	VM_COUNTERS,
};

/* The columns of map_memory_jobs; vm_job_columns has their names. */
enum vm_job_column {
	/* A number that no other job on the host has. */
	JOB_NUMBER,
	JOB_WORKERS,
	JOB_MAX_WORKERS,
	JOB_BYTES_MAPPED,
	JOB_BYTES_PRESENT,
	JOB_BYTES_SKIPPED,
	JOB_BYTES_TOTAL,
	JOB_COLUMNS,
};

extern const char * const vm_counter_names[VM_COUNTERS];
extern const char * const vm_job_columns[JOB_COLUMNS];

struct vm_job {
	uint64_t values[JOB_COLUMNS];
	/* From two snapshots; negative if there are no two of this job. */
	double bytes_per_second;
};

struct vm_jobs {
	/* The directory's name, PID-FD. */
	char name[32];
	/* Whether the VM has these files; the rest is 0 if not. */
	bool has_files;
	uint64_t counters[VM_COUNTERS];
	unsigned int nr_jobs;
	struct vm_job *jobs;
};

struct snapshot {
	/* Of the monotonic clock. */
	double seconds;
	unsigned int nr_vms;
	struct vm_jobs *vms;
};

/*
 * Reads the VMs that threads of the process have created, from the directory where
 * debugfs is mounted.  0, or -1 and a reason; snapshot_free() may follow either.
 */
int snapshot_read(struct snapshot *snapshot, const char *debugfs, pid_t pid,
		  struct failure *failure);
void snapshot_free(struct snapshot *snapshot);
/* Sets the rates of its jobs that ran before as well. */
void snapshot_set_rates(struct snapshot *snapshot,
			const struct snapshot *before);
/* NULL if there is none of that name. */
const struct vm_jobs *snapshot_find_vm(const struct snapshot *snapshot,
				       const char *name);
const struct vm_job *vm_find_job(const struct vm_jobs *vm, uint64_t number);
/* Bytes that need no more work: mapped, present or skipped. */
uint64_t vm_job_bytes_done(const struct vm_job *job);
/* Seconds until the job has done its bytes at this rate; negative if unknown. */
double vm_job_seconds_left(const struct vm_job *job);

#endif
