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
	/* Maps bytes of it, anywhere or, if where is given, there. */
	void *(*map)(void *where, uint64_t bytes);
	/* Reports why this machine has none. */
	int (*check)(const struct memory_kind *kind, uint64_t bytes,
		     struct failure *failure);
};

/*
 * Behind the declarator of a kind, or of an array of them: adds them to those
 * that there are, whichever object of the program they are in.  The linker puts
 * them one behind the other; that is why they have the alignment of their type.
 */
#define MEMORY_KINDS \
	__attribute__((used, section("memory_kinds"), \
		       aligned(__alignof__(struct memory_kind))))

extern const struct memory_kind __start_memory_kinds[];
extern const struct memory_kind __stop_memory_kinds[];

#define for_each_memory_kind(kind) \
	for ((kind) = __start_memory_kinds; (kind) < __stop_memory_kinds; \
	     (kind)++)

const struct memory_kind *memory_kind_find(const char *name);
/* The size asked for, in whole pages. */
uint64_t memory_kind_round(const struct memory_kind *kind, uint64_t size);

struct memory {
	uint8_t *host;
	uint64_t bytes;
	/* Address space around host, for its alignment. */
	void *reserved;
	uint64_t reserved_bytes;
};

/* After check.  Nothing is allocated yet: pages come when they are touched. */
int memory_map(struct memory *memory, const struct memory_kind *kind,
	       uint64_t bytes, struct failure *failure);
void memory_unmap(struct memory *memory);
/* Bytes of this process that are in memory, huge pages included. */
uint64_t memory_resident(void);

#endif
