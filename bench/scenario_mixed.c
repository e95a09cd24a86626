// SPDX-License-Identifier: GPL-2.0
/*
 * A range of which a part is in the host's memory, mapped with
 * KVM_MEMORY_MAPPING_RESIDENT: a guest that is partly restored, or still on its way
 * here.  Nothing else maps what is there and leaves out the rest, so that the
 * patterns are compared with each other.
 */
#include "scenario.h"
#include "section.h"
#include "vector.h"

/* Of a page: it is not in memory, it is, or it is mapped to the guest already. */
enum page_state {
	ABSENT,
	RESIDENT,
	MAPPED,
};

static enum page_state all_resident(unsigned int page)
{
	(void)page;
	return RESIDENT;
}

static enum page_state all_absent(unsigned int page)
{
	(void)page;
	return ABSENT;
}

/* Absent, but for one page in each leaf table of the host. */
static enum page_state almost_absent(unsigned int page)
{
	return page % 512 == 511 ? RESIDENT : ABSENT;
}

static enum page_state every_2nd(unsigned int page)
{
	return page % 2 ? ABSENT : RESIDENT;
}

static enum page_state every_16th(unsigned int page)
{
	return page % 16 ? ABSENT : RESIDENT;
}

/* The same each time: multiplicative hashing. */
static unsigned int hash(unsigned int page)
{
	return page * 2654435761u >> 16;
}

static enum page_state random_half(unsigned int page)
{
	return hash(page) % 2 ? ABSENT : RESIDENT;
}

static enum page_state every_2nd_mapped(unsigned int page)
{
	return page % 2 ? RESIDENT : MAPPED;
}

static enum page_state mapped_and_absent(unsigned int page)
{
	return page % 2 ? ABSENT : MAPPED;
}

static enum page_state random_all(unsigned int page)
{
	return hash(page) % 3;
}

static const struct pattern {
	const char *name;
	enum page_state (*state)(unsigned int page);
} patterns[] = {
	{ "resident", all_resident },
	{ "absent", all_absent },
	{ "resident-every-512th", almost_absent },
	{ "resident-every-16th", every_16th },
	{ "resident-every-2nd", every_2nd },
	{ "resident-random-half", random_half },
	{ "resident-and-mapped", every_2nd_mapped },
	{ "mapped-and-absent", mapped_and_absent },
	{ "random-thirds", random_all },
};

static const struct vector_peer * const vector_peers[] = {
	&vector_ioctl,
	&vector_uring,
};

static int map_single(struct guest *guest, unsigned int page,
		      struct failure *failure)
{
	struct vector vector;
	int ret;

	ret = vector_create(&vector, guest, 1, PAGE_SIZE, PAGE_SIZE, failure);
	if (ret < 0)
		return ret;
	vector.ranges[0].base_address += page * PAGE_SIZE;
	ret = vector_ioctl.prepare(&vector, failure);
	vector_destroy(&vector);
	return ret;
}

/* Bring pages in by writing to them, and map those that are to be mapped. */
static int make_pattern(struct guest *guest, const struct pattern *pattern,
			unsigned int pages, struct failure *failure)
{
	enum page_state state;
	unsigned int i;

	for (i = 0; i < pages; i++) {
		state = pattern->state(i);
		if (state == ABSENT)
			continue;
		guest->memory.host[i * PAGE_SIZE] = 1;
		if (state == MAPPED && map_single(guest, i, failure) < 0)
			return -1;
	}
	return 0;
}

static int measure(struct guest *guest, const struct vector_peer *peer,
		   unsigned int pages, double *seconds, struct failure *failure)
{
	struct vector vector;
	double start;
	int ret;

	ret = vector_create(&vector, guest, 1, pages * PAGE_SIZE, PAGE_SIZE,
			    failure);
	if (ret < 0)
		return ret;
	vector.ranges[0].flags = KVM_MEMORY_MAPPING_RESIDENT;
	start = section_begin();
	ret = peer->prepare(&vector, failure);
	*seconds = section_end(start);
	vector_destroy(&vector);
	return ret;
}

static void run(const struct pattern *pattern, const struct vector_peer *peer,
		unsigned int pages, int kvm_fd, struct entry *entry)
{
	struct failure failure = {};
	struct guest guest;
	double seconds = 0;
	int ret;

	ret = guest_create(&guest, kvm_fd, memory_kind_find("4k"),
			   pages * PAGE_SIZE, &failure);
	if (!ret)
		ret = make_pattern(&guest, pattern, pages, &failure);
	if (!ret)
		ret = measure(&guest, peer, pages, &seconds, &failure);
	guest_destroy(&guest);
	if (ret < 0)
		scenario_failed(entry, &failure);
	else
		entry_add_sample(entry, seconds);
}

static void mixed_round(const struct options *options, int kvm_fd,
			struct entries *entries)
{
	unsigned int pages = options->size / PAGE_SIZE, i, j;
	struct entry key = {
		.scenario = "mixed",
		.memory = "4k",
		.state = "resident",
		.workers = 1,
		.bytes = options->size,
		.pages = pages,
	};

	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		key.layout = patterns[i].name;
		for (j = 0; j < sizeof(vector_peers) / sizeof(vector_peers[0]); j++) {
			key.peer = vector_peers[j]->name;
			run(&patterns[i], vector_peers[j], pages, kvm_fd,
			    entries_get(entries, &key));
		}
	}
}

static const struct metric * const metrics[] = {
	&metric_instructions_per_page,
	&metric_seconds_median,
	&metric_seconds_spread,
	NULL,
};

static const struct scenario_part parts[] = {
	{
		.name = "mixed",
		.instructions = true,
		.quick = { "--memory 2G", "--size 16M" },
		.full = { "--memory 2G", "--size 64M" },
	},
	{},
};

static const struct scenario scenario_mixed = {
	.name = "mixed",
	.title = "Resident pages among others",
	.summary = "a range in RESIDENT mode of which pages are there, mapped or absent",
	.rows = "layout",
	.columns = "peer",
	.metrics = metrics,
	.parts = parts,
	.round = mixed_round,
};

SCENARIO(scenario_mixed);
