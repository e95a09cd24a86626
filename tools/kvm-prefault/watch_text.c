// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "bar.h"
#include "units.h"
#include "watch.h"

static unsigned long long mebibytes(uint64_t bytes)
{
	return bytes / MIB;
}

/* The time left, or "" if it is unknown. */
static const char *describe_left(const struct vm_job *job, char *text,
				 size_t size)
{
	double left = vm_job_seconds_left(job);

	if (left < 0)
		text[0] = '\0';
	else if (left < 100)
		snprintf(text, size, ", %.0f s left", left);
	else
		snprintf(text, size, ", %.0f min left", left / 60);
	return text;
}

/* The bar goes behind the job's number; it may be "". */
static void describe_job(const struct vm_jobs *vm, const struct vm_job *job,
			 const char *bar, char *text, size_t size)
{
	const uint64_t *values = job->values;
	uint64_t done = vm_job_bytes_done(job);
	char rate[32] = "-", left[32];

	if (job->bytes_per_second >= 0)
		snprintf(rate, sizeof(rate), "%.0f",
			 job->bytes_per_second / MIB);
	snprintf(text, size,
		 "VM %s, job %llu: %s%s%llu of %llu MiB (%u %%), %s MiB/s, %llu of %llu threads%s",
		 vm->name, (unsigned long long)values[JOB_NUMBER], bar, *bar ? " " : "",
		 mebibytes(done), mebibytes(values[JOB_BYTES_TOTAL]),
		 bar_percent(done, values[JOB_BYTES_TOTAL]), rate,
		 (unsigned long long)values[JOB_WORKERS],
		 (unsigned long long)values[JOB_MAX_WORKERS],
		 describe_left(job, left, sizeof(left)));
}

static void describe_idle(const struct vm_jobs *vm, char *text, size_t size)
{
	const uint64_t *counters = vm->counters;

	if (!counters[VM_JOBS_DONE])
		snprintf(text, size, "VM %s: no job so far", vm->name);
	else
		snprintf(text, size,
			 "VM %s: no job is running, %llu done, %llu MiB mapped, %llu helpers",
			 vm->name, (unsigned long long)counters[VM_JOBS_DONE],
			 mebibytes(counters[VM_BYTES_MAPPED]),
			 (unsigned long long)counters[VM_HELPERS]);
}

static void print_ended_jobs(const struct vm_jobs *vm,
			     const struct vm_jobs *before)
{
	unsigned int i;

	for (i = 0; i < before->nr_jobs; i++) {
		uint64_t number = before->jobs[i].values[JOB_NUMBER];

		if (!vm_find_job(vm, number))
			printf("VM %s, job %llu: ended\n", vm->name,
			       (unsigned long long)number);
	}
}

/* An idle VM is worth a line when it becomes idle, and not with each read. */
static bool was_idle(const struct vm_jobs *vm, const struct vm_jobs *before)
{
	return before && !before->nr_jobs &&
	       before->counters[VM_JOBS_DONE] == vm->counters[VM_JOBS_DONE];
}

static void print_lines(const struct vm_jobs *vm, const struct vm_jobs *before)
{
	unsigned int i;
	char text[512];

	if (before)
		print_ended_jobs(vm, before);
	for (i = 0; i < vm->nr_jobs; i++) {
		describe_job(vm, &vm->jobs[i], "", text, sizeof(text));
		puts(text);
	}
	if (vm->nr_jobs || was_idle(vm, before))
		return;
	describe_idle(vm, text, sizeof(text));
	puts(text);
}

void watch_print_lines(const struct snapshot *now,
		       const struct snapshot *before)
{
	unsigned int i;

	for (i = 0; i < now->nr_vms; i++)
		print_lines(&now->vms[i],
			    snapshot_find_vm(before, now->vms[i].name));
}

static void print_row(const char *text, int columns)
{
	/* A line that wraps could not be written over. */
	printf("%.*s\n", columns - 1, text);
}

void watch_print_bars(const struct snapshot *now)
{
	static unsigned int rows;
	int columns = bar_columns(STDOUT_FILENO);
	unsigned int i, k;
	char text[512], bar[BAR_TEXT_SIZE];

	/* Over the rows of the last time. */
	if (rows)
		printf("\033[%uA\r\033[J", rows);
	rows = 0;
	for (i = 0; i < now->nr_vms; i++) {
		const struct vm_jobs *vm = &now->vms[i];

		for (k = 0; k < vm->nr_jobs; k++, rows++) {
			const struct vm_job *job = &vm->jobs[k];

			bar_draw(bar, vm_job_bytes_done(job),
				 job->values[JOB_BYTES_TOTAL]);
			describe_job(vm, job, bar, text, sizeof(text));
			print_row(text, columns);
		}
		if (vm->nr_jobs)
			continue;
		describe_idle(vm, text, sizeof(text));
		print_row(text, columns);
		rows++;
	}
}
