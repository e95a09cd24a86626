// SPDX-License-Identifier: GPL-2.0
/*
 * A guest's pass over a working set that was recorded before: with nothing prepared,
 * with all of memory mapped, and with the set mapped.  Time is that of preparing and of
 * the pass together: the pages that the guest does not touch cost, too.
 */
#include "guest_ranges.h"
#include "meminfo.h"
#include "recorded_set.h"
#include "scenario.h"
#include "section.h"
#include "trial.h"
#include "units.h"

static const struct metric prepare_instructions = {
	.name = "prepare_instructions",
	.title = "instructions of preparing",
	.unit = "instructions",
	.better = BETTER_LOWER,
};

static const struct metric pass_instructions = {
	.name = "pass_instructions",
	.title = "instructions of the guest's pass",
	.unit = "instructions",
	.better = BETTER_LOWER,
};

static const struct metric prepare_seconds = {
	.name = "prepare_seconds",
	.title = "preparing",
	.unit = "s",
	.better = BETTER_LOWER,
};

static const struct metric pass_seconds = {
	.name = "pass_seconds",
	.title = "the guest's pass",
	.unit = "s",
	.better = BETTER_LOWER,
};

static const struct metric set_bytes = {
	.name = "set_bytes",
	.title = "the set",
	.unit = "bytes",
};

static const struct metric ranges = {
	.name = "ranges",
	.title = "ranges of the set",
	.unit = "ranges",
};

static const struct metric present_bytes = {
	.name = "present_bytes",
	.title = "memory allocated",
	.unit = "bytes",
	.better = BETTER_LOWER,
};

/* What is prepared, and how. */
struct way {
	const char *name;
	const struct method *method;
	bool whole;
};

static const struct way ways[] = {
	{ "none", &method_none, false },
	{ "all-populate+pre-fault", &method_populate_pre_fault, true },
	{ "all-ioctl", &method_ioctl, true },
	{ "set-populate+pre-fault", &method_populate_pre_fault, false },
	{ "set-ioctl", &method_ioctl, false },
};

struct share {
	unsigned int percent;
	const char *layout;
};

static const struct share shares[] = {
	{ 5, "5-percent" }, { 20, "20-percent" }, { 60, "60-percent" },
};

struct replay {
	const struct way *way;
	const struct recorded_set *set;
	unsigned int workers;
};

struct replay_result {
	double prepare_seconds;
	double pass_seconds;
	uint64_t faults;
	uint64_t present_bytes;
	int64_t secondary_table_bytes;
};

static int prepare(const struct replay *replay, struct guest *guest,
		   struct replay_result *result, struct failure *failure)
{
	struct preparation preparation = {
		.guest = guest,
		.base = GUEST_MEMORY_BASE,
		.host = guest->memory.host,
		.bytes = guest->memory.bytes,
		.ranges = replay->way->whole ? NULL : replay->set->ranges,
		.nr_ranges = replay->set->nr,
		.page_size = PAGE_SIZE,
		.workers_asked = replay->workers,
		.workers = replay->workers,
	};
	double start;
	int ret;

	if (replay->way->method->needs_vcpus &&
	    vm_create_vcpus(&guest->vm, replay->workers, failure) < 0)
		return -1;
	start = section_begin();
	ret = replay->way->method->prepare(&preparation, failure);
	result->prepare_seconds = section_end(start);
	return ret;
}

static int replay_in(const struct replay *replay, struct guest *guest,
		     struct replay_result *result, struct failure *failure)
{
	struct meminfo before, after;
	struct guest_ranges pass;
	int ret;

	ret = guest_ranges_create(&pass, guest, replay->set->ranges,
				  replay->set->nr, failure);
	meminfo_read(&before);
	if (!ret)
		ret = prepare(replay, guest, result, failure);
	if (!ret)
		ret = trial_map_program(guest, failure);
	if (!ret)
		ret = vm_create_vcpus(&guest->vm, 1, failure);
	if (!ret)
		ret = guest_ranges_write(&pass, &result->pass_seconds,
					 &result->faults, failure);
	meminfo_read(&after);
	result->secondary_table_bytes = after.secondary_page_tables -
					before.secondary_page_tables;
	if (!ret)
		ret = guest_ranges_check(&pass, failure);
	if (!ret)
		ret = recorded_present(guest, &result->present_bytes, failure);
	guest_ranges_destroy(&pass);
	return ret;
}

static void record(struct entry *entry, const struct options *options,
		   const struct replay *replay,
		   const struct replay_result *result)
{
	bool counted = options->instructions;
	double unit = counted ? 1e9 : 1;

	entry_add_sample(entry, result->prepare_seconds + result->pass_seconds);
	entry_set_faults(entry, result->faults);
	entry_set_figure(entry, counted ? &prepare_instructions :
					  &prepare_seconds,
			 result->prepare_seconds * unit);
	entry_set_figure(entry, counted ? &pass_instructions : &pass_seconds,
			 result->pass_seconds * unit);
	entry_set_figure(entry, &set_bytes, replay->set->bytes);
	entry_set_figure(entry, &ranges, replay->set->nr);
	entry_set_figure(entry, &present_bytes, result->present_bytes);
	entry_set_figure(entry, &metric_secondary_page_table_bytes,
			 result->secondary_table_bytes);
}

static void run(const struct replay *replay, const struct share *share,
		const struct options *options, int kvm_fd,
		struct entries *entries)
{
	const struct entry key = {
		.scenario = "working-set",
		.peer = replay->way->name,
		.memory = "4k",
		.state = "untouched",
		.layout = share->layout,
		.workers = replay->workers,
		.bytes = options->size,
		.pages = options->size / PAGE_SIZE,
	};
	struct entry *entry = entries_get(entries, &key);
	struct replay_result result = {};
	struct failure failure = {};
	struct guest guest;
	int ret;

	ret = guest_create(&guest, kvm_fd, memory_kind_find("4k"), options->size,
			   &failure);
	if (!ret)
		ret = replay_in(replay, &guest, &result, &failure);
	guest_destroy(&guest);
	if (ret < 0)
		scenario_failed(entry, &failure);
	else
		record(entry, options, replay, &result);
}

static void run_ways(const struct recorded_set *set, const struct share *share,
		     const struct options *options, int kvm_fd,
		     struct entries *entries)
{
	struct replay replay = { .set = set };
	unsigned int i, j;

	for (i = 0; i < options->nr_workers; i++) {
		replay.workers = options->workers[i];
		for (j = 0; j < sizeof(ways) / sizeof(ways[0]); j++) {
			replay.way = &ways[j];
			run(&replay, share, options, kvm_fd, entries);
		}
	}
}

static void working_set_round(const struct options *options, int kvm_fd,
			      struct entries *entries)
{
	struct recorded_set set;
	struct failure failure;
	unsigned int i;

	for (i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		const struct entry key = {
			.scenario = "working-set",
			.peer = "recording",
			.memory = "4k",
			.state = "untouched",
			.layout = shares[i].layout,
		};

		if (recorded_set_create(&set, kvm_fd, options->size,
					shares[i].percent, &failure) < 0)
			scenario_failed(entries_get(entries, &key), &failure);
		else
			run_ways(&set, &shares[i], options, kvm_fd, entries);
		recorded_set_destroy(&set);
	}
}

static const struct metric * const metrics[] = {
	&metric_instructions,
	&metric_seconds_median,
	&metric_seconds_spread,
	&metric_faults_left,
	&prepare_instructions,
	&pass_instructions,
	&prepare_seconds,
	&pass_seconds,
	&present_bytes,
	&metric_secondary_page_table_bytes,
	&set_bytes,
	NULL,
};

static const struct metric * const details[] = {
	&metric_instructions_per_page,
	&metric_gib_per_second,
	&ranges,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "working-set",
		.instructions = true,
		.quick = { "--memory 2G", "--size 64M" },
		.full = { "--memory 2G", "--size 512M" },
	},
	{
		.name = "working-set",
		.quick = { "--memory 2G", "--size 64M --workers 1,2" },
		.full = { "--memory 2G", "--size 512M --workers 1,2" },
	},
	{},
};

static const struct scenario scenario_working_set = {
	.name = "working-set",
	.title = "Working sets",
	.summary = "preparing and a guest's pass over a recorded set, by what is prepared",
	.tables = "layout",
	.rows = "peer,workers",
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = working_set_round,
};

SCENARIO(scenario_working_set);
