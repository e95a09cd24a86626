// SPDX-License-Identifier: MIT
/* The life of a session. */
#include <errno.h>
#include <stdio.h>

#include "session.h"

int kvm_prefault_session_choose(const struct kvm_prefault_session_options *options,
				char *reason, size_t size)
{
	struct kvm_prefault_session *session;
	int saved_errno = errno;
	int ret = liburing_kvm_session_new(&session, options, reason, size);

	if (!ret) {
		ret = session->ops->path;
		liburing_kvm_session_free(session);
	}
	errno = saved_errno;
	return ret;
}

int kvm_prefault_session_create(struct kvm_prefault_session **result,
				const struct kvm_prefault_session_options *options)
{
	struct kvm_prefault_session *session;
	int saved_errno = errno;
	int ret;

	if (!result)
		return -EINVAL;
	ret = liburing_kvm_session_new(&session, options, NULL, 0);
	if (!ret && session->ops->open) {
		ret = session->ops->open(session);
		if (ret)
			liburing_kvm_session_free(session);
	}
	if (!ret)
		*result = session;
	errno = saved_errno;
	return ret;
}

/* Waits until the thread is gone; -EBUSY if a request is in the caller's ring. */
static int stop(struct kvm_prefault_session *session)
{
	int ret = kvm_prefault_session_cancel(session);

	if (ret)
		return ret;
	pthread_mutex_lock(&session->lock);
	if (!session->has_thread && (session->in_slice || session->in_timeout))
		ret = -EBUSY;
	pthread_mutex_unlock(&session->lock);
	if (!ret && session->has_thread)
		pthread_join(session->thread, NULL);
	return ret;
}

int kvm_prefault_session_destroy(struct kvm_prefault_session *session)
{
	int saved_errno = errno;
	int ret = 0;

	if (!session)
		return 0;
	if (!liburing_kvm_session_check(session)) {
		ret = stop(session);
		if (!ret && session->chosen->close)
			session->chosen->close(session);
	}
	if (!ret)
		liburing_kvm_session_free(session);
	errno = saved_errno;
	return ret;
}

const char *kvm_prefault_session_reason(const struct kvm_prefault_session *session)
{
	return session->reason;
}
