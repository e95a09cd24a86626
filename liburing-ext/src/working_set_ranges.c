// SPDX-License-Identifier: MIT
/* Vectors of ranges: growing, sorting, cutting one by the others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "working_set.h"

#define FIRST_CAPACITY 64

__u64 liburing_kvm_page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

int liburing_kvm_range_check(__u64 base, __u64 size)
{
	__u64 offset_mask = liburing_kvm_page_size() - 1;

	if ((base | size) & offset_mask || size > ~0ULL - base)
		return -EINVAL;
	return 0;
}

static int grow(struct kvm_working_set *set)
{
	size_t capacity = set->capacity ? set->capacity * 2 : FIRST_CAPACITY;
	int saved_errno = errno;
	void *ranges;

	if (set->nr == KVM_WORKING_SET_MAX_RANGES)
		return -E2BIG;
	ranges = realloc(set->ranges, capacity * sizeof(*set->ranges));
	errno = saved_errno;
	if (!ranges)
		return -ENOMEM;
	set->ranges = ranges;
	set->capacity = capacity;
	return 0;
}

int liburing_kvm_range_push(struct kvm_working_set *set, __u64 base, __u64 size)
{
	int ret;

	if (set->nr == set->capacity) {
		ret = grow(set);
		if (ret < 0)
			return ret;
	}
	if (set->end < base + size)
		set->end = base + size;
	set->ranges[set->nr].base_address = base;
	set->ranges[set->nr].size = size;
	set->ranges[set->nr].flags = 0;
	set->nr++;
	return 0;
}

int liburing_kvm_range_append(struct kvm_working_set *set, __u64 base,
			      __u64 size)
{
	struct kvm_memory_mapping *last;

	if (!set->nr)
		return liburing_kvm_range_push(set, base, size);
	last = &set->ranges[set->nr - 1];
	if (last->base_address + last->size != base)
		return liburing_kvm_range_push(set, base, size);
	last->size += size;
	if (set->end < base + size)
		set->end = base + size;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct kvm_memory_mapping *left = a, *right = b;

	return (left->base_address > right->base_address) -
	       (left->base_address < right->base_address);
}

void liburing_kvm_ranges_sort(struct kvm_memory_mapping *ranges, size_t nr)
{
	int saved_errno = errno;

	if (nr)
		qsort(ranges, nr, sizeof(*ranges), compare);
	errno = saved_errno;
}

struct kvm_memory_mapping *
liburing_kvm_ranges_sorted(const struct kvm_working_set *set)
{
	struct kvm_memory_mapping *sorted;
	int saved_errno = errno;

	sorted = calloc(set->nr ? set->nr : 1, sizeof(*sorted));
	errno = saved_errno;
	if (!sorted || !set->nr)
		return sorted;
	memcpy(sorted, set->ranges, set->nr * sizeof(*sorted));
	liburing_kvm_ranges_sort(sorted, set->nr);
	return sorted;
}

/* The first of the sorted ranges that ends behind an address. */
static size_t first_behind(const struct kvm_memory_mapping *sorted, size_t nr,
			   __u64 address)
{
	size_t low = 0, high = nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (sorted[middle].base_address + sorted[middle].size > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

int liburing_kvm_range_cut(struct kvm_working_set *to,
			   const struct kvm_memory_mapping *range,
			   const struct kvm_memory_mapping *sorted, size_t nr,
			   int inside)
{
	__u64 start = range->base_address, end = start + range->size, next;
	size_t i = first_behind(sorted, nr, start);
	int ret, is_inside;

	while (start < end) {
		is_inside = i < nr && sorted[i].base_address <= start;
		if (is_inside)
			next = sorted[i].base_address + sorted[i].size;
		else
			next = i < nr ? sorted[i].base_address : end;
		i += is_inside;
		if (next > end)
			next = end;
		if (is_inside == inside) {
			ret = liburing_kvm_range_append(to, start, next - start);
			if (ret < 0)
				return ret;
		}
		start = next;
	}
	return 0;
}
