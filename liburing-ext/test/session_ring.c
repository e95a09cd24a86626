// SPDX-License-Identifier: MIT
/* A session in the caller's ring. */
#include <liburing.h>

#include "session_test.h"

#define SIZE	(16 * MIB)

static char *memory;
static int vm_fd;
static struct io_uring ring;
static struct kvm_prefault_session_options options;
static struct kvm_prefault_memory piece;
static struct kvm_prefault_session *session;

static void begin(void)
{
	memory = memory_new(SIZE);
	vm_fd = vm_new(NULL, BASE, memory, SIZE);
	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, vm_fd, &piece, 1);
	options.flags = KVM_PREFAULT_SESSION_CALLER_RING;
	options.slice_size = 4 * MIB;
	must(io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
}

static void end(void)
{
	ok(kvm_prefault_session_destroy(session) == 0, "destroy");
	io_uring_queue_exit(&ring);
	close(vm_fd);
	munmap(memory, SIZE);
}

/* Submits the next request, if there is one; what prep returned. */
static int submit_next(void)
{
	struct io_uring_sqe next;
	int ret;

	memset(&next, 0xff, sizeof(next));
	ret = kvm_prefault_session_prep(session, &next);
	if (ret != 1)
		return ret;
	next.user_data = 1234;
	*io_uring_get_sqe(&ring) = next;
	must(io_uring_submit(&ring), "io_uring_submit");
	return 1;
}

static int complete_one(void)
{
	struct io_uring_cqe *cqe;
	int res;

	must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
	res = cqe->res;
	if (cqe->user_data != 1234)
		bail_out("not the request's completion");
	io_uring_cqe_seen(&ring, cqe);
	must(kvm_prefault_session_complete(session, res), "complete");
	return res;
}

static void run(void)
{
	int ret;

	while ((ret = submit_next()) == 1)
		complete_one();
	if (ret != -EALREADY)
		bail_out("prep");
}

static void test_requests(void)
{
	begin();
	session = session_new(&options);
	ok(submit_next() == 0, "nothing to submit before the start");
	must(kvm_prefault_session_start(session, NULL), "start");
	ok(submit_next() == 1 && submit_next() == 0, "one request at a time");
	ok(kvm_prefault_session_destroy(session) == -EBUSY,
	   "destroy while the kernel has the request: EBUSY");
	complete_one();
	end();
}

static void test_whole(void)
{
	struct kvm_prefault_session_report report;

	begin();
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	run();
	report = report_of(session);
	print_report(session);
	ok(report.result == 0 && report.bytes_mapped == SIZE && report.slices == 4 &&
	   report.path == KVM_PREFAULT_PATH_URING, "everything is mapped, in slices");
	ok(kvm_prefault_session_complete(session, 0) == -EINVAL,
	   "complete without a request: EINVAL");
	ok(submit_next() == -EALREADY, "prep after the end: EALREADY");
	end();
}

static void test_pause(void)
{
	begin();
	options.flags |= KVM_PREFAULT_SESSION_START_PAUSED;
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	ok(submit_next() == 0 &&
	   report_of(session).state == KVM_PREFAULT_SESSION_PAUSED, "paused");
	must(kvm_prefault_session_resume(session), "resume");
	ok(submit_next() == 1, "resumed");
	must(kvm_prefault_session_pause(session), "pause");
	ok(report_of(session).state == KVM_PREFAULT_SESSION_PAUSING,
	   "pausing, until the request is completed");
	complete_one();
	ok(report_of(session).state == KVM_PREFAULT_SESSION_PAUSED &&
	   report_of(session).bytes_left == 12 * MIB, "then paused");
	must(kvm_prefault_session_cancel(session), "cancel");
	ok(kvm_prefault_session_wait(session, 0) == -ECANCELED, "and cancelled");
	end();
}

/* Returns the result of the request, which comes before or after that of this one. */
static int cancel_request(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe;
	int res;

	io_uring_prep_cancel64(sqe, 1234, 0);
	sqe->user_data = 1;
	must(io_uring_submit(&ring), "io_uring_submit");
	must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
	if (cqe->user_data == 1) {
		io_uring_cqe_seen(&ring, cqe);
		return complete_one();
	}
	res = complete_one();
	must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
	io_uring_cqe_seen(&ring, cqe);
	return res;
}

/* The caller cancels its request as any other: the slice's rest comes again. */
static void test_cancel_request(void)
{
	struct kvm_prefault_session_report report;
	int gate;

	begin();
	gate = gate_new(memory + MIB, PAGE);
	if (gate < 0) {
		skip("a request that is cancelled", "no userfaultfd");
		io_uring_queue_exit(&ring);
		close(vm_fd);
		munmap(memory, SIZE);
		return;
	}
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	submit_next();
	gate_wait(gate, memory);
	must(kvm_prefault_session_pause(session), "pause");
	ok(cancel_request() == -ECANCELED, "the request is cancelled");
	report = report_of(session);
	print_report(session);
	ok(report.state == KVM_PREFAULT_SESSION_PAUSED &&
	   report.bytes_left == SIZE - MIB, "what was mapped is not lost");
	gate_open(gate, memory + MIB, PAGE);
	must(kvm_prefault_session_resume(session), "resume");
	run();
	ok(kvm_prefault_session_wait(session, 0) == 0 &&
	   resident_bytes(memory, SIZE) == SIZE, "the rest comes again");
	end();
}

/* A request that was not submitted; a limit, which is waited for in the ring. */
static void test_not_submitted(void)
{
	struct kvm_prefault_session_report report;
	struct io_uring_sqe sqe;

	begin();
	options.rate = 400 * MIB;
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	ok(kvm_prefault_session_prep(session, &sqe) == 1 &&
	   kvm_prefault_session_complete(session, -ECANCELED) == 0 &&
	   report_of(session).bytes_left == SIZE, "a request that was not submitted");
	run();
	report = report_of(session);
	print_report(session);
	ok(report.result == 0 && report.bytes_mapped == SIZE && report.slices == 5 &&
	   report.nanoseconds >= 30000000, "it comes again, no faster than the limit");
	end();
}

/* The next slice is answered with this, and waiting for it is left to the ring. */
static void answer(int res)
{
	struct io_uring_sqe sqe;

	for (;;) {
		must(kvm_prefault_session_prep(session, &sqe), "prep");
		if (sqe.opcode == IORING_OP_URING_CMD)
			break;
		sqe.user_data = 1234;
		*io_uring_get_sqe(&ring) = sqe;
		must(io_uring_submit(&ring), "io_uring_submit");
		complete_one();
	}
	must(kvm_prefault_session_complete(session, res), "complete");
}

/* Memory that never comes to rest, and a caller that never stays uninterrupted. */
static void test_a_hundred_tries(void)
{
	struct kvm_prefault_session_report report;
	unsigned int i;

	begin();
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	for (i = 0; i < 99; i++)
		answer(-EAGAIN);
	ok(report_of(session).first_error == 0, "99 times EAGAIN: no error yet");
	answer(-EAGAIN);
	report = report_of(session);
	ok(report.first_error == -EAGAIN && report.first_error_address == BASE &&
	   report.bytes_failed == PAGE && report.bytes_left == SIZE - PAGE,
	   "100 times EAGAIN: the page is left out");
	for (i = 0; i < 99; i++)
		answer(-EINTR);
	ok(report_of(session).state == KVM_PREFAULT_SESSION_RUNNING,
	   "99 times EINTR: it goes on");
	answer(-EINTR);
	print_report(session);
	report = report_of(session);
	ok(kvm_prefault_session_wait(session, 0) == -EINTR && report.result == -EINTR &&
	   report.first_error == -EAGAIN, "100 times EINTR: the session ends by that");
	end();
}

int main(void)
{
	unsigned int path;

	if (!use_path("uring", &path))
		return done_testing();
	test_requests();
	test_whole();
	test_pause();
	test_cancel_request();
	test_not_submitted();
	test_a_hundred_tries();
	return done_testing();
}
