// SPDX-License-Identifier: GPL-2.0
/* Every peer prepares the same memory, contiguous, each in a guest of its own. */
#include "scenario.h"
#include "trial.h"
#include "units.h"

static const struct metric guest_pass_seconds = {
	.name = "guest_pass_seconds",
	.title = "the guest's pass afterwards",
	.unit = "s",
	.better = BETTER_LOWER,
};

static const struct metric mapped_4k = {
	.name = "mapped_4k",
	.title = "pages of 4 KiB mapped",
	.unit = "pages",
};

static const struct metric mapped_2m = {
	.name = "mapped_2m",
	.title = "pages of 2 MiB mapped",
	.unit = "pages",
};

static const struct metric mapped_1g = {
	.name = "mapped_1g",
	.title = "pages of 1 GiB mapped",
	.unit = "pages",
};

static const struct metric page_table_bytes = {
	.name = "page_table_bytes",
	.title = "the host's page tables",
	.unit = "bytes",
	.better = BETTER_LOWER,
};

static void record(struct entry *entry, const struct trial *trial,
		   const struct trial_result *result)
{
	entry_add_sample(entry, result->seconds);
	entry_set_faults(entry, result->faults_left);
	entry_set_figure(entry, &metric_workers_used, result->workers_used);
	entry_set_figure(entry, &guest_pass_seconds, result->guest_seconds);
	entry_set_figure(entry, &mapped_4k, result->pages.of_4k);
	entry_set_figure(entry, &mapped_2m, result->pages.of_2m);
	entry_set_figure(entry, &mapped_1g, result->pages.of_1g);
	entry_set_figure(entry, &metric_secondary_page_table_bytes,
			 result->secondary_table_bytes);
	if (!trial->resident)
		entry_set_figure(entry, &page_table_bytes,
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

static const struct metric * const metrics[] = {
	&metric_instructions_per_page,
	&metric_seconds_median,
	&metric_seconds_spread,
	&metric_gib_per_second,
	&metric_faults_left,
	NULL,
};

static const struct metric * const details[] = {
	&metric_instructions,
	&metric_workers_used,
	&guest_pass_seconds,
	&mapped_4k,
	&mapped_2m,
	&mapped_1g,
	&metric_secondary_page_table_bytes,
	&page_table_bytes,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "prepare",
		.instructions = true,
		.quick = { "--memory 2G --hugepages-2m 20", "--size 32M",
			   .page_size_max = 2 * MIB },
		.full = { "--memory 4G --hugepages-2m 140", "--size 256M",
			  .page_size_max = 2 * MIB },
	},
	{
		.name = "prepare-1g",
		.instructions = true,
		.quick = { "--memory 5G --hugepages-1g 1",
			   "--size 1G --state untouched --peer populate,populate+pre-fault,ioctl,uring",
			   .page_size_min = 2 * MIB + 1,
			   .page_size_max = UINT64_MAX },
		.full = { "--memory 5G --hugepages-1g 1", "--size 1G",
			  .page_size_min = 2 * MIB + 1,
			  .page_size_max = UINT64_MAX },
	},
	{
		.name = "workers",
		.instructions = true,
		.quick = { "--memory 2G",
			   "--peer ioctl,uring,pre-fault,populate --size 256M --workers 1,2,4,8,16 --state resident",
		},
		.full = { "--memory 2G",
			  "--peer ioctl,uring,pre-fault,populate --size 512M --workers 1,2,4,8,16",
		},
	},
	{
		.name = "prepare",
		.quick = { "--memory 2G --hugepages-2m 40",
			   "--memory 4k --size 64M --workers 1,2" },
		.full = { "--memory 4G --hugepages-2m 140",
			  "--size 256M --workers 1,2",
			  .page_size_max = 2 * MIB },
	},
	{
		/* Long enough for the start of threads not to count. */
		.name = "scaling",
		.quick = { "--memory 2G",
			   "--peer ioctl,uring --size 512M --workers 1,2 --state untouched" },
		.full = { "--memory 2G",
			  "--peer ioctl,uring --size 1G --workers 1,2 --state untouched" },
	},
	{},
};

static const struct scenario scenario_prepare = {
	.name = "prepare",
	.title = "Contiguous memory",
	.summary = "every peer, kind of memory, state and number of workers",
	.tables = "memory,state",
	.rows = "peer,workers",
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = prepare_round,
};

SCENARIO(scenario_prepare);
