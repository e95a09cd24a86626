// SPDX-License-Identifier: GPL-2.0
/*
 * What helper threads take: memory in use after a job, while they wait for
 * another one, against the same after they have gone.
 */
#include <unistd.h>
#include "meminfo.h"
#include "scenario.h"
#include "trial.h"
#include "vector.h"

/* Longer than helpers wait, and their threads take to end. */
#define GONE_SECONDS 4

static int measure(const struct trial *trial, struct guest *guest,
		   struct entry *entry, struct failure *failure)
{
	struct kvm_memory_mapping mapping;
	struct kvm_map_memory_batch batch;
	struct meminfo waiting, gone;
	int ret;

	kvm_memory_mapping_init(&mapping, GUEST_MEMORY_BASE, trial->bytes, 0);
	kvm_map_memory_batch_init(&batch, &mapping, 1, trial->workers);
	ret = kvm_map_memory_batch_run(guest->vm.fd, &batch);
	if (ret < 0)
		return fail_errno(failure, -ret, "KVM_MAP_MEMORY_BATCH");
	meminfo_read(&waiting);
	sleep(GONE_SECONDS);
	meminfo_read(&gone);
	entry_add_sample(entry, 0);
	entry_set_figure(entry, "workers_used", batch.workers_used);
	entry_set_figure(entry, "slab_bytes", waiting.slab - gone.slab);
	entry_set_figure(entry, "kernel_stack_bytes",
			 waiting.kernel_stacks - gone.kernel_stacks);
	entry_set_figure(entry, "memory_bytes", gone.free - waiting.free);
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

const struct scenario scenario_worker_memory = {
	.name = "worker-memory",
	.summary = "memory that helper threads hold while they wait",
	.round = worker_memory_round,
};
