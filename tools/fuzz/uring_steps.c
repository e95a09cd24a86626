// SPDX-License-Identifier: GPL-2.0
/* Commands and their cancellation. */
#include <errno.h>
#include <string.h>

#include "machine.h"
#include "place.h"
#include "ring.h"

STEP(uring, 340, "batch by a ring");
OUTCOME(uring_linked, "batch by linked SQEs");
OUTCOME(uring_drained, "batch by a drained SQE");
OUTCOME(uring_async, "batch by an IOSQE_ASYNC SQE");
OUTCOME(uring_fixed, "batch on a fixed file");

/* Cancel requests look for what the last steps have submitted. */
static uint64_t data_of(uint64_t step, unsigned int nr)
{
	return step << 4 | nr;
}

static void count_as(struct command *command, const struct step *step)
{
	command->counts[command->nr_counts++] = step;
}

/* Fields that have to be refused. */
static void spoil_sqe(struct command *command, struct io_uring_sqe *sqe,
		      struct rng *rng)
{
	struct kvm_map_memory_cmd *cmd = (void *)sqe->cmd;

	command->bad_sqe = EINVAL;
	switch (rng_below(rng, 8)) {
	case 0:
		sqe->addr = 1 + rng_below(rng, 1U << 31);
		break;
	case 1:
		sqe->len = 1 + rng_below(rng, 1U << 31);
		break;
	case 2:
		sqe->buf_index = 1 + rng_below(rng, 0xffff);
		break;
	case 3:
		cmd->reserved = 1ULL << rng_below(rng, 64);
		break;
	case 4:
		/* The word behind cmd_op. */
		sqe->off |= 1ULL << (32 + rng_below(rng, 32));
		break;
	case 5:
		sqe->rw_flags = 2U << rng_below(rng, 31);
		break;
	case 6:
		command->bad_sqe = EOPNOTSUPP;
		sqe->off = KVM_MAP_MEMORY_BATCH + 1 + rng_below(rng, 256);
		break;
	default:
		/* No file that has commands. */
		command->bad_sqe = EOPNOTSUPP;
		sqe->fd = machine.kvm_fd;
		break;
	}
}

static unsigned int random_sqe_flags(struct command *command, struct rng *rng,
				     bool may_drain, bool last)
{
	unsigned int flags = 0;

	if (rng_percent(rng, 20)) {
		flags |= IOSQE_ASYNC;
		count_as(command, &step_uring_async);
	}
	if (rng_percent(rng, 10) && may_drain) {
		flags |= IOSQE_IO_DRAIN;
		count_as(command, &step_uring_drained);
	}
	if (!last) {
		flags |= rng_percent(rng, 50) ? IOSQE_IO_LINK : IOSQE_IO_HARDLINK;
		count_as(command, &step_uring_linked);
	}
	return flags;
}

/* Shared by the SQEs of a step. */
struct group {
	unsigned int vm;
	unsigned int nr;
	bool linked;
	/* Which one has fields that have to be refused; @nr if none has. */
	unsigned int bad;
};

static void prepare(struct thread *thread, const struct group *group, unsigned int nr)
{
	struct kvm_map_memory_cmd cmd = {};
	struct ring *ring = thread->ring;
	struct rng *rng = &thread->rng;
	struct command *command;
	struct io_uring_sqe *sqe;
	bool last = !group->linked || nr + 1 == group->nr;
	bool fixed = rng_percent(rng, 15), bad = nr == group->bad;

	while (!(command = ring_command(ring)))
		ring_drain(thread);
	command->data = data_of(thread->step, nr);
	count_as(command, &step_uring);
	count_as(command, ring->mode);
	call_make(&command->call, ENTRY_URING, group->vm, rng);

	sqe = ring_sqe(thread);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fixed ? group->vm : VM_FD(group->vm);
	sqe->off = KVM_MAP_MEMORY_BATCH;
	sqe->user_data = command->data;
	sqe->flags = random_sqe_flags(command, rng, group->bad == group->nr, last);
	cmd.batch = command->call.address;
	memcpy(sqe->cmd, &cmd, sizeof(cmd));
	if (fixed) {
		sqe->flags |= IOSQE_FIXED_FILE;
		count_as(command, &step_uring_fixed);
	}
	if (bad) {
		sqe->flags &= ~IOSQE_FIXED_FILE;
		sqe->fd = VM_FD(group->vm);
		spoil_sqe(command, sqe, rng);
	}
	command->sqe_flags = sqe->flags;
	if (sqe->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_IO_DRAIN))
		ring->uncopied = true;
	call_begin(thread, "command %lx on VM %u, SQE flags 0x%x%s: %s",
		   command->data, group->vm, sqe->flags, bad ? ", bad SQE" : "",
		   command->call.text);
}

static void prepare_cancel(struct thread *thread, unsigned int how, unsigned int vm,
			   uint64_t data, bool all)
{
	struct io_uring_sqe *sqe = ring_sqe(thread);

	switch (how) {
	case 0:
		io_uring_prep_cancel64(sqe, data, 0);
		break;
	case 1:
		io_uring_prep_cancel_fd(sqe, VM_FD(vm),
					all ? IORING_ASYNC_CANCEL_ALL : 0);
		break;
	default:
		io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
		break;
	}
	sqe->user_data = DATA_CANCEL | how;
	if (how == 0 || (how == 1 && !all))
		sqe->user_data |= DATA_ONE;
	thread->ring->nr_cancels++;
	call_begin(thread, "cancel by %u: command %lx, VM %u, all %d", how, data, vm,
		   all);
}

/*
 * Of an SQE that is refused at once Linux 6.12 posts the CQE while one with
 * IOSQE_IO_DRAIN still waits for those before it, and counts it as one of them.
 * The other one then waits for good: no bad SQE is submitted beside it.  The one that
 * waits can also be a request to cancel, if it is the next one after linked SQEs that
 * are drained.
 */
static void make_uring(struct thread *thread)
{
	struct rng *rng = &thread->rng;
	struct group group = {
		.vm = rng_below(rng, NR_VMS),
		.nr = 1 + rng_below(rng, 3),
		.linked = rng_percent(rng, 30),
	};
	bool cancel = rng_percent(rng, 20), first = rng_percent(rng, 50);
	unsigned int how = rng_below(rng, 3), i;
	struct ring *ring = thread->ring;

	group.bad = rng_percent(rng, 12) ? rng_below(rng, group.nr) : group.nr;

	/* None of them may be overwritten before it was copied. */
	if (ring->nr_commands + group.nr > MAX_COMMANDS ||
	    (ring->uncopied && ring->sqes_since > RING_ENTRIES / 2) ||
	    (ring->uncopied && group.bad < group.nr))
		ring_drain(thread);
	if (!ring->uncopied)
		ring->sqes_since = 0;

	for (i = 0; i < group.nr; i++)
		prepare(thread, &group, i);
	/* Whether they have begun to run or not. */
	if (cancel && first)
		ring_submit(thread);
	if (cancel)
		prepare_cancel(thread, how, group.vm,
			       data_of(thread->step, group.nr - 1), false);
	ring_submit(thread);
	call_end(thread);
	ring_reap(thread);
}

STEP(cancel_data, 40, "cancel by user_data");
STEP(cancel_fd, 40, "cancel by descriptor");
STEP(cancel_any, 40, "cancel anything");

/* By the way to cancel. */
static const struct step * const cancels[] = {
	&step_cancel_data, &step_cancel_fd, &step_cancel_any,
};

void cancel_check(struct thread *thread, const struct io_uring_cqe *cqe)
{
	int res = cqe->res;

	/* It can be cancelled itself while it waits for one that is drained. */
	if (res < 0 && res != -ENOENT && res != -EALREADY && res != -EBADF &&
	    res != -ECANCELED)
		violation(thread, "a cancel request ended with %s", strerror(-res));
	/* EALREADY: the command was running, and was told to end. */
	count_result(cancels[cqe->user_data & 3], res, res == -EALREADY || res > 0 ||
		     (res == 0 && (cqe->user_data & DATA_ONE)));
}

static void cancel(struct thread *thread, unsigned int how)
{
	unsigned int vm = rng_below(&thread->rng, NR_VMS);
	uint64_t back = rng_below(&thread->rng, 6);
	uint64_t data = data_of(thread->step - back, rng_below(&thread->rng, 3));

	prepare_cancel(thread, how, vm, data, rng_percent(&thread->rng, 50));
	ring_submit(thread);
	call_end(thread);
	ring_reap(thread);
}

static void make_cancel_data(struct thread *thread)
{
	cancel(thread, 0);
}

static void make_cancel_fd(struct thread *thread)
{
	cancel(thread, 1);
}

static void make_cancel_any(struct thread *thread)
{
	cancel(thread, 2);
}
