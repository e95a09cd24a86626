// SPDX-License-Identifier: MIT
/* Operations on all ranges of a working set. */
#include <errno.h>
#include <stdlib.h>

#include "working_set.h"

/* Replaces the ranges of a set, or frees the new ones if ret is an error. */
static int replace(struct kvm_working_set *set, struct kvm_working_set *with,
		   int ret)
{
	int saved_errno = errno;

	if (ret < 0) {
		free(with->ranges);
	} else {
		free(set->ranges);
		*set = *with;
	}
	errno = saved_errno;
	return ret;
}

int kvm_working_set_intersect(struct kvm_working_set *set,
			      const struct kvm_working_set *other)
{
	struct kvm_working_set kept = { 0 };
	struct kvm_memory_mapping *sorted = liburing_kvm_ranges_sorted(other);
	size_t i;
	int ret = 0;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < set->nr && !ret; i++)
		ret = liburing_kvm_range_cut(&kept, &set->ranges[i], sorted,
					     other->nr, 1);
	free(sorted);
	return replace(set, &kept, ret);
}

void kvm_working_set_sort(struct kvm_working_set *set, __u64 gap)
{
	struct kvm_memory_mapping *last = set->ranges, *range;
	__u64 last_end;
	size_t i;

	if (!set->nr)
		return;
	liburing_kvm_ranges_sort(set->ranges, set->nr);
	for (i = 1; i < set->nr; i++) {
		range = &set->ranges[i];
		last_end = last->base_address + last->size;
		if (range->base_address - last_end <= gap)
			last->size = range->base_address + range->size -
				     last->base_address;
		else
			*++last = *range;
	}
	set->nr = last - set->ranges + 1;
}

/* E2BIG before any memory is taken, whatever the ranges' sizes are. */
static int count_pieces(const struct kvm_working_set *set, __u64 size)
{
	__u64 first, last, nr = 0;
	size_t i;

	for (i = 0; i < set->nr; i++) {
		first = set->ranges[i].base_address / size;
		last = (set->ranges[i].base_address + set->ranges[i].size - 1) /
		       size;
		if (last - first >= KVM_WORKING_SET_MAX_RANGES - nr)
			return -E2BIG;
		nr += last - first + 1;
	}
	return 0;
}

static int push_pieces(struct kvm_working_set *to,
		       const struct kvm_memory_mapping *range, __u64 size)
{
	__u64 start = range->base_address, left = range->size, piece;
	int ret = 0;

	for (; left && !ret; start += piece, left -= piece) {
		piece = size - start % size;
		if (piece > left)
			piece = left;
		ret = liburing_kvm_range_push(to, start, piece);
	}
	return ret;
}

int kvm_working_set_split(struct kvm_working_set *set, __u64 size)
{
	struct kvm_working_set pieces = { 0 };
	size_t i;
	int ret;

	if (!size || size % liburing_kvm_page_size())
		return -EINVAL;
	ret = count_pieces(set, size);
	for (i = 0; i < set->nr && !ret; i++)
		ret = push_pieces(&pieces, &set->ranges[i], size);
	return replace(set, &pieces, ret);
}
