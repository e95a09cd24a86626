// SPDX-License-Identifier: MIT
/*
 * The io_uring command in a ring that the session's thread alone uses.  A thread that
 * interrupts a slice writes to an eventfd that the ring polls; the session's thread
 * then cancels the command.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "session.h"

#define ENTRIES	4

enum { OF_SLICE = 1, OF_KICK, OF_CANCEL };

static int init_ring(struct io_uring *ring, char *why, size_t size)
{
	int ret = io_uring_queue_init(ENTRIES, ring, 0);

	if (ret == -EPERM || ret == -ENOSYS) {
		snprintf(why, size, "io_uring is not available to this process: %s",
			 ret == -EPERM ? "not permitted" : "not in this kernel");
		return -EOPNOTSUPP;
	}
	return ret;
}

static int uring_check(const struct kvm_prefault_session *session, char *why, size_t size)
{
	int ret = liburing_kvm_batch_check(session, KVM_MAP_MEMORY_FEATURE_URING, why,
					   size);
	struct io_uring ring;

	if (!ret && !(session->flags & KVM_PREFAULT_SESSION_CALLER_RING)) {
		ret = init_ring(&ring, why, size);
		if (!ret)
			io_uring_queue_exit(&ring);
	}
	if (!ret)
		snprintf(why, size, "KVM offers KVM_MAP_MEMORY_BATCH through io_uring");
	return ret;
}

static int uring_open(struct kvm_prefault_session *session)
{
	int ret;

	if (session->flags & KVM_PREFAULT_SESSION_CALLER_RING)
		return 0;
	session->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (session->kick_fd < 0)
		return -errno;
	ret = io_uring_queue_init(ENTRIES, &session->ring, 0);
	if (ret)
		close(session->kick_fd);
	return ret;
}

static void uring_close(struct kvm_prefault_session *session)
{
	if (session->flags & KVM_PREFAULT_SESSION_CALLER_RING)
		return;
	io_uring_queue_exit(&session->ring);
	close(session->kick_fd);
}

static void uring_interrupt(struct kvm_prefault_session *session)
{
	int saved_errno = errno;

	(void)!eventfd_write(session->kick_fd, 1);
	errno = saved_errno;
}

/*
 * At most one request of each kind is in the ring, which has room for all of them.
 * Some versions of liburing set user_data in each prep: so the kind comes after it.
 */
static struct io_uring_sqe *get_sqe(struct kvm_prefault_session *session)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&session->ring);

	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

static void arm_kick(struct kvm_prefault_session *session)
{
	struct io_uring_sqe *sqe = get_sqe(session);

	io_uring_prep_poll_add(sqe, session->kick_fd, POLLIN);
	sqe->user_data = OF_KICK;
	session->kick_armed = 1;
}

static void submit_slice(struct kvm_prefault_session *session)
{
	struct io_uring_sqe *sqe;

	if (!session->kick_armed)
		arm_kick(session);
	sqe = get_sqe(session);
	io_uring_prep_cmd_kvm_map_memory(sqe, session->vm_fd, &session->batch);
	sqe->user_data = OF_SLICE;
}

/* A late kick, meant for a slice that is over, cancels nothing. */
static void kicked(struct kvm_prefault_session *session, int *cancelled)
{
	struct io_uring_sqe *sqe;
	eventfd_t value;

	session->kick_armed = 0;
	(void)!eventfd_read(session->kick_fd, &value);
	if (*cancelled || !atomic_load(&session->interrupt)) {
		arm_kick(session);
		return;
	}
	*cancelled = 1;
	sqe = get_sqe(session);
	io_uring_prep_cancel64(sqe, OF_SLICE, 0);
	sqe->user_data = OF_CANCEL;
}

static int wait_for_slice(struct kvm_prefault_session *session)
{
	struct io_uring_cqe *cqe;
	int cancelled = 0, ret;
	__u64 kind;

	for (;;) {
		ret = io_uring_submit_and_wait(&session->ring, 1);
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY)
			return ret;
		while (!io_uring_peek_cqe(&session->ring, &cqe)) {
			kind = cqe->user_data;
			ret = cqe->res;
			io_uring_cqe_seen(&session->ring, cqe);
			if (kind == OF_SLICE)
				return ret;
			if (kind == OF_KICK)
				kicked(session, &cancelled);
		}
	}
}

static int uring_run(struct kvm_prefault_session *session, struct slice *slice)
{
	int ret;

	(void)slice;
	liburing_kvm_batch_init(session);
	submit_slice(session);
	ret = wait_for_slice(session);
	liburing_kvm_batch_done(session);
	return ret;
}

const struct path_ops liburing_kvm_path_uring = {
	.path = KVM_PREFAULT_PATH_URING,
	.name = "uring",
	.slice_size = 256ULL << 20,
	.check = uring_check,
	.open = uring_open,
	.close = uring_close,
	.run = uring_run,
	.interrupt = uring_interrupt,
	.idle = liburing_kvm_batch_idle,
};
