// SPDX-License-Identifier: MIT
/* What a session does next, and what the result of a slice means. */
#include <errno.h>

#include "blocking.h"
#include "session.h"

/* Between two tries that map nothing. */
#define RETRY_NS	1000000ULL
/* Commands in a row that io_uring ended itself, before the ioctl is taken. */
#define MAX_LOST	10
/* Pages in a row that cannot be mapped, before giving up. */
#define MAX_ERRORS	1024
/* Of a slice after an error: a batch tries all pieces each time, and all may fail. */
#define FEW_PIECES	8

static void end_session(struct kvm_prefault_session *session)
{
	session->ended = 1;
	session->paused = 0;
	session->end_ns = liburing_kvm_now_ns();
	if (session->pause_ns) {
		session->paused_ns += session->end_ns - session->pause_ns;
		session->pause_ns = 0;
	}
	if (session->fatal)
		session->sum.result = session->fatal;
	else if (session->cancel)
		session->sum.result = -ECANCELED;
	else
		session->sum.result = session->sum.first_error;
}

/* Before others see that nothing is being mapped. */
static void leave_idle(struct kvm_prefault_session *session)
{
	if (session->has_thread && session->ops->idle)
		session->ops->idle(session);
}

static int ends(const struct kvm_prefault_session *session)
{
	return session->fatal || session->cancel ||
	       (!session->normal.nr && !session->urgent.nr);
}

static enum next_step begin_slice(struct kvm_prefault_session *session)
{
	struct queue *queue = session->urgent.nr ? &session->urgent : &session->normal;
	__u64 size = liburing_kvm_rate_slice(&session->rate, session->slice_size,
					     session->page_size);

	liburing_kvm_queue_take(queue, &session->slice, size,
				session->errors_in_row ? FEW_PIECES : MAX_PIECES);
	session->slice.urgent = queue == &session->urgent;
	session->in_slice = 1;
	session->slice_ns = liburing_kvm_now_ns();
	session->sum.slices++;
	atomic_store(&session->interrupt, 0);
	return STEP_SLICE;
}

static void begin_pause(struct kvm_prefault_session *session)
{
	leave_idle(session);
	session->paused = 1;
	session->pause_ns = liburing_kvm_now_ns();
	liburing_kvm_news(session);
}

static void end_pause(struct kvm_prefault_session *session)
{
	session->paused = 0;
	session->paused_ns += liburing_kvm_now_ns() - session->pause_ns;
	session->pause_ns = 0;
}

int liburing_kvm_settle(struct kvm_prefault_session *session)
{
	if (session->ended)
		return 1;
	/* Before the start a cancelled session ends, and others do nothing. */
	if (session->in_slice || (!session->started && !session->cancel))
		return 1;
	if (ends(session)) {
		leave_idle(session);
		end_session(session);
		liburing_kvm_news(session);
		return 1;
	}
	if (session->pause) {
		if (!session->paused)
			begin_pause(session);
		return 1;
	}
	if (session->paused)
		end_pause(session);
	return 0;
}

enum next_step liburing_kvm_next_step(struct kvm_prefault_session *session,
				      __u64 *until_ns)
{
	if (liburing_kvm_settle(session))
		return session->ended ? STEP_ENDED : STEP_NONE;
	*until_ns = session->retry_ns;
	if (session->rate.bytes_per_second && session->rate.next_ns > *until_ns)
		*until_ns = session->rate.next_ns;
	if (*until_ns > liburing_kvm_now_ns())
		return STEP_SLEEP;
	return begin_slice(session);
}

static void note_error(struct kvm_prefault_session *session, int error, __u64 address)
{
	if (session->sum.first_error)
		return;
	session->sum.first_error = error;
	session->sum.first_error_address = address;
}

static void give_up(struct kvm_prefault_session *session, int error)
{
	const struct slice *slice = &session->slice;
	unsigned int i = slice->first_undone < slice->nr ? slice->first_undone : 0;

	note_error(session, error, slice->pieces[i].base_address);
	session->fatal = error;
}

/*
 * Leaves out the page that cannot be mapped; and twice as much each time that the page
 * behind cannot be mapped either, so that a large hole takes few calls, and costs no
 * more of the memory behind it than its own size.
 */
static void leave_out(struct kvm_prefault_session *session, int error)
{
	struct slice *slice = &session->slice;
	struct kvm_memory_mapping *piece;

	if (slice->first_undone >= slice->nr ||
	    !slice->pieces[slice->first_undone].size ||
	    ++session->errors_in_row > MAX_ERRORS) {
		give_up(session, error);
		return;
	}
	piece = &slice->pieces[slice->first_undone];
	note_error(session, error, piece->base_address);
	if (piece->base_address == session->failed_end)
		session->failed_size *= 2;
	else
		session->failed_size = session->page_size;
	if (session->failed_size > piece->size)
		session->failed_size = piece->size;
	session->sum.bytes_failed += session->failed_size;
	piece->base_address += session->failed_size;
	piece->size -= session->failed_size;
	session->failed_end = piece->base_address;
}

/*
 * Where a limit keeps io_uring from making its thread, it ends each command with
 * ECANCELED.  The session's own thread can do without.
 */
static int take_ioctl(struct kvm_prefault_session *session, int error)
{
	if (error != -ECANCELED || session->idle_calls < MAX_LOST ||
	    session->ops != &liburing_kvm_path_uring || !session->has_thread)
		return 0;
	session->ops = &liburing_kvm_path_ioctl;
	if (session->slice_size > session->ops->slice_size)
		session->slice_size = session->ops->slice_size;
	session->idle_calls = 0;
	return 1;
}

static void retry(struct kvm_prefault_session *session, int error)
{
	session->idle_calls++;
	if (take_ioctl(session, error))
		return;
	if (session->idle_calls < MAX_IDLE_CALLS) {
		session->retry_ns = liburing_kvm_now_ns() + RETRY_NS;
		return;
	}
	session->idle_calls = 0;
	if (error == -EAGAIN)
		leave_out(session, error);
	else
		give_up(session, error);
}

static void judge(struct kvm_prefault_session *session, int ret)
{
	switch (ret) {
	case -EINTR:
	case -EAGAIN:
	case -ECANCELED:
		/* Asked for, or worth another try. */
		if (!atomic_load(&session->interrupt))
			retry(session, ret);
		break;
	case -ENOENT:
	case -EFAULT:
	case -EHWPOISON:
		leave_out(session, ret);
		break;
	default:
		if (ret < 0)
			give_up(session, ret);
	}
}

void liburing_kvm_slice_done(struct kvm_prefault_session *session, int ret)
{
	struct slice *slice = &session->slice;
	__u64 done = slice->bytes -
		     liburing_kvm_mappings_bytes(slice->pieces, slice->nr);
	__u64 idle = slice->present + slice->skipped;
	__u64 work = done > idle ? done - idle : 0;

	session->in_slice = 0;
	session->retry_ns = 0;
	session->sum.bytes_mapped += slice->mapped;
	session->sum.bytes_present += slice->present;
	session->sum.bytes_skipped += slice->skipped;
	session->sum.bytes_uncounted += slice->uncounted;
	if (session->sum.threads < slice->threads)
		session->sum.threads = slice->threads;
	if (done || slice->mapped) {
		session->idle_calls = 0;
		session->errors_in_row = 0;
	}
	/* The limit is for work: memory that was there is free. */
	liburing_kvm_rate_charge(&session->rate, session->slice_ns,
				 work > slice->mapped ? work : slice->mapped);
	judge(session, ret);
	liburing_kvm_queue_return(slice->urgent ? &session->urgent : &session->normal,
				  slice);
	liburing_kvm_news(session);
}
