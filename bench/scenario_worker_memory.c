// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of helper threads: kernel memory charged to the VMM's cgroup while
 * they wait for another job, against the same after they have gone.
 */
#include <unistd.h>
#include "cgroup.h"
#include "scenario.h"
#include "trial.h"
#include "vector.h"

/*
 * The kernel adds up a cgroup's counts every 2 s, and helpers wait for 1 s: a
 * job now and then keeps them.
 */
#define KEEP_MICROSECONDS	300000
#define KEEP_JOBS		12
/* Longer than helpers wait, and their threads take to end. */
#define GONE_SECONDS		6

static const struct metric kernel_bytes = {
	.name = "kernel_bytes",
	.title = "kernel memory",
	.unit = "bytes",
	.better = BETTER_LOWER,
};

static const struct metric kernel_stack_bytes = {
	.name = "kernel_stack_bytes",
	.title = "of it stacks",
	.unit = "bytes",
	.better = BETTER_LOWER,
};

static const struct metric slab_bytes = {
	.name = "slab_bytes",
	.title = "of it slabs",
	.unit = "bytes",
	.better = BETTER_LOWER,
};

static const struct metric kernel_bytes_a_helper = {
	.name = "kernel_bytes_a_helper",
	.title = "kernel memory a helper",
	.unit = "bytes",
	.better = BETTER_LOWER,
};

static int run_job(const struct trial *trial, struct guest *guest,
		   unsigned int *workers_used, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	int ret;

	kvm_memory_mapping_init(&mapping, GUEST_MEMORY_BASE, trial->bytes, 0);
	kvm_map_memory_batch_init(&batch, &mapping, 1, trial->workers);
	batch.flags = KVM_MAP_MEMORY_KEEP_HELPERS;
	ret = kvm_map_memory_batch_run(guest->vm.fd, &batch);
	if (ret < 0)
		return fail_errno(failure, -ret, "KVM_MAP_MEMORY_BATCH");
	if (batch.workers_used > *workers_used)
		*workers_used = batch.workers_used;
	return 0;
}

static int measure(const struct trial *trial, struct guest *guest,
		   struct entry *entry, struct failure *failure)
{
	struct cgroup_memory waiting, gone;
	unsigned int workers_used = 0;
	int i;

	for (i = 0; i < KEEP_JOBS; i++) {
		if (run_job(trial, guest, &workers_used, failure) < 0)
			return -1;
		usleep(KEEP_MICROSECONDS);
	}
	if (cgroup_read(&waiting, failure) < 0)
		return -1;
	sleep(GONE_SECONDS);
	if (cgroup_read(&gone, failure) < 0)
		return -1;
	/* No time is measured; the sample says that the rest was. */
	entry_add_sample(entry, 0);
	entry_set_figure(entry, &metric_workers_used, workers_used);
	entry_set_figure(entry, &kernel_bytes, waiting.kernel - gone.kernel);
	entry_set_figure(entry, &kernel_stack_bytes,
			 waiting.kernel_stack - gone.kernel_stack);
	entry_set_figure(entry, &slab_bytes, waiting.slab - gone.slab);
	if (trial->workers > 1)
		entry_set_figure(entry, &kernel_bytes_a_helper,
				 (double)(waiting.kernel - gone.kernel) /
				 (trial->workers - 1));
	return 0;
}

static void run(const struct trial *trial, int kvm_fd, struct entries *entries)
{
	const struct entry key = {
		.scenario = "worker-memory",
		.peer = "ioctl",
		.memory = "4k",
		.state = "untouched",
		.layout = "contiguous",
		.workers = trial->workers,
		.bytes = trial->bytes,
	};
	struct entry *entry = entries_get(entries, &key);
	struct failure failure = {};
	struct guest guest;
	int ret;

	ret = cgroup_enter(&failure);
	if (ret < 0) {
		scenario_failed(entry, &failure);
		return;
	}
	ret = guest_create(&guest, kvm_fd, trial->kind, trial->bytes,
			   &failure);
	if (!ret)
		ret = measure(trial, &guest, entry, &failure);
	guest_destroy(&guest);
	if (ret < 0)
		scenario_failed(entry, &failure);
}

static void worker_memory_round(const struct options *options, int kvm_fd,
				struct entries *entries)
{
	struct trial trial = {
		.kind = memory_kind_find("4k"),
		.bytes = options->size,
	};
	unsigned int i;

	for (i = 0; i < options->nr_workers; i++) {
		trial.workers = options->workers[i];
		run(&trial, kvm_fd, entries);
	}
}

static const struct metric * const metrics[] = {
	&metric_workers_used,
	&kernel_bytes,
	&kernel_stack_bytes,
	&kernel_bytes_a_helper,
	NULL,
};

static const struct metric * const details[] = {
	&slab_bytes,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "worker-memory",
		.instructions = true,
		.quick = { "--memory 2G", "--workers 1,4,16 --size 64M" },
	},
	{},
};

static const struct scenario scenario_worker_memory = {
	.name = "worker-memory",
	.title = "Memory of helper threads",
	.summary = "held while they wait for another job",
	.rows = "workers",
	.no_picture = true,
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = worker_memory_round,
};

SCENARIO(scenario_worker_memory);
