/* SPDX-License-Identifier: GPL-2.0 */
/* The memory of a guest, in the address space of a VMM that runs. */
#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H

#include <stdint.h>
#include "failure.h"

#define GUEST_MEMORY_MAX_PIECES	64

struct guest_piece {
	uint64_t base;
	uint64_t host;
	uint64_t bytes;
};

struct guest_memory {
	unsigned int nr;
	struct guest_piece pieces[GUEST_MEMORY_MAX_PIECES];
};

/* Adds the piece that text names, GPA:HVA:SIZE.  0, or -1 and a reason. */
int guest_memory_add(struct guest_memory *memory, const char *text,
		     struct failure *failure);
/*
 * Takes the largest writable mapping of a process for the guest's memory, which is a
 * guess: up to below_4g bytes of it from guest-physical 0 on, and what is more from
 * 4 GiB on.  proc_fd is the process' directory in /proc.  0, or -1 and a reason.
 */
int guest_memory_guess(struct guest_memory *memory, int proc_fd,
		       uint64_t below_4g, struct failure *failure);
/* Whether the process has all of it mapped.  0, or -1 and a reason. */
int guest_memory_check(const struct guest_memory *memory, int proc_fd,
		       struct failure *failure);
uint64_t guest_memory_bytes(const struct guest_memory *memory);

#endif
