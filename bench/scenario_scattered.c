// SPDX-License-Identifier: GPL-2.0
/*
 * Single pages, apart from each other, against the same number of pages in one
 * run.  The size asked for is that of the pages, not of the guest.
 */
#include <string.h>
#include "scenario.h"
#include "section.h"
#include "trial.h"
#include "vector.h"

static const struct metric ranges = {
	.name = "ranges",
	.title = "ranges",
	.unit = "ranges",
};

/* Pages in a range, and from the start of a range to that of the next. */
struct layout {
	const char *name;
	unsigned int pages;
	unsigned int stride;
};

static const struct layout layouts[] = {
	/* One range. */
	{ "contiguous", 0, 0 },
	/* The cost of the number of ranges alone. */
	{ "ranges-of-1-adjacent", 1, 1 },
	{ "ranges-of-1-every-2nd", 1, 2 },
	{ "ranges-of-1-every-16th", 1, 16 },
	{ "ranges-of-8-every-16th", 8, 16 },
};

static const struct vector_peer * const vector_peers[] = {
	&vector_populate,
	&vector_pre_fault,
	&vector_populate_pre_fault,
	&vector_vcpu,
	&vector_ioctl,
	&vector_uring,
};

struct scattered {
	const struct vector_peer *peer;
	unsigned int pages;
	unsigned int nr;
	unsigned int range_pages;
	unsigned int stride_pages;
	bool resident;
};

static int prepare(const struct scattered *scattered, struct guest *guest,
		   double *seconds, struct failure *failure)
{
	uint64_t range_bytes = scattered->range_pages * PAGE_SIZE;
	struct vector vector;
	double start;
	int ret;

	ret = vector_create(&vector, guest, scattered->nr, range_bytes,
			    scattered->stride_pages * PAGE_SIZE, failure);
	if (!ret && scattered->resident)
		ret = vector_populate.prepare(&vector, failure);
	if (!ret && scattered->peer->needs_vcpu)
		ret = vm_create_vcpus(&guest->vm, 1, failure);
	if (!ret) {
		start = section_begin();
		ret = scattered->peer->prepare(&vector, failure);
		*seconds = section_end(start);
	}
	vector_destroy(&vector);
	return ret;
}

/* The guest's pass over the pages asked for, and no others. */
static int count_faults(const struct scattered *scattered, struct guest *guest,
			uint64_t *faults, struct failure *failure)
{
	unsigned int i;

	if (trial_map_program(guest, failure) < 0 ||
	    vm_create_vcpus(&guest->vm, 1, failure) < 0)
		return -1;
	*faults = vm_faults(&guest->vm);
	for (i = 0; i < scattered->nr; i++)
		if (guest_write_range(guest, 0, GUEST_MEMORY_BASE +
				      (uint64_t)i * scattered->stride_pages *
				      PAGE_SIZE,
				      scattered->range_pages * PAGE_SIZE,
				      failure) < 0)
			return -1;
	*faults = vm_faults(&guest->vm) - *faults;
	return 0;
}

static void run(const struct scattered *scattered, int kvm_fd,
		struct entry *entry)
{
	struct failure failure = {};
	struct guest guest;
	uint64_t faults = 0;
	double seconds = 0;
	int ret;

	ret = guest_create(&guest, kvm_fd, memory_kind_find("4k"),
			   (uint64_t)scattered->nr * scattered->stride_pages *
			   PAGE_SIZE, &failure);
	if (!ret)
		ret = prepare(scattered, &guest, &seconds, &failure);
	if (!ret)
		ret = count_faults(scattered, &guest, &faults, &failure);
	guest_destroy(&guest);
	if (ret < 0) {
		scenario_failed(entry, &failure);
		return;
	}
	entry_add_sample(entry, seconds);
	entry_set_faults(entry, faults);
	entry_set_figure(entry, &ranges, scattered->nr);
}

static void run_layout(const struct layout *layout, struct scattered *scattered,
		       int kvm_fd, struct entries *entries)
{
	struct entry key = {
		.scenario = "scattered",
		.memory = "4k",
		.state = scattered->resident ? "resident" : "untouched",
		.layout = layout->name,
		.workers = 1,
		.bytes = scattered->pages * PAGE_SIZE,
		.pages = scattered->pages,
	};
	unsigned int i;

	scattered->range_pages = layout->pages ?: scattered->pages;
	scattered->stride_pages = layout->stride ?: scattered->pages;
	scattered->nr = scattered->pages / scattered->range_pages;
	for (i = 0; i < sizeof(vector_peers) / sizeof(vector_peers[0]); i++) {
		scattered->peer = vector_peers[i];
		key.peer = scattered->peer->name;
		run(scattered, kvm_fd, entries_get(entries, &key));
	}
}

static void scattered_round(const struct options *options, int kvm_fd,
			    struct entries *entries)
{
	struct scattered scattered = {};
	unsigned int i;

	/* Each layout divides it; more ranges a batch does not take. */
	scattered.pages = options->size / (8 * PAGE_SIZE) * 8;
	if (!scattered.pages)
		scattered.pages = 8;
	if (scattered.pages > KVM_MAP_MEMORY_MAX_MAPPINGS)
		scattered.pages = KVM_MAP_MEMORY_MAX_MAPPINGS;
	for (int resident = 0; resident < 2; resident++) {
		scattered.resident = resident;
		if (resident ? !options->resident : !options->untouched)
			continue;
		for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
			run_layout(&layouts[i], &scattered, kvm_fd, entries);
	}
}

static const struct metric * const metrics[] = {
	&metric_instructions_per_page,
	&metric_seconds_median,
	&metric_seconds_spread,
	&metric_faults_left,
	NULL,
};

static const struct metric * const details[] = {
	&metric_instructions,
	&metric_gib_per_second,
	&ranges,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "scattered",
		.instructions = true,
		.quick = { "--memory 2G", "--size 4M" },
		.full = { "--memory 2G", "--size 32M" },
	},
	{
		.name = "scattered",
		.quick = { "--memory 2G", "--size 4M" },
		.full = { "--memory 2G", "--size 16M" },
	},
	{},
};

static const struct scenario scenario_scattered = {
	.name = "scattered",
	.title = "Scattered pages",
	.summary = "single pages apart from each other, against one run of as many",
	.tables = "state",
	.rows = "peer",
	.columns = "layout",
	.metrics = metrics,
	.details = details,
	.parts = parts,
	.round = scattered_round,
};

SCENARIO(scenario_scattered);
