/* SPDX-License-Identifier: MIT */
/* A working set from inside; no symbols of the library. */
#ifndef LIBURING_KVM_WORKING_SET_H
#define LIBURING_KVM_WORKING_SET_H

#include "kvm_working_set.h"

/*
 * Ranges are not empty and do not overlap.  A set that is being filled by
 * liburing_kvm_range_append() is none yet: its ranges may.
 */
struct kvm_working_set {
	struct kvm_memory_mapping *ranges;
	size_t nr;
	size_t capacity;
	/* Not below the end of any range. */
	__u64 end;
};

__u64 liburing_kvm_page_size(void);
/* 0; -EINVAL for an address or a size that no page has, or a wrap-around. */
int liburing_kvm_range_check(__u64 base, __u64 size);
/*
 * Both append a range; the second lets the last one grow instead if it ends where the
 * new one begins.  0, -ENOMEM or -E2BIG.
 */
int liburing_kvm_range_push(struct kvm_working_set *set, __u64 base, __u64 size);
int liburing_kvm_range_append(struct kvm_working_set *set, __u64 base,
			      __u64 size);
/* A sorted copy, the caller's to free; NULL if there is no memory. */
struct kvm_memory_mapping *
liburing_kvm_ranges_sorted(const struct kvm_working_set *set);
void liburing_kvm_ranges_sort(struct kvm_memory_mapping *ranges, size_t nr);
/*
 * Appends to a set the pieces of a range that are in the nr sorted ranges, if inside,
 * or else those that are not.
 */
int liburing_kvm_range_cut(struct kvm_working_set *to,
			   const struct kvm_memory_mapping *range,
			   const struct kvm_memory_mapping *sorted, size_t nr,
			   int inside);
/*
 * Adds what was appended to found, whose ranges are checked, and frees found's
 * ranges.  Does that alone if ret is an error, and returns it.
 */
int liburing_kvm_working_set_take(struct kvm_working_set *set,
				  struct kvm_working_set *found, int ret);

#endif /* LIBURING_KVM_WORKING_SET_H */
