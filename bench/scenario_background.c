// SPDX-License-Identifier: GPL-2.0
/*
 * How much a job takes from a vCPU on the same CPU: an ordinary job, and one in the
 * background.  All threads of the process run on one CPU for that.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include <liburing_kvm.h>
#include "running_vcpu.h"
#include "scenario.h"

#define POLL_USECS	1000

struct job {
	int vm_fd;
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct kvm_map_memory_progress progress;
	int ret;
	bool ended;
};

/* Peers, and the flags of their jobs. */
static const struct load {
	const char *peer;
	bool job;
	uint64_t flags;
} loads[] = {
	{ "idle", false, 0 },
	{ "ordinary", true, 0 },
	{ "background", true, KVM_MAP_MEMORY_BACKGROUND },
};

static void *job_main(void *data)
{
	struct job *job = data;

	job->ret = kvm_map_memory_batch_run(job->vm_fd, &job->batch);
	__atomic_store_n(&job->ended, true, __ATOMIC_RELEASE);
	return NULL;
}

static bool job_ended(const struct job *job)
{
	return __atomic_load_n(&job->ended, __ATOMIC_ACQUIRE);
}

/* The job is at work before the vCPU begins. */
static int touch_beside(struct running_vcpu *vcpu, struct job *job,
			struct failure *failure)
{
	bool outlasted;
	pthread_t thread;
	int ret;

	ret = pthread_create(&thread, NULL, job_main, job);
	if (ret)
		return fail_errno(failure, ret, "a thread");
	while (!__atomic_load_n(&job->progress.bytes_mapped, __ATOMIC_RELAXED) &&
	       !job_ended(job))
		usleep(POLL_USECS);

	ret = running_vcpu_touch(vcpu, failure);
	outlasted = !job_ended(job);
	pthread_join(thread, NULL);
	if (ret)
		return ret;
	if (job->ret < 0)
		return fail_errno(failure, -job->ret, "KVM_MAP_MEMORY_BATCH");
	if (!outlasted)
		return fail_unavailable(failure,
					"the job ended before the vCPU did: ask for a larger --size");
	return 0;
}

static int touch(struct running_vcpu *vcpu, const struct load *load,
		 unsigned int workers, struct failure *failure)
{
	static struct job job;

	if (!load->job)
		return running_vcpu_touch(vcpu, failure);

	memset(&job, 0, sizeof(job));
	job.vm_fd = vcpu->guest.vm.fd;
	running_vcpu_job(vcpu, &job.mapping);
	kvm_map_memory_batch_init(&job.batch, &job.mapping, 1, workers);
	job.batch.flags = load->flags;
	job.batch.progress = (unsigned long)&job.progress;
	return touch_beside(vcpu, &job, failure);
}

static void run(const struct load *load, const struct options *options,
		unsigned int workers, int kvm_fd, struct entries *entries)
{
	static struct running_vcpu vcpu;
	struct entry key = {
		.scenario = "background",
		.peer = load->peer,
		.memory = "4k",
		.layout = "median-fault",
		.workers = load->job ? workers : 0,
		.bytes = load->job ? options->size : 0,
	};
	struct failure failure = {};
	int ret;

	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.job_bytes = options->size;
	ret = running_vcpu_create(&vcpu, kvm_fd, &failure);
	if (!ret)
		ret = touch(&vcpu, load, workers, &failure);
	if (!ret)
		ret = running_vcpu_record(&vcpu, &key, entries, &failure);
	running_vcpu_destroy(&vcpu);
	if (ret < 0)
		scenario_failed(entries_get(entries, &key), &failure);
}

/* Threads that are made later inherit it. */
static void stay_on_one_cpu(cpu_set_t *before)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	sched_getaffinity(0, sizeof(*before), before);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void background_round(const struct options *options, int kvm_fd,
			     struct entries *entries)
{
	cpu_set_t before;
	unsigned int i, j;

	stay_on_one_cpu(&before);
	for (i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		for (j = 0; j < (loads[i].job ? options->nr_workers : 1); j++)
			run(&loads[i], options, options->workers[j], kvm_fd, entries);
	sched_setaffinity(0, sizeof(before), &before);
}

static const struct metric * const metrics[] = {
	&metric_seconds_median,
	&metric_seconds_spread,
	NULL,
};

static const struct metric * const details[] = {
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "background",
		.quick = { "--memory 2G", "--workers 1,2 --size 512M" },
		.full = { "--memory 2G", "--workers 1,2 --size 1G" },
	},
	{},
};

static const struct scenario scenario_background = {
	.name = "background",
	.title = "Faults of a vCPU that shares its CPU with a job",
	.summary = "alone, beside an ordinary job, and beside one in the background",
	.rows = "peer,layout,workers",
	.no_picture = true,
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = background_round,
};

SCENARIO(scenario_background);
