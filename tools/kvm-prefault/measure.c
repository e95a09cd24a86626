// SPDX-License-Identifier: GPL-2.0
#include <sched.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "guest_ranges.h"
#include "measure.h"
#include "median.h"

static unsigned int default_workers(void)
{
	cpu_set_t cpus;
	int nr = 1;

	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		nr = CPU_COUNT(&cpus);
	return nr < VM_MAX_VCPUS ? nr : VM_MAX_VCPUS;
}

static enum progress_mode progress_mode(const struct run_options *options)
{
	if (options->quiet)
		return PROGRESS_NONE;
	if (isatty(STDERR_FILENO))
		return PROGRESS_LINE;
	return options->progress ? PROGRESS_LOG : PROGRESS_NONE;
}

static int prepare_memory(struct guest *guest, const struct result *result,
			  const struct run_options *options, struct sample *sample,
			  struct failure *failure)
{
	struct preparation preparation = {
		.guest = guest,
		.base = GUEST_MEMORY_BASE,
		.host = guest->memory.host,
		.bytes = guest->memory.bytes,
		.ranges = result->set_alone ? result->ranges : NULL,
		.nr_ranges = result->nr_ranges,
		.page_size = result->kind->page_size,
		.workers_asked = options->workers,
		.workers = options->workers ? options->workers :
					      default_workers(),
	};
	struct progress progress;
	double start;
	int ret;

	progress_start(&progress, progress_mode(options), result->method->name,
		       result->kind->name, &guest->vm, result->prepared_bytes);
	start = clock_seconds();
	ret = result->method->prepare(&preparation, failure);
	sample->prepare_seconds = clock_seconds() - start;
	progress_stop(&progress);
	vm_count_pages(&guest->vm, &sample->pages);
	sample->workers = preparation.workers_used;
	sample->counted = preparation.counted;
	sample->bytes_mapped = preparation.bytes_mapped;
	sample->bytes_present = preparation.bytes_present;
	return ret;
}

/*
 * The few pages of the guest's program, by the same method: whatever faults
 * then remain are the method's.  Last, so that the threads and the ring of what
 * is measured are new.
 */
static int prepare_program(struct guest *guest, const struct method *method,
			   struct failure *failure)
{
	struct preparation preparation = {
		.guest = guest,
		.base = 0,
		.host = guest->program.host,
		.bytes = guest->program.bytes,
		.page_size = guest->program.bytes,
		.workers_asked = 1,
		.workers = 1,
	};

	return method->prepare(&preparation, failure);
}

static int run_guest(struct guest *guest, struct sample *sample,
		     struct failure *failure)
{
	if (guest_write_pages(guest, &sample->guest_seconds, failure) < 0)
		return -1;
	sample->faults_during = vm_faults(&guest->vm) - sample->faults_before;
	return guest_check_pages(guest, failure);
}

static int run_over_set(struct guest_ranges *pass, struct sample *sample,
			struct failure *failure)
{
	if (guest_ranges_write(pass, &sample->guest_seconds,
			       &sample->faults_during, failure) < 0)
		return -1;
	return guest_ranges_check(pass, failure);
}

static int create_vcpus(struct guest *guest, const struct method *method,
			const struct run_options *options,
			struct failure *failure)
{
	if (!method->needs_vcpus)
		return 0;
	return vm_create_vcpus(&guest->vm, options->workers ?: default_workers(),
			       failure);
}

static int measure_in(struct guest *guest, struct guest_ranges *pass,
		      const struct result *result,
		      const struct run_options *options, struct sample *sample,
		      struct failure *failure)
{
	int ret;

	ret = create_vcpus(guest, result->method, options, failure);
	if (!ret && pass)
		ret = guest_ranges_create(pass, guest, result->ranges,
					  result->nr_ranges, failure);
	if (!ret)
		ret = prepare_memory(guest, result, options, sample, failure);
	if (!ret)
		ret = prepare_program(guest, result->method, failure);
	/* The other methods do not need a vCPU until now. */
	if (!ret)
		ret = vm_create_vcpus(&guest->vm, 1, failure);
	if (ret)
		return ret;
	sample->faults_before = vm_faults(&guest->vm);
	if (!options->guest_pass)
		return 0;
	return pass ? run_over_set(pass, sample, failure) :
		      run_guest(guest, sample, failure);
}

static int measure_run(const struct result *result,
		       const struct run_options *options, int kvm_fd,
		       struct sample *sample, struct failure *failure)
{
	struct guest_ranges pass = {};
	struct guest guest;
	int ret;

	ret = guest_create(&guest, kvm_fd, result->kind, result->bytes,
			   failure);
	if (!ret)
		ret = measure_in(&guest, result->ranges ? &pass : NULL, result,
				 options, sample, failure);
	guest_destroy(&guest);
	guest_ranges_destroy(&pass);
	return ret;
}

/* Returns the median; spread becomes the largest less the smallest. */
static double summarize(double *times, unsigned int nr, double *spread)
{
	double median = median_sort(times, nr);

	*spread = times[nr - 1] - times[0];
	return median;
}

static void summarize_samples(struct result *result)
{
	double times[RUN_MAX_RUNS];
	struct sample *summary = &result->summary;
	unsigned int i, nr = result->nr_samples;

	*summary = result->samples[nr - 1];
	for (i = 0; i < nr; i++) {
		const struct sample *sample = &result->samples[i];

		if (summary->faults_before < sample->faults_before)
			summary->faults_before = sample->faults_before;
		if (summary->faults_during < sample->faults_during)
			summary->faults_during = sample->faults_during;
	}
	for (i = 0; i < nr; i++)
		times[i] = result->samples[i].prepare_seconds;
	summary->prepare_seconds = summarize(times, nr,
					     &result->prepare_spread);
	for (i = 0; i < nr; i++)
		times[i] = result->samples[i].guest_seconds;
	summary->guest_seconds = summarize(times, nr, &result->guest_spread);
}

static enum outcome outcome_of(const struct failure *failure,
			       enum outcome unavailable)
{
	return failure->kind == FAILURE_UNAVAILABLE ? unavailable :
						      OUTCOME_FAILED;
}

static enum outcome measure_runs(struct result *result,
				 const struct run_options *options, int kvm_fd)
{
	const struct memory_kind *kind = result->kind;
	const struct method *method = result->method;
	struct failure *failure = &result->failure;

	if (method->check && method->check(kvm_fd, failure) < 0)
		return outcome_of(failure, OUTCOME_NO_METHOD);
	if (kind->check(kind, result->bytes, failure) < 0)
		return outcome_of(failure, OUTCOME_NO_MEMORY);
	while (result->nr_samples < options->runs) {
		if (measure_run(result, options, kvm_fd,
				&result->samples[result->nr_samples],
				failure) < 0)
			return outcome_of(failure, OUTCOME_NO_METHOD);
		result->nr_samples++;
	}
	summarize_samples(result);
	return OUTCOME_MEASURED;
}

static uint64_t sum_ranges(const struct result *result)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < result->nr_ranges; i++)
		bytes += result->ranges[i].size;
	return bytes;
}

void measure(struct result *result, const struct run_options *options,
	     const struct replay *replay, int kvm_fd)
{
	result->outcome = OUTCOME_FAILED;
	result->samples = calloc(options->runs, sizeof(*result->samples));
	if (!result->samples) {
		fail_errno(&result->failure, ENOMEM, "results");
		return;
	}
	if (replay && replay_place(replay, result->kind, &result->ranges,
				   &result->nr_ranges, &result->failure) < 0)
		return;
	result->prepared_bytes = result->set_alone ? sum_ranges(result) :
						     result->bytes;
	result->outcome = measure_runs(result, options, kvm_fd);
}

void result_free(struct result *result)
{
	free(result->samples);
	free(result->ranges);
	result->samples = NULL;
	result->ranges = NULL;
}
