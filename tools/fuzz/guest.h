/* SPDX-License-Identifier: GPL-2.0 */
/* The program of the guests. */
#ifndef FUZZ_GUEST_H
#define FUZZ_GUEST_H

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

/* Fills PROGRAM_SIZE bytes that go to guest-physical address 0. */
void guest_write_program(void *program);
int guest_prepare_vcpu(int fd);
enum guest_end guest_run(int fd, struct kvm_run *run, struct guest_access *access);
const char *guest_end_name(enum guest_end end);
/* Catches SIGBUS and the signals that interrupt calls. */
void guest_catch_signals(void);

#endif /* FUZZ_GUEST_H */
