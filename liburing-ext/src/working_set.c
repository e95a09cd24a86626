// SPDX-License-Identifier: MIT
/* A working set: its ranges, and ranges added to it. */
#include <errno.h>
#include <stdlib.h>

#include "blocking.h"
#include "working_set.h"

int kvm_working_set_create(struct kvm_working_set **set)
{
	int saved_errno = errno;

	*set = calloc(1, sizeof(**set));
	errno = saved_errno;
	return *set ? 0 : -ENOMEM;
}

void kvm_working_set_destroy(struct kvm_working_set *set)
{
	int saved_errno = errno;

	if (set)
		free(set->ranges);
	free(set);
	errno = saved_errno;
}

size_t kvm_working_set_count(const struct kvm_working_set *set)
{
	return set->nr;
}

__u64 kvm_working_set_bytes(const struct kvm_working_set *set)
{
	return liburing_kvm_mappings_bytes(set->ranges, set->nr);
}

size_t kvm_working_set_mappings(const struct kvm_working_set *set, size_t first,
				struct kvm_memory_mapping *mappings, size_t nr,
				__u64 flags)
{
	size_t i;

	if (first >= set->nr)
		return 0;
	if (nr > KVM_MAP_MEMORY_MAX_MAPPINGS)
		nr = KVM_MAP_MEMORY_MAX_MAPPINGS;
	if (nr > set->nr - first)
		nr = set->nr - first;
	for (i = 0; i < nr; i++) {
		mappings[i] = set->ranges[first + i];
		mappings[i].flags = flags;
	}
	return nr;
}

/* Whether the ranges come in order of address, from an address on. */
static int ascending(const struct kvm_memory_mapping *ranges, size_t nr,
		     __u64 from)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (ranges[i].base_address < from)
			return 0;
		from = ranges[i].base_address + ranges[i].size;
	}
	return 1;
}

static int append_all(struct kvm_working_set *set,
		      const struct kvm_memory_mapping *ranges, size_t nr)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = liburing_kvm_range_append(set, ranges[i].base_address,
						ranges[i].size);
	return ret;
}

/* Appends the pages that set does not have, of ranges that do not overlap. */
static int append_new(struct kvm_working_set *set,
		      const struct kvm_memory_mapping *ranges, size_t nr)
{
	struct kvm_memory_mapping *sorted;
	size_t i, nr_sorted = set->nr;
	int ret = 0;

	if (!nr_sorted || ascending(ranges, nr, set->end))
		return append_all(set, ranges, nr);
	sorted = liburing_kvm_ranges_sorted(set);
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < nr && !ret; i++)
		ret = liburing_kvm_range_cut(set, &ranges[i], sorted, nr_sorted,
					     0);
	free(sorted);
	return ret;
}

/*
 * Appends to an empty set the pages of ranges that may overlap: those of the first
 * half, then those of the second half that are not in the first.
 */
static int append_unique(struct kvm_working_set *set,
			 const struct kvm_memory_mapping *ranges, size_t nr)
{
	struct kvm_working_set second = { 0 };
	size_t half = nr / 2;
	int ret;

	if (ascending(ranges, nr, 0))
		return append_all(set, ranges, nr);
	ret = append_unique(set, ranges, half);
	if (!ret)
		ret = append_unique(&second, ranges + half, nr - half);
	if (!ret)
		ret = append_new(set, second.ranges, second.nr);
	free(second.ranges);
	return ret;
}

/* As append_new(), and nothing at all if that fails. */
static int append_new_or_none(struct kvm_working_set *set,
			      const struct kvm_memory_mapping *ranges,
			      size_t nr)
{
	size_t nr_before = set->nr;
	__u64 end_before = set->end;
	__u64 last_before = set->nr ? set->ranges[set->nr - 1].size : 0;
	int ret = append_new(set, ranges, nr);

	if (ret < 0) {
		set->nr = nr_before;
		set->end = end_before;
		if (nr_before)
			set->ranges[nr_before - 1].size = last_before;
	}
	return ret;
}

int liburing_kvm_working_set_take(struct kvm_working_set *set,
				  struct kvm_working_set *found, int ret)
{
	struct kvm_working_set unique = { 0 };
	int saved_errno = errno;

	if (!ret)
		ret = append_unique(&unique, found->ranges, found->nr);
	if (!ret)
		ret = append_new_or_none(set, unique.ranges, unique.nr);
	free(unique.ranges);
	free(found->ranges);
	errno = saved_errno;
	return ret;
}

int kvm_working_set_add(struct kvm_working_set *set,
			const struct kvm_memory_mapping *ranges, size_t nr)
{
	struct kvm_working_set found = { 0 };
	size_t i;
	int ret = 0;

	for (i = 0; i < nr && !ret; i++) {
		ret = liburing_kvm_range_check(ranges[i].base_address,
					       ranges[i].size);
		if (!ret && ranges[i].size)
			ret = liburing_kvm_range_append(&found,
							ranges[i].base_address,
							ranges[i].size);
	}
	return liburing_kvm_working_set_take(set, &found, ret);
}

int kvm_working_set_merge(struct kvm_working_set *set,
			  const struct kvm_working_set *other)
{
	if (set == other)
		return 0;
	return append_new_or_none(set, other->ranges, other->nr);
}
