// SPDX-License-Identifier: MIT
/* Working sets from the host: pages of a process, by pagemap and by mincore(). */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "working_set.h"

/* Pages that are looked at in one call. */
#define PAGES_A_CALL	2048

/* Bits of an entry of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT		(1ULL << 63)
#define PAGEMAP_SOFT_DIRTY	(1ULL << 55)

/* A piece of guest memory, with its place in a process. */
struct piece {
	__u64 base;
	__u64 host;
	__u64 nr_pages;
	__u64 page_size;
};

/* Goes on by a page, and appends it if it belongs into the set. */
static int next_page(struct kvm_working_set *found, struct piece *piece,
		     int belongs)
{
	__u64 base = piece->base;

	piece->base += piece->page_size;
	return belongs ? liburing_kvm_range_append(found, base,
						   piece->page_size) : 0;
}

/* Reads the entries of the first pages, at most PAGES_A_CALL; returns how many. */
static ssize_t read_pagemap(int fd, const struct piece *piece, __u64 *entries)
{
	__u64 nr = piece->nr_pages < PAGES_A_CALL ? piece->nr_pages : PAGES_A_CALL;
	off_t offset = piece->host / piece->page_size * sizeof(*entries);
	ssize_t bytes;

	do {
		bytes = pread(fd, entries, nr * sizeof(*entries), offset);
	} while (bytes < 0 && errno == EINTR);
	if (bytes < 0)
		return -errno;
	/* Of a process that has ended, nothing is read. */
	return bytes < (ssize_t)sizeof(*entries) ? -ESRCH :
	       bytes / (ssize_t)sizeof(*entries);
}

static int append_pagemap(struct kvm_working_set *found, int fd,
			  struct piece *piece, __u64 wanted)
{
	__u64 entries[PAGES_A_CALL];
	ssize_t nr, i;
	int ret = 0;

	while (piece->nr_pages && !ret) {
		nr = read_pagemap(fd, piece, entries);
		if (nr < 0)
			return nr;
		for (i = 0; i < nr && !ret; i++)
			ret = next_page(found, piece,
					(entries[i] & wanted) == wanted);
		piece->host += nr * piece->page_size;
		piece->nr_pages -= nr;
	}
	return ret;
}

int kvm_working_set_add_pagemap(struct kvm_working_set *set, int pagemap_fd,
				__u64 host_address, __u64 base_address,
				__u64 size, unsigned int properties)
{
	struct kvm_working_set found = { 0 };
	struct piece piece = { .base = base_address, .host = host_address };
	int saved_errno = errno, ret;
	__u64 wanted = 0;

	if (properties & KVM_WORKING_SET_PRESENT)
		wanted |= PAGEMAP_PRESENT;
	if (properties & KVM_WORKING_SET_SOFT_DIRTY)
		wanted |= PAGEMAP_SOFT_DIRTY;
	if (!wanted || properties & ~(KVM_WORKING_SET_PRESENT |
				      KVM_WORKING_SET_SOFT_DIRTY) ||
	    liburing_kvm_range_check(base_address, size) < 0 ||
	    liburing_kvm_range_check(host_address, size) < 0)
		return -EINVAL;
	piece.page_size = liburing_kvm_page_size();
	piece.nr_pages = size / piece.page_size;
	ret = append_pagemap(&found, pagemap_fd, &piece, wanted);
	errno = saved_errno;
	return liburing_kvm_working_set_take(set, &found, ret);
}

static int append_mincore(struct kvm_working_set *found, void *host,
			  struct piece *piece)
{
	unsigned char in_memory[PAGES_A_CALL];
	__u64 nr, i;
	int ret = 0;

	for (; piece->nr_pages && !ret; piece->nr_pages -= nr) {
		nr = piece->nr_pages < PAGES_A_CALL ? piece->nr_pages :
						      PAGES_A_CALL;
		if (mincore(host, nr * piece->page_size, in_memory) < 0)
			return -errno;
		for (i = 0; i < nr && !ret; i++)
			ret = next_page(found, piece, in_memory[i] & 1);
		host = (char *)host + nr * piece->page_size;
	}
	return ret;
}

int kvm_working_set_add_mincore(struct kvm_working_set *set, void *host,
				__u64 base_address, __u64 size)
{
	struct kvm_working_set found = { 0 };
	struct piece piece = { .base = base_address };
	int saved_errno = errno, ret;

	if (liburing_kvm_range_check(base_address, size) < 0 ||
	    liburing_kvm_range_check((unsigned long)host, size) < 0)
		return -EINVAL;
	piece.page_size = liburing_kvm_page_size();
	piece.nr_pages = size / piece.page_size;
	ret = append_mincore(&found, host, &piece);
	errno = saved_errno;
	return liburing_kvm_working_set_take(set, &found, ret);
}
