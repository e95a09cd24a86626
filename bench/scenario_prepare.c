// SPDX-License-Identifier: GPL-2.0
/* Every peer prepares the same memory, contiguous, each in a guest of its own. */
#include "scenario.h"
#include "trial.h"

static void record(struct entry *entry, const struct trial *trial,
		   const struct trial_result *result)
{
	entry_add_sample(entry, result->seconds);
	entry_set_faults(entry, result->faults_left);
	entry_set_figure(entry, "workers_used", result->workers_used);
	entry_set_figure(entry, "guest_pass_seconds", result->guest_seconds);
	entry_set_figure(entry, "mapped_4k", result->pages.of_4k);
	entry_set_figure(entry, "mapped_2m", result->pages.of_2m);
	entry_set_figure(entry, "mapped_1g", result->pages.of_1g);
	entry_set_figure(entry, "secondary_page_table_bytes",
			 result->secondary_table_bytes);
	if (!trial->resident)
		entry_set_figure(entry, "page_table_bytes",
				 result->table_bytes);
}

static void run(const struct trial *trial, int kvm_fd, struct entries *entries)
{
	const struct entry key = {
		.scenario = "prepare",
		.peer = trial->peer->name,
		.memory = trial->kind->name,
		.state = trial->resident ? "resident" : "untouched",
		.layout = "contiguous",
		.workers = trial->workers,
		.bytes = trial->bytes,
		.pages = trial->bytes / PAGE_SIZE,
	};
	struct entry *entry = entries_get(entries, &key);
	struct trial_result result;
	struct failure failure;

	if (trial_run(trial, kvm_fd, &result, &failure) < 0)
		scenario_failed(entry, &failure);
	else
		record(entry, trial, &result);
}

/* Peers to which the number of workers makes a difference. */
static bool has_workers(const struct method *peer)
{
	return peer->prepare != method_none.prepare;
}

static void run_peers(const struct options *options, int kvm_fd,
		      struct trial *trial, struct entries *entries)
{
	unsigned int i, j;

	for (i = 0; options->peers[i]; i++) {
		trial->peer = options->peers[i];
		for (j = 0; j < options->nr_workers; j++) {
			trial->workers = options->workers[j];
			run(trial, kvm_fd, entries);
			if (!has_workers(trial->peer))
				break;
		}
	}
}

static void prepare_round(const struct options *options, int kvm_fd,
			  struct entries *entries)
{
	struct trial trial;
	unsigned int i;

	for (i = 0; options->memories[i]; i++) {
		trial.kind = options->memories[i];
		trial.bytes = memory_kind_round(trial.kind, options->size);
		for (int resident = 0; resident < 2; resident++) {
			trial.resident = resident;
			if (resident ? options->resident : options->untouched)
				run_peers(options, kvm_fd, &trial, entries);
		}
	}
}

const struct scenario scenario_prepare = {
	.name = "prepare",
	.summary = "every peer, memory, state and number of workers, contiguous",
	.round = prepare_round,
};
