/* SPDX-License-Identifier: MIT */
/*
 * Working sets: the pages of a guest that are worth mapping, as ranges of
 * guest-physical memory, from what is known of them, for KVM_MAP_MEMORY.
 *
 * A set holds each page once, in the order in which the pages were added.  That is
 * the order in which a batch maps them; kvm_working_set_sort() gives it up.
 * Addresses and sizes are in bytes, multiples of the host's page size.
 *
 * Functions return -errno on failure, print nothing and leave errno alone; a set
 * is then as it was before.  Sets share nothing: threads may use different sets at
 * the same time, and also call functions that take a const set on the same one.
 *
 * The functions are in the library liburing-kvm, and need no liburing.
 */
#ifndef KVM_WORKING_SET_H
#define KVM_WORKING_SET_H

#include <stddef.h>
#include <linux/kvm_map_memory.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of <linux/kvm.h>. */
struct kvm_dirty_gfn;

struct kvm_working_set;

/* More of them than this no set has: functions return -E2BIG. */
#define KVM_WORKING_SET_MAX_RANGES	(1U << 26)

/* An empty set, the caller's to destroy; NULL is none. */
int kvm_working_set_create(struct kvm_working_set **set);
void kvm_working_set_destroy(struct kvm_working_set *set);

/*
 * Add the pages of nr ranges that the set does not have, behind those it has, in
 * the order of the vector.  Ranges of size 0 are skipped, flags are not looked at.
 */
int kvm_working_set_add(struct kvm_working_set *set,
			const struct kvm_memory_mapping *ranges, size_t nr);
/* The same with the ranges of another set, in its order. */
int kvm_working_set_merge(struct kvm_working_set *set,
			  const struct kvm_working_set *other);
/* Keep only the pages that the other set has, too, in the order of the first. */
int kvm_working_set_intersect(struct kvm_working_set *set,
			      const struct kvm_working_set *other);
/*
 * Order by address, and make one range of those that lie at most gap bytes apart,
 * with the pages between them.
 */
void kvm_working_set_sort(struct kvm_working_set *set, __u64 gap);
/* Cut ranges at multiples of size, itself a multiple of the page size. */
int kvm_working_set_split(struct kvm_working_set *set, __u64 size);

/* The number of ranges, and the bytes in all of them. */
size_t kvm_working_set_count(const struct kvm_working_set *set);
__u64 kvm_working_set_bytes(const struct kvm_working_set *set);
/*
 * Fill in a vector for a batch, with the ranges from the index first on: nr of
 * them, but at most KVM_MAP_MEMORY_MAX_MAPPINGS.  Returns how many were left to
 * fill in; 0 behind the last.
 */
size_t kvm_working_set_mappings(const struct kvm_working_set *set, size_t first,
				struct kvm_memory_mapping *mappings, size_t nr,
				__u64 flags);

/*
 * Add the pages whose bits are set in a bitmap of KVM_GET_DIRTY_LOG, for a memory
 * slot of nr_pages that begins at base_address.
 */
int kvm_working_set_add_dirty_bitmap(struct kvm_working_set *set,
				     __u64 base_address, __u64 nr_pages,
				     const void *bitmap);

/* A memory slot, for the entries of a dirty ring. */
struct kvm_working_set_slot {
	/* As in the entries: the address space in the upper 16 bits. */
	__u32 slot;
	/* Must be 0. */
	__u32 reserved;
	__u64 base_address;
	__u64 size;
};

/*
 * Add the pages of at most nr entries of a dirty ring, up to the first that KVM has
 * not filled in.  Returns the number of entries read; INT_MAX at most.  Entries of
 * slots that are not given, or beyond the end of one, are skipped.  The entries stay
 * as they are: to mark them for KVM_RESET_DIRTY_RINGS is the caller's.
 */
int kvm_working_set_add_dirty_ring(struct kvm_working_set *set,
				   const struct kvm_dirty_gfn *entries,
				   unsigned int nr,
				   const struct kvm_working_set_slot *slots,
				   unsigned int nr_slots);

/* In memory, and not swapped out, say. */
#define KVM_WORKING_SET_PRESENT		(1U << 0)
/* Written since "4" was written to /proc/PID/clear_refs. */
#define KVM_WORKING_SET_SOFT_DIRTY	(1U << 1)

/*
 * Add the pages of size bytes of guest memory from base_address on that have all of
 * the properties given, KVM_WORKING_SET_*.  The file is /proc/PID/pagemap of the
 * process that has this memory at host_address.
 */
int kvm_working_set_add_pagemap(struct kvm_working_set *set, int pagemap_fd,
				__u64 host_address, __u64 base_address,
				__u64 size, unsigned int properties);
/*
 * The same for memory of the calling process, by mincore(): pages in memory, those
 * of files in the page cache included.
 */
int kvm_working_set_add_mincore(struct kvm_working_set *set, void *host,
				__u64 base_address, __u64 size);

/*
 * Write a set to a file, or add to a set what a file has, up to the file's end; the
 * format is described in kvm-working-set(5).  If line is not NULL, it becomes the
 * number of the line, from 1 on, that the file's error is in, else 0.
 */
int kvm_working_set_write(const struct kvm_working_set *set, int fd);
int kvm_working_set_read(struct kvm_working_set *set, int fd,
			 unsigned long *line);

#ifdef __cplusplus
}
#endif

#endif /* KVM_WORKING_SET_H */
