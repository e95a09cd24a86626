// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include "json.h"
#include "watch.h"

/* null stands for a negative number, which is not known. */
static void print_number(const char *name, double number)
{
	if (number < 0)
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": %.3f", name, number);
}

static void print_values(const char * const *names, const uint64_t *values,
			 unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		printf("%s\"%s\": %llu", i ? ", " : "", names[i],
		       (unsigned long long)values[i]);
}

static void print_vm(const struct vm_jobs *vm, double seconds)
{
	unsigned int i;

	printf("{\"seconds\": %.3f, \"vm\": ", seconds);
	json_string(stdout, vm->name);
	printf(", \"counters\": {");
	print_values(vm_counter_names, vm->counters, VM_COUNTERS);
	printf("}, \"jobs\": [");
	for (i = 0; i < vm->nr_jobs; i++) {
		const struct vm_job *job = &vm->jobs[i];

		printf(i ? ", {" : "{");
		print_values(vm_job_columns, job->values, JOB_COLUMNS);
		print_number("bytes_per_second", job->bytes_per_second);
		print_number("seconds_left", vm_job_seconds_left(job));
		putchar('}');
	}
	puts("]}");
}

void watch_print_json(const struct snapshot *now)
{
	unsigned int i;

	for (i = 0; i < now->nr_vms; i++)
		print_vm(&now->vms[i], now->seconds);
}
