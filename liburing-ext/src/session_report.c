// SPDX-License-Identifier: MIT
/* What a session has done until now. */
#include <errno.h>
#include <sys/eventfd.h>

#include "session.h"

/* The size of the first version, and one that none has. */
#define MIN_SIZE	(offsetof(struct kvm_prefault_session_report, slices) + 8)
#define MAX_SIZE	4096

static __u32 state(const struct kvm_prefault_session *session)
{
	if (session->ended)
		return KVM_PREFAULT_SESSION_ENDED;
	if (!session->started)
		return KVM_PREFAULT_SESSION_CREATED;
	if (!session->pause)
		return KVM_PREFAULT_SESSION_RUNNING;
	return session->paused ? KVM_PREFAULT_SESSION_PAUSED :
				 KVM_PREFAULT_SESSION_PAUSING;
}

static void fill(const struct kvm_prefault_session *session,
		 struct kvm_prefault_session_report *report)
{
	__u64 now = session->ended ? session->end_ns : liburing_kvm_now_ns();

	*report = session->sum;
	report->state = state(session);
	report->path = session->ops->path;
	report->bytes_left = liburing_kvm_queue_bytes(&session->normal) +
			     liburing_kvm_queue_bytes(&session->urgent);
	if (session->in_slice)
		report->bytes_left += session->slice.bytes;
	report->nanoseconds = session->start_ns ? now - session->start_ns : 0;
	report->nanoseconds_paused = session->paused_ns;
	if (session->pause_ns)
		report->nanoseconds_paused += now - session->pause_ns;
}

int kvm_prefault_session_report(struct kvm_prefault_session *session,
				struct kvm_prefault_session_report *report)
{
	struct kvm_prefault_session_report full;
	int ret = liburing_kvm_session_check(session);
	int saved_errno = errno;
	eventfd_t news;
	__u32 size;

	if (ret)
		return ret;
	if (!report || report->size < MIN_SIZE || report->size > MAX_SIZE)
		return -EINVAL;
	size = report->size < sizeof(full) ? report->size : sizeof(full);
	pthread_mutex_lock(&session->lock);
	/* It fails if there is none. */
	(void)!eventfd_read(session->event_fd, &news);
	fill(session, &full);
	pthread_mutex_unlock(&session->lock);
	full.size = size;
	memcpy(report, &full, size);
	errno = saved_errno;
	return 0;
}
