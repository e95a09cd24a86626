// SPDX-License-Identifier: MIT
/* What the VMM asks of a session while it runs. */
#include <errno.h>

#include "session.h"

/*
 * Ends the slice under way; its rest goes back to the queue.  With the lock, so that
 * the slice cannot be over, and the flag meet the next one.
 */
static void interrupt(struct kvm_prefault_session *session)
{
	if (!session->in_slice)
		return;
	atomic_store(&session->interrupt, 1);
	if (session->has_thread && session->ops->interrupt)
		session->ops->interrupt(session);
}

/* Wakes the thread; where there is none, does what it would do. */
static void changed(struct kvm_prefault_session *session)
{
	if (session->has_thread)
		pthread_cond_broadcast(&session->changed);
	else
		liburing_kvm_settle(session);
}

static int set_pause(struct kvm_prefault_session *session, int pause)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	if (session->ended) {
		ret = -EALREADY;
	} else if (session->pause != pause) {
		session->pause = pause;
		if (pause)
			interrupt(session);
		changed(session);
	}
	pthread_mutex_unlock(&session->lock);
	return ret;
}

int kvm_prefault_session_pause(struct kvm_prefault_session *session)
{
	return set_pause(session, 1);
}

int kvm_prefault_session_resume(struct kvm_prefault_session *session)
{
	return set_pause(session, 0);
}

int kvm_prefault_session_cancel(struct kvm_prefault_session *session)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	if (!session->ended && !session->cancel) {
		session->cancel = 1;
		interrupt(session);
		changed(session);
	}
	pthread_mutex_unlock(&session->lock);
	return 0;
}

int kvm_prefault_session_urgent(struct kvm_prefault_session *session,
				const struct kvm_memory_mapping *mappings,
				unsigned int nr_mappings)
{
	int ret = liburing_kvm_session_check(session);

	if (!ret)
		ret = liburing_kvm_check_mappings(session, mappings, nr_mappings);
	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	if (session->ended || session->cancel)
		ret = -EALREADY;
	else
		ret = liburing_kvm_queue_add(session, &session->urgent, mappings,
					     nr_mappings);
	if (!ret) {
		/* An urgent slice came first, and goes on. */
		if (!session->slice.urgent)
			interrupt(session);
		changed(session);
	}
	pthread_mutex_unlock(&session->lock);
	return ret;
}

int kvm_prefault_session_set_rate(struct kvm_prefault_session *session, __u64 rate)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	liburing_kvm_rate_set(&session->rate, rate);
	changed(session);
	pthread_mutex_unlock(&session->lock);
	return 0;
}
