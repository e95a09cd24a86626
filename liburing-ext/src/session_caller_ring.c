// SPDX-License-Identifier: MIT
/* A session whose slices the caller's ring runs, one request at a time. */
#include <errno.h>

#include "session.h"

static int prep_slice(struct kvm_prefault_session *session, struct io_uring_sqe *sqe)
{
	liburing_kvm_batch_init(session);
	io_uring_prep_cmd_kvm_map_memory(sqe, session->vm_fd, &session->batch);
	return 1;
}

/* To wait for the rate, or before another try. */
static int prep_sleep(struct kvm_prefault_session *session, struct io_uring_sqe *sqe,
		      __u64 until_ns)
{
	__u64 user_data = sqe->user_data;

	session->timeout.tv_sec = until_ns / NSEC_PER_SEC;
	session->timeout.tv_nsec = until_ns % NSEC_PER_SEC;
	memset(sqe, 0, sizeof(*sqe));
	io_uring_prep_timeout(sqe, &session->timeout, 0, IORING_TIMEOUT_ABS);
	sqe->user_data = user_data;
	session->in_timeout = 1;
	return 1;
}

static int prep(struct kvm_prefault_session *session, struct io_uring_sqe *sqe)
{
	__u64 until_ns = 0;

	if (session->in_timeout)
		return session->ended ? -EALREADY : 0;
	switch (liburing_kvm_next_step(session, &until_ns)) {
	case STEP_SLICE:
		return prep_slice(session, sqe);
	case STEP_SLEEP:
		return prep_sleep(session, sqe, until_ns);
	case STEP_ENDED:
		return -EALREADY;
	default:
		return 0;
	}
}

int kvm_prefault_session_prep(struct kvm_prefault_session *session,
			      struct io_uring_sqe *sqe)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	if (!(session->flags & KVM_PREFAULT_SESSION_CALLER_RING) || !sqe)
		return -EINVAL;
	pthread_mutex_lock(&session->lock);
	ret = prep(session, sqe);
	pthread_mutex_unlock(&session->lock);
	return ret;
}

int kvm_prefault_session_complete(struct kvm_prefault_session *session, int res)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	if (session->in_timeout) {
		session->in_timeout = 0;
	} else if (session->in_slice && !session->has_thread) {
		liburing_kvm_batch_done(session);
		liburing_kvm_slice_done(session, res);
		liburing_kvm_settle(session);
	} else {
		ret = -EINVAL;
	}
	pthread_mutex_unlock(&session->lock);
	return ret;
}
