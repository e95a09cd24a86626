/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread's io_uring ring and the commands that are in it.
 *
 * The structures of a command belong to the kernel until its CQE was seen.  If a
 * ring is closed with commands in it, their CQEs are lost, so their structures are
 * never freed.
 */
#ifndef FUZZ_RING_H
#define FUZZ_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <liburing.h>

#include "call.h"
#include "fuzz.h"

#define RING_ENTRIES	64
#define MAX_COMMANDS	12

/* user_data of requests that are no command under test */
#define DATA_CANCEL	(1ULL << 63)
/* A cancel request for one command: 0 says that it was cancelled. */
#define DATA_ONE	(1ULL << 62)

struct command {
	bool used;
	uint64_t data;
	unsigned int sqe_flags;
	unsigned int nr_counts;		/* of what follows */
	const struct step *counts[6];
	/* The errno that the SQE's fields have to be refused with, or 0. */
	int bad_sqe;
	struct call call;
};

struct ring {
	bool open;
	struct io_uring uring;
	const struct step *mode;
	struct command commands[MAX_COMMANDS];
	unsigned int nr_commands;
	/* Requests that have had no CQE and are no commands. */
	unsigned int nr_cancels;
	/*
	 * Linux 6.12 reads SQEs that are linked or drained again when they
	 * start: these may not be overwritten until then.
	 */
	bool uncopied;
	unsigned int sqes_since;
};

void ring_open(struct thread *thread);
void ring_close(struct thread *thread);
struct command *ring_command(struct ring *ring);
struct io_uring_sqe *ring_sqe(struct thread *thread);
void ring_submit(struct thread *thread);
/* Takes the CQEs that are there, and checks what they say. */
void ring_reap(struct thread *thread);
/* Waits until nothing is in the ring. */
void ring_drain(struct thread *thread);

/* uring_steps.c: the end of a cancel request. */
void cancel_check(struct thread *thread, const struct io_uring_cqe *cqe);

#endif /* FUZZ_RING_H */
