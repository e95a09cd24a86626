// SPDX-License-Identifier: MIT
/* News for those who wait: the condition, and the descriptor for poll(). */
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "session.h"

void liburing_kvm_news(struct kvm_prefault_session *session)
{
	int saved_errno = errno;

	pthread_cond_broadcast(&session->changed);
	/* It fails where there is news already, more than anybody counts. */
	(void)!eventfd_write(session->event_fd, 1);
	errno = saved_errno;
}

void liburing_kvm_wait_until(struct kvm_prefault_session *session, __u64 ns)
{
	struct timespec until = {
		.tv_sec = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	pthread_cond_timedwait(&session->changed, &session->lock, &until);
}

int liburing_kvm_session_check(const struct kvm_prefault_session *session)
{
	return session->pid == getpid() ? 0 : -EPERM;
}

int kvm_prefault_session_fd(const struct kvm_prefault_session *session)
{
	int ret = liburing_kvm_session_check(session);

	return ret ? ret : session->event_fd;
}

/* Of both waits: done() says whether the wait is over. */
static int wait_for(struct kvm_prefault_session *session, int timeout_ms,
		    int (*done)(const struct kvm_prefault_session *session))
{
	__u64 until = liburing_kvm_now_ns() + timeout_ms * (NSEC_PER_SEC / 1000);
	int ret = 0;

	while (!done(session) && !ret) {
		if (timeout_ms < 0)
			pthread_cond_wait(&session->changed, &session->lock);
		else if (liburing_kvm_now_ns() < until)
			liburing_kvm_wait_until(session, until);
		else
			ret = -ETIMEDOUT;
	}
	return ret;
}

static int has_ended(const struct kvm_prefault_session *session)
{
	return session->ended;
}

static int has_paused(const struct kvm_prefault_session *session)
{
	return session->ended || session->paused;
}

int kvm_prefault_session_wait(struct kvm_prefault_session *session, int timeout_ms)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	ret = wait_for(session, timeout_ms, has_ended);
	if (!ret)
		ret = session->sum.result;
	pthread_mutex_unlock(&session->lock);
	return ret;
}

int kvm_prefault_session_wait_paused(struct kvm_prefault_session *session,
				     int timeout_ms)
{
	int ret = liburing_kvm_session_check(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	ret = wait_for(session, timeout_ms, has_paused);
	pthread_mutex_unlock(&session->lock);
	return ret;
}
