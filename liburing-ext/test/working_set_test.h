/* SPDX-License-Identifier: MIT */
/* Sets to test with, and comparisons of their ranges. */
#ifndef WORKING_SET_TEST_H
#define WORKING_SET_TEST_H

#include <stdlib.h>
#include <string.h>
#include <kvm_working_set.h>
#include "tap.h"

#define PAGE 4096ULL

/* In pages. */
struct pages {
	__u64 first;
	__u64 nr;
};

#define MAX_RANGES 64

static struct kvm_working_set *new_set(void)
{
	struct kvm_working_set *set;

	if (kvm_working_set_create(&set) < 0)
		abort();
	return set;
}

__attribute__((unused))
static int add_pages(struct kvm_working_set *set, const struct pages *pages,
		     size_t nr)
{
	struct kvm_memory_mapping ranges[MAX_RANGES];
	size_t i;

	for (i = 0; i < nr; i++) {
		ranges[i].base_address = pages[i].first * PAGE;
		ranges[i].size = pages[i].nr * PAGE;
		ranges[i].flags = ~0ULL;
	}
	return kvm_working_set_add(set, ranges, nr);
}

/* Whether a set has these ranges, in this order, and no others. */
static int has_pages(const struct kvm_working_set *set,
		     const struct pages *pages, size_t nr)
{
	struct kvm_memory_mapping ranges[MAX_RANGES];
	size_t i, found = kvm_working_set_mappings(set, 0, ranges, MAX_RANGES, 0);
	int same = found == nr && kvm_working_set_count(set) == nr;
	__u64 bytes = 0;

	for (i = 0; i < nr && same; i++) {
		same = ranges[i].base_address == pages[i].first * PAGE &&
		       ranges[i].size == pages[i].nr * PAGE && !ranges[i].flags;
		bytes += ranges[i].size;
	}
	if (same && bytes == kvm_working_set_bytes(set))
		return 1;
	printf("# %zu ranges, not %zu:\n", found, nr);
	for (i = 0; i < found; i++)
		printf("#   page %llu, %llu pages\n",
		       (unsigned long long)(ranges[i].base_address / PAGE),
		       (unsigned long long)(ranges[i].size / PAGE));
	return 0;
}

#define ADD(set, ...) \
	add_pages(set, (const struct pages[]){ __VA_ARGS__ }, \
		  sizeof((const struct pages[]){ __VA_ARGS__ }) / \
		  sizeof(struct pages))
#define HAS(set, ...) \
	has_pages(set, (const struct pages[]){ __VA_ARGS__ }, \
		  sizeof((const struct pages[]){ __VA_ARGS__ }) / \
		  sizeof(struct pages))

#endif /* WORKING_SET_TEST_H */
