/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Accesses by guests: some pages, read or written, and how that ended.  The guest
 * of the VMM library writes to all of its memory, and whatever stops it is an
 * error; here it is one of the outcomes to look at.
 */
#ifndef FUZZ_ACCESS_H
#define FUZZ_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct kvm_run;

/* The outcome of a guest's accesses. */
enum guest_end {
	GUEST_HALTED,		/* all are done */
	GUEST_FAULT,		/* KVM_RUN says EFAULT */
	GUEST_POISON,		/* SIGBUS, or EHWPOISON */
	GUEST_MMIO,		/* no memslot, or a read-only one */
	GUEST_RING_FULL,
	GUEST_INTERRUPTED,
	GUEST_OTHER,
};

struct guest_access {
	uint64_t gpa;
	uint64_t nr_pages;
	bool write;
	uint64_t value;		/* that is written, or was read last */
	/* How KVM_RUN ended. */
	int error;
	unsigned int exit_reason;
};

/* The program that goes to guest-physical address 0, in memory that stays. */
void *access_map_program(uint64_t memory_end);
/* 0 or a negative errno. */
int access_prepare_vcpu(int fd);
enum guest_end access_run(int fd, struct kvm_run *run, struct guest_access *access);
const char *guest_end_name(enum guest_end end);
/* Catches SIGBUS and the signals that interrupt calls. */
void guest_catch_signals(void);

#endif /* FUZZ_ACCESS_H */
