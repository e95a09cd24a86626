// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include "vm_jobs.h"

const char * const vm_counter_names[] = {
	[VM_JOBS_RUNNING] = "jobs_running",
	[VM_JOBS_DONE] = "jobs_done",
	[VM_BYTES_MAPPED] = "bytes_mapped",
	[VM_BYTES_PRESENT] = "bytes_present",
	[VM_BYTES_SKIPPED] = "bytes_skipped",
	[VM_HELPERS] = "helpers",
	[VM_ERRORS_EINTR] = "errors_eintr",
	[VM_ERRORS_ECANCELED] = "errors_ecanceled",
	[VM_ERRORS_EAGAIN] = "errors_eagain",
	[VM_ERRORS_ENOMEM] = "errors_enomem",
	[VM_ERRORS_EFAULT] = "errors_efault",
	[VM_ERRORS_OTHER] = "errors_other",
};

const char * const vm_job_columns[] = {
	[JOB_NUMBER] = "job",
	[JOB_WORKERS] = "workers",
	[JOB_MAX_WORKERS] = "max_workers",
	[JOB_BYTES_MAPPED] = "bytes_mapped",
	[JOB_BYTES_PRESENT] = "bytes_present",
	[JOB_BYTES_SKIPPED] = "bytes_skipped",
	[JOB_BYTES_TOTAL] = "bytes_total",
};

const struct vm_jobs *snapshot_find_vm(const struct snapshot *snapshot,
				       const char *name)
{
	unsigned int i;

	for (i = 0; i < snapshot->nr_vms; i++)
		if (!strcmp(snapshot->vms[i].name, name))
			return &snapshot->vms[i];
	return NULL;
}

const struct vm_job *vm_find_job(const struct vm_jobs *vm, uint64_t number)
{
	unsigned int i;

	for (i = 0; i < vm->nr_jobs; i++)
		if (vm->jobs[i].values[JOB_NUMBER] == number)
			return &vm->jobs[i];
	return NULL;
}

uint64_t vm_job_bytes_done(const struct vm_job *job)
{
	return job->values[JOB_BYTES_MAPPED] + job->values[JOB_BYTES_PRESENT] +
	       job->values[JOB_BYTES_SKIPPED];
}

double vm_job_seconds_left(const struct vm_job *job)
{
	uint64_t done = vm_job_bytes_done(job);
	uint64_t total = job->values[JOB_BYTES_TOTAL];

	if (job->bytes_per_second <= 0 || done > total)
		return -1;
	return (total - done) / job->bytes_per_second;
}

static void set_rates(struct vm_jobs *vm, const struct vm_jobs *before,
		      double seconds)
{
	unsigned int i;

	for (i = 0; i < vm->nr_jobs; i++) {
		struct vm_job *job = &vm->jobs[i];
		const struct vm_job *then;

		then = vm_find_job(before, job->values[JOB_NUMBER]);
		if (!then || vm_job_bytes_done(then) > vm_job_bytes_done(job))
			continue;
		job->bytes_per_second = (vm_job_bytes_done(job) -
					 vm_job_bytes_done(then)) / seconds;
	}
}

void snapshot_set_rates(struct snapshot *snapshot,
			const struct snapshot *before)
{
	double seconds = snapshot->seconds - before->seconds;
	unsigned int i;

	if (seconds <= 0)
		return;
	for (i = 0; i < snapshot->nr_vms; i++) {
		struct vm_jobs *vm = &snapshot->vms[i];
		const struct vm_jobs *then;

		then = snapshot_find_vm(before, vm->name);
		if (then)
			set_rates(vm, then, seconds);
	}
}
