/* SPDX-License-Identifier: GPL-2.0 */
/* Host memory for a guest, by kind of backing. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>
#include "failure.h"

struct memory_kind {
	const char *name;
	const char *summary;
	/* The host's pages: sizes are multiples, threads get whole ones. */
	uint64_t page_size;
	/* For mmap(): without MAP_ANONYMOUS it is a file of memfd_create(). */
	int map_flags;
	/* For madvise(), or MADV_NORMAL, which is 0. */
	int advice;
	/* Reports why this machine has none. */
	int (*check)(const struct memory_kind *kind, uint64_t bytes,
		     struct failure *failure);
};

/*
 * Behind the declarator of a kind, or of an array of them: adds them to the kinds
 * of the program, whichever of its objects they are in; an object of a library is
 * one of them only if another refers to it.  The linker puts the kinds one behind
 * the other; that is why they have the alignment of their type.
 */
#define MEMORY_KINDS \
	__attribute__((used, section("memory_kinds"), \
		       aligned(__alignof__(struct memory_kind))))

/* The most that a program can choose, for arrays of them. */
#define MEMORY_KINDS_MAX	16

/*
 * The ends of the list.  They are defined beside the kinds of the library, so
 * that the linker takes those into every program that reads the list.
 */
extern const struct memory_kind * const memory_kinds_begin;
extern const struct memory_kind * const memory_kinds_end;
/* The linker's names of the same, for the definitions only. */
extern const struct memory_kind __start_memory_kinds[];
extern const struct memory_kind __stop_memory_kinds[];

#define for_each_memory_kind(kind) \
	for ((kind) = memory_kinds_begin; (kind) < memory_kinds_end; (kind)++)

const struct memory_kind *memory_kind_find(const char *name);
/*
 * Those that a list names, separated by commas, or all.  chosen has room for
 * MEMORY_KINDS_MAX and a NULL.  0, or -1 and a reason.
 */
int memory_kinds_parse(const char *list, const struct memory_kind **chosen,
		       struct failure *failure);
/* The size asked for, in whole pages. */
uint64_t memory_kind_round(const struct memory_kind *kind, uint64_t size);

/*
 * The file that memory of the kind is in, which is the caller's to close; -1
 * if it is anonymous.  0, or a negative errno.
 */
int memory_kind_open(const struct memory_kind *kind, uint64_t bytes, int *fd);
/*
 * Maps a piece of it, in place of whatever is there.  0, or a negative errno.
 */
int memory_kind_map(const struct memory_kind *kind, int fd, void *where,
		    uint64_t offset, uint64_t bytes);

struct memory {
	uint8_t *host;
	uint64_t bytes;
	/* Address space around host, for its alignment. */
	void *reserved;
	uint64_t reserved_bytes;
};

/* Address space alone, as aligned as the kind's memory is. */
int memory_reserve(struct memory *memory, const struct memory_kind *kind,
		   uint64_t bytes, struct failure *failure);
/* After check.  Nothing is allocated yet: pages come when they are touched. */
int memory_map(struct memory *memory, const struct memory_kind *kind,
	       uint64_t bytes, struct failure *failure);
void memory_unmap(struct memory *memory);
/* Allocates all pages of a piece, in this thread; whole pages only. */
int memory_populate(uint8_t *host, uint64_t bytes, struct failure *failure);
/* Bytes of this process that are in memory, huge pages included. */
uint64_t memory_resident(void);

#endif
