// SPDX-License-Identifier: MIT
/* The thread of a session that has no ring of the caller. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "session.h"

static void run_slice(struct kvm_prefault_session *session)
{
	const struct path_ops *ops = session->ops;
	int ret;

	pthread_mutex_unlock(&session->lock);
	ret = ops->run(session, &session->slice);
	pthread_mutex_lock(&session->lock);
	liburing_kvm_slice_done(session, ret);
}

/*
 * In a batch KVM does this by itself.  Threads that this one makes inherit it; anybody
 * may go to that policy, so that only a sandbox can refuse it.
 */
static void go_to_background(const struct kvm_prefault_session *session)
{
	const struct sched_param param = { .sched_priority = 0 };

	if ((session->flags & KVM_PREFAULT_SESSION_BACKGROUND) &&
	    session->ops->path > KVM_PREFAULT_PATH_IOCTL)
		sched_setscheduler(0, SCHED_IDLE, &param);
}

void *liburing_kvm_session_thread(void *data)
{
	struct kvm_prefault_session *session = data;
	__u64 until = 0;

	pthread_setname_np(pthread_self(), "kvm-prefault");
	go_to_background(session);
	pthread_mutex_lock(&session->lock);
	for (;;) {
		switch (liburing_kvm_next_step(session, &until)) {
		case STEP_SLICE:
			run_slice(session);
			break;
		case STEP_SLEEP:
			liburing_kvm_wait_until(session, until);
			break;
		case STEP_NONE:
			pthread_cond_wait(&session->changed, &session->lock);
			break;
		case STEP_ENDED:
			pthread_mutex_unlock(&session->lock);
			return NULL;
		}
	}
}

/* Signals are for the caller's own threads. */
static int make_thread(struct kvm_prefault_session *session,
		       const pthread_attr_t *attr)
{
	int ret, detached = PTHREAD_CREATE_JOINABLE;
	sigset_t all, old;

	if (attr)
		pthread_attr_getdetachstate(attr, &detached);
	if (detached != PTHREAD_CREATE_JOINABLE)
		return -EINVAL;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&session->thread, attr,
			     liburing_kvm_session_thread, session);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!ret)
		session->has_thread = 1;
	return -ret;
}

static int start(struct kvm_prefault_session *session, const pthread_attr_t *attr)
{
	int ret = 0;

	if (session->started || session->ended)
		return -EALREADY;
	/* Waits for the lock. */
	if (!(session->flags & KVM_PREFAULT_SESSION_CALLER_RING))
		ret = make_thread(session, attr);
	if (ret)
		return ret;
	session->started = 1;
	session->start_ns = liburing_kvm_now_ns();
	if (!session->has_thread)
		liburing_kvm_settle(session);
	return 0;
}

int kvm_prefault_session_start(struct kvm_prefault_session *session,
			       const pthread_attr_t *attr)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	ret = start(session, attr);
	pthread_mutex_unlock(&session->lock);
	return ret;
}
