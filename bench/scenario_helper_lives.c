// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of threads: helpers that end with their job, helpers that stay for the
 * next one, and threads of the caller's.  The pages are mapped already, so that
 * threads are most of a job.
 */
#include <liburing_kvm.h>
#include <string.h>
#include "scenario.h"
#include "section.h"
#include "trial.h"

#define GUEST_BYTES	(64ULL << 20)
#define WARM_JOBS	3
#define JOBS		16

static const unsigned int worker_counts[] = { 1, 2, 4, 16 };

struct life {
	const char *name;
	uint64_t flags;
};

static const struct life lives[] = {
	{ "ended", 0 },
	{ "kept", KVM_MAP_MEMORY_KEEP_HELPERS },
	{ "own-threads", KVM_MAP_MEMORY_OWN_THREADS },
};

static int run_job(struct guest *guest, const struct life *life, unsigned int workers,
		   double *seconds, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	double start;
	int ret;

	kvm_memory_mapping_init(&mapping, GUEST_MEMORY_BASE, GUEST_BYTES, 0);
	kvm_map_memory_batch_init(&batch, &mapping, 1, workers);
	batch.flags = life->flags;
	start = section_begin();
	if (life->flags & KVM_MAP_MEMORY_OWN_THREADS)
		ret = kvm_map_memory_batch_run_threads(guest->vm.fd, &batch, workers,
						       NULL);
	else
		ret = kvm_map_memory_batch_run(guest->vm.fd, &batch);
	*seconds = section_end(start);
	if (ret < 0)
		return fail(failure, "KVM_MAP_MEMORY_BATCH: %s", strerror(-ret));
	return 0;
}

static int run_jobs(struct guest *guest, const struct life *life,
		    struct entry *entry, struct failure *failure)
{
	double seconds;
	int ret = 0, i;

	for (i = 0; i < WARM_JOBS + JOBS && !ret; i++) {
		ret = run_job(guest, life, entry->workers, &seconds, failure);
		if (!ret && i >= WARM_JOBS)
			entry_add_sample(entry, seconds);
	}
	kvm_map_memory_end_helpers(guest->vm.fd);
	return ret;
}

static void run(const struct life *life, unsigned int workers, int kvm_fd,
		struct entries *entries)
{
	struct entry key = {
		.scenario = "helper-lives",
		.peer = life->name,
		.memory = "4k",
		.state = "mapped",
		.layout = "contiguous",
		.workers = workers,
		.bytes = GUEST_BYTES,
	};
	struct entry *entry = entries_get(entries, &key);
	struct failure failure = {};
	struct guest guest;
	int ret;

	ret = guest_create(&guest, kvm_fd, memory_kind_find("4k"), GUEST_BYTES,
			   &failure);
	if (!ret)
		ret = run_jobs(&guest, life, entry, &failure);
	guest_destroy(&guest);
	if (ret < 0)
		scenario_failed(entry, &failure);
}

static void helper_lives_round(const struct options *options, int kvm_fd,
			       struct entries *entries)
{
	unsigned int i, j;

	(void)options;
	for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		for (j = 0; j < sizeof(worker_counts) / sizeof(worker_counts[0]); j++)
			run(&lives[i], worker_counts[j], kvm_fd, entries);
	}
}

static const struct metric * const metrics[] = {
	&metric_instructions,
	&metric_seconds_median,
	&metric_seconds_spread,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "helper-lives",
		.instructions = true,
		.quick = { "--memory 2G", "" },
	},
	{
		.name = "helper-lives",
		.quick = { "--memory 2G", "" },
	},
	{},
};

static const struct scenario scenario_helper_lives = {
	.name = "helper-lives",
	.title = "The lives of helper threads",
	.summary = "jobs on mapped pages, whose helpers end, stay, or are the caller's own",
	.rows = "peer",
	.columns = "workers",
	.metrics = metrics,
	.parts = parts,
	.round = helper_lives_round,
};

SCENARIO(scenario_helper_lives);
