/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest: a VM with its memory and a program that writes one word to every
 * 4 KiB page of it.
 *
 * Guest-physical memory has two parts.  The memory to be prepared begins at
 * GUEST_MEMORY_BASE.  Below, at 0, lie the few pages of the program, its code
 * and page tables (long_mode.h).
 */
#ifndef GUEST_H
#define GUEST_H

#include "memory.h"
#include "units.h"
#include "vm.h"

#define GUEST_MEMORY_BASE	(4 * GIB)
#define GUEST_MEMORY_MAX	(4 * TIB)

struct guest {
	struct vm vm;
	struct memory program;
	struct memory memory;
};

/* guest_destroy() may follow whatever it returns. */
int guest_create(struct guest *guest, int kvm_fd,
		 const struct memory_kind *kind, uint64_t bytes,
		 struct failure *failure);
void guest_destroy(struct guest *guest);
/*
 * Has a vCPU run until it halts.  The registers say where: guest_program.S is
 * at 0, and the upper half of its page is free for another program.
 */
int guest_run(struct guest *guest, unsigned int vcpu,
	      const struct kvm_regs *registers, struct failure *failure);
/* Has a vCPU write to every page of a range. */
int guest_write_range(struct guest *guest, unsigned int vcpu, uint64_t base,
		      uint64_t bytes, struct failure *failure);
/* Has vCPU 0 write to every page; returns how long that took. */
int guest_write_pages(struct guest *guest, double *seconds,
		      struct failure *failure);
/* Checks in host memory that every page of a range was written, or every page. */
int guest_check_range(const struct guest *guest, uint64_t base, uint64_t bytes,
		      struct failure *failure);
int guest_check_pages(const struct guest *guest, struct failure *failure);

#endif
