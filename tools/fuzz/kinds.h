/* SPDX-License-Identifier: GPL-2.0 */
/* The fuzzer's calls by kind, and how often they succeeded. */
#ifndef FUZZ_KINDS_H
#define FUZZ_KINDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A call that has to be refused succeeds when it is. */
#define FUZZ_KINDS(K)						\
	K(VCPU_MAP, "KVM_MAP_MEMORY")				\
	K(VCPU_REFUSED, "KVM_MAP_MEMORY, bad arguments")	\
	K(BATCH, "batch by ioctl")				\
	K(BATCH_REFUSED, "batch by ioctl, bad arguments")	\
	K(URING, "batch by a plain ring")			\
	K(URING_SQPOLL, "batch by an SQPOLL ring")		\
	K(URING_DEFER, "batch by a DEFER_TASKRUN ring")		\
	K(URING_LINKED, "batch by linked SQEs")			\
	K(URING_DRAINED, "batch by a drained SQE")		\
	K(URING_ASYNC, "batch by an IOSQE_ASYNC SQE")		\
	K(URING_FIXED, "batch on a fixed file")			\
	K(URING_REFUSED, "batch by a ring, bad arguments")	\
	K(URING_BAD_SQE, "batch by a ring, bad SQE")		\
	K(SHAKY, "arguments in memory that others change")	\
	K(CHILD, "calls of another process")			\
	K(CANCEL_DATA, "cancel by user_data")			\
	K(CANCEL_FD, "cancel by descriptor")			\
	K(CANCEL_ANY, "cancel anything")			\
	K(RING_OPEN, "open a ring")				\
	K(RING_CLOSE_BUSY, "close a ring with commands in it")	\
	K(PRE_FAULT, "KVM_PRE_FAULT_MEMORY")			\
	K(VCPU_RUN, "KVM_RUN")					\
	K(VM_CREATE, "create a VM")				\
	K(VM_CLOSE, "close a VM")				\
	K(VM_CLOSE_COPY, "close a copy of a VM's descriptor")	\
	K(VCPU_CREATE, "create a vCPU")				\
	K(SLOT_CREATE, "create a memslot")			\
	K(SLOT_DELETE, "delete a memslot")			\
	K(SLOT_MOVE, "move a memslot")				\
	K(SLOT_FLAGS, "switch dirty logging")			\
	K(DIRTY_GET, "get the dirty log")			\
	K(DIRTY_CLEAR, "clear the dirty log")			\
	K(DIRTY_RING, "reset dirty rings")			\
	K(ATTRIBUTES, "set memory attributes")			\
	K(GMEM_PUNCH, "punch a guest_memfd")			\
	K(MMAP, "mmap")						\
	K(MUNMAP, "munmap")					\
	K(MPROTECT, "mprotect")					\
	K(MREMAP, "mremap")					\
	K(MADVISE, "madvise")					\
	K(POPULATE, "populate")					\
	K(COLLAPSE, "collapse into huge pages")			\
	K(MERGE, "have KSM merge")				\
	K(POISON, "poison a page")				\
	K(PUNCH, "punch a memfd")				\
	K(TRUNCATE, "truncate a memfd")				\
	K(HOST_WRITE, "write by the host")			\
	K(UFFD, "userfaultfd")					\
	K(FORK, "fork")						\
	K(SIGNAL, "signal a thread")				\
	K(STOP, "stop the process")				\
	K(AFFINITY, "change a thread's CPUs")			\
	K(FAIL_NTH, "fail an allocation of a call")

enum kind {
#define KIND_ENUM(id, ...) KIND_##id,
	FUZZ_KINDS(KIND_ENUM)
#undef KIND_ENUM
	NR_KINDS
};

#define NR_ERRNOS 134

struct kind_count {
	atomic_ulong calls;
	atomic_ulong ok;
	atomic_ulong errors[NR_ERRNOS];
};

/* Shared by the processes of a run. */
struct tally {
	struct kind_count kinds[NR_KINDS];
	atomic_ulong views;		/* pages that guest and host compared */
	atomic_ulong steps;
};

extern struct tally *tally;

/* @result is 0 or more, or a negative errno. */
void count_call(enum kind kind, int result);
/* The right result for the kind may be an error. */
void count_result(enum kind kind, int result, bool ok);

/* Whether no call of some kind has succeeded yet that could. */
bool kinds_are_left(bool stopping);
/* Prints a TAP result for each kind; returns how many have failed. */
int report_kinds(int first_number, bool stopping);
/* Why this machine cannot do @kind, or NULL. */
const char *kind_missing(enum kind kind);

#endif /* FUZZ_KINDS_H */
