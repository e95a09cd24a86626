// SPDX-License-Identifier: GPL-2.0
/* A scenario, for a test: it is nowhere else. */
#include "clock.h"
#include "scenario.h"
#include "units.h"

static const struct metric released_bytes = {
	.name = "released_bytes",
	.title = "memory released",
	.unit = "bytes",
	.better = BETTER_HIGHER,
};

static int release(struct entry *entry, const struct memory_kind *kind,
		   struct failure *failure)
{
	struct memory memory;
	double start;
	int ret;

	if (memory_map(&memory, kind, entry->bytes, failure) < 0)
		return -1;
	ret = memory_populate(memory.host, memory.bytes, failure);
	start = clock_seconds();
	memory_unmap(&memory);
	if (ret < 0)
		return -1;
	entry_add_sample(entry, clock_seconds() - start);
	entry_set_figure(entry, &released_bytes, entry->bytes);
	return 0;
}

static void release_round(const struct options *options, int kvm_fd,
			  struct entries *entries)
{
	unsigned int i;

	(void)kvm_fd;
	for (i = 0; options->memories[i]; i++) {
		const struct entry key = {
			.scenario = "release",
			.peer = "munmap",
			.memory = options->memories[i]->name,
			.workers = 1,
			.bytes = options->size,
			.pages = options->size / PAGE_SIZE,
		};
		struct entry *entry = entries_get(entries, &key);
		struct failure failure = {};

		if (release(entry, options->memories[i], &failure) < 0)
			scenario_failed(entry, &failure);
	}
}

static const struct metric * const metrics[] = {
	&metric_instructions_per_page,
	&released_bytes,
	NULL,
};

static const struct metric * const details[] = {
	&metric_instructions,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "release",
		.instructions = true,
		/* With prepare, for a test of kinds of memory to boot once. */
		.quick = { "--memory 1G",
			   "--scenario prepare,release --size 1M",
			   .page_size_max = 4 * KIB },
	},
	{},
};

static const struct scenario scenario_release = {
	.name = "release",
	.title = "Giving memory back",
	.summary = "munmap() of memory that is there",
	.rows = "memory,peer",
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = release_round,
};

SCENARIO(scenario_release);
