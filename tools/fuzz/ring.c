// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "ring.h"

static void ring_report(const struct thread *thread)
{
	const struct ring *ring = thread->ring;
	char path[64], line[256];
	unsigned int i;
	FILE *file;

	if (!ring->open)
		return;
	for (i = 0; i < MAX_COMMANDS; i++)
		if (ring->commands[i].used)
			printf("#   command %lx, SQE flags 0x%x: %s\n",
			       ring->commands[i].data, ring->commands[i].sqe_flags,
			       ring->commands[i].call.text);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring->uring.ring_fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		printf("#   %s", line);
	if (file)
		fclose(file);
}

/* Some of them may be closed: then there are holes. */
static void register_vms(struct ring *ring)
{
	unsigned int i;
	int fd;

	io_uring_register_files_sparse(&ring->uring, NR_VMS);
	for (i = 0; i < NR_VMS; i++) {
		fd = VM_FD(i);
		io_uring_register_files_update(&ring->uring, i, &fd, 1);
	}
}

OUTCOME(uring_plain, "batch by a plain ring");
OUTCOME(uring_sqpoll, "batch by an SQPOLL ring");
OUTCOME(uring_defer, "batch by a DEFER_TASKRUN ring");
STEP(ring_reopen, 3, "open a ring");

void ring_open(struct thread *thread)
{
	static const struct {
		unsigned int flags;
		const struct step *count;
	} modes[] = {
		{ 0, &step_uring_plain },
		{ IORING_SETUP_COOP_TASKRUN, &step_uring_plain },
		{ IORING_SETUP_SINGLE_ISSUER, &step_uring_plain },
		{ IORING_SETUP_SQPOLL, &step_uring_sqpoll },
		{ IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		  &step_uring_defer },
		{ IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
		  IORING_SETUP_TASKRUN_FLAG, &step_uring_defer },
	};
	unsigned int mode = rng_below(&thread->rng, ARRAY_SIZE(modes));
	struct io_uring_params params = {
		.flags = modes[mode].flags,
		.sq_thread_idle = 1,
	};
	struct ring *ring = thread->ring;
	int ret;

	call_begin(thread, "open a ring of kind %u", mode);
	do {
		ret = io_uring_queue_init_params(RING_ENTRIES, &ring->uring, &params);
	} while (ret == -EINTR);
	count_call(&step_ring_reopen, ret);
	if (ret)
		violation(thread, "no ring: %s", strerror(-ret));
	memset(ring->commands, 0, sizeof(ring->commands));
	ring->nr_commands = 0;
	ring->nr_cancels = 0;
	ring->uncopied = false;
	ring->mode = modes[mode].count;
	ring->open = true;
	thread->report = ring_report;

	register_vms(ring);
	call_end(thread);
}

OUTCOME(ring_close_busy, "close a ring with commands in it");

void ring_close(struct thread *thread)
{
	struct ring *ring = thread->ring;

	if (!ring->open)
		return;
	ring_reap(thread);
	call_begin(thread, "close a ring");
	io_uring_queue_exit(&ring->uring);
	call_end(thread);
	if (ring->nr_commands)
		count_call(&step_ring_close_busy, 0);
	ring->open = false;
}

static void make_ring_reopen(struct thread *thread)
{
	bool busy = rng_percent(&thread->rng, 60);

	if (!busy)
		ring_drain(thread);
	ring_close(thread);
	ring_open(thread);
}

struct command *ring_command(struct ring *ring)
{
	unsigned int i;

	for (i = 0; i < MAX_COMMANDS; i++) {
		if (!ring->commands[i].used) {
			memset(&ring->commands[i], 0, sizeof(ring->commands[i]));
			ring->commands[i].used = true;
			ring->nr_commands++;
			return &ring->commands[i];
		}
	}
	return NULL;
}

struct io_uring_sqe *ring_sqe(struct thread *thread)
{
	struct ring *ring = thread->ring;
	struct io_uring_sqe *sqe;

	while (!(sqe = io_uring_get_sqe(&ring->uring)))
		ring_submit(thread);
	memset(sqe, 0, sizeof(*sqe));
	ring->sqes_since++;
	return sqe;
}

void ring_submit(struct thread *thread)
{
	struct ring *ring = thread->ring;
	int ret;

	/* An SQE that is refused as such stops the submission behind it. */
	while (io_uring_sq_ready(&ring->uring)) {
		ret = io_uring_submit(&ring->uring);
		if (ret < 0 && ret != -EINTR && ret != -EBUSY && ret != -EAGAIN)
			violation(thread, "io_uring_submit: %s", strerror(-ret));
		ring_reap(thread);
		sched_yield();
	}
}

OUTCOME(uring_refused, "batch by a ring, bad arguments");
OUTCOME(uring_bad_sqe, "batch by a ring, bad SQE");

static void command_check(struct thread *thread, struct command *command, int result)
{
	const struct call *call = &command->call;
	bool good = !call->shaky && !call->refused && !command->bad_sqe;
	unsigned int i;

	/* The call is not looked at. */
	if (command->bad_sqe)
		command->call.refused = command->bad_sqe;
	call_check(thread, &command->call, result);

	if (command->bad_sqe)
		count_result(&step_uring_bad_sqe, result, result == -command->bad_sqe);
	else
		call_count(call, NULL, &step_uring_refused, result);
	for (i = 0; good && i < command->nr_counts; i++)
		count_call(command->counts[i], result);
}

static bool ring_is_empty(const struct ring *ring)
{
	return !ring->nr_commands && !ring->nr_cancels;
}

static void command_done(struct thread *thread, const struct io_uring_cqe *cqe)
{
	struct ring *ring = thread->ring;
	struct command *command;
	unsigned int i;

	for (i = 0; i < MAX_COMMANDS; i++) {
		command = &ring->commands[i];
		if (command->used && command->data == cqe->user_data) {
			command_check(thread, command, cqe->res);
			call_free(&command->call);
			command->used = false;
			ring->nr_commands--;
			return;
		}
	}
	violation(thread, "a CQE for 0x%llx, which was not asked for or came twice",
		  cqe->user_data);
}

static void completion(struct thread *thread, const struct io_uring_cqe *cqe)
{
	struct ring *ring = thread->ring;

	if (cqe->user_data & DATA_CANCEL) {
		cancel_check(thread, cqe);
		ring->nr_cancels--;
	} else {
		command_done(thread, cqe);
	}
	if (ring_is_empty(ring))
		ring->uncopied = false;
}

void ring_reap(struct thread *thread)
{
	struct ring *ring = thread->ring;
	struct io_uring_cqe *cqe;

	/* With DEFER_TASKRUN there are none until asked for. */
	if (ring->mode == &step_uring_defer)
		io_uring_get_events(&ring->uring);
	while (!io_uring_peek_cqe(&ring->uring, &cqe)) {
		struct io_uring_cqe copy = *cqe;

		io_uring_cqe_seen(&ring->uring, cqe);
		completion(thread, &copy);
	}
}

void ring_drain(struct thread *thread)
{
	struct __kernel_timespec tick = { .tv_nsec = 20 * 1000 * 1000 };
	struct ring *ring = thread->ring;
	struct io_uring_cqe *cqe;

	if (!ring->open)
		return;
	call_waits(thread, "wait for %u commands and %u that cancel", ring->nr_commands,
		   ring->nr_cancels);
	while (!ring_is_empty(ring)) {
		io_uring_wait_cqe_timeout(&ring->uring, &cqe, &tick);
		ring_reap(thread);
	}
	call_end(thread);
}
