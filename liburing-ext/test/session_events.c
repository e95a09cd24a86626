// SPDX-License-Identifier: MIT
/* The descriptor for poll(): readable when there is news, until it is reported. */
#include "session_test.h"

#define SIZE	(4 * MIB)

static struct kvm_prefault_session *session;

static int readable(int timeout_ms)
{
	struct pollfd pollfd = {
		.fd = kvm_prefault_session_fd(session),
		.events = POLLIN,
	};

	return poll(&pollfd, 1, timeout_ms) == 1 && pollfd.revents == POLLIN;
}

/* Reads the news until the session is in that state. */
static struct kvm_prefault_session_report await_state(__u32 state)
{
	struct kvm_prefault_session_report report;

	do {
		if (!readable(DEADLINE_MS))
			bail_out("no news");
		report = report_of(session);
	} while (report.state != state);
	return report;
}

/* A report of an older program, and of a newer one. */
static void test_sizes(void)
{
	struct {
		struct kvm_prefault_session_report report;
		char more[16];
	} newer;

	memset(&newer, 0x5a, sizeof(newer));
	newer.report.size = sizeof(newer);
	ok(kvm_prefault_session_report(session, &newer.report) == 0 &&
	   newer.report.size == sizeof(newer.report) && newer.more[0] == 0x5a,
	   "a newer program's report is filled in as far as is known");
}

int main(void)
{
	char *memory = memory_new(SIZE);
	struct kvm_prefault_session_options options;
	struct kvm_prefault_session_report report;
	struct kvm_prefault_memory piece;

	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, -1, &piece, 1);
	options.flags = KVM_PREFAULT_SESSION_START_PAUSED;
	options.slice_size = MIB;
	session = session_new(&options);
	report = report_of(session);
	ok(report.state == KVM_PREFAULT_SESSION_CREATED && report.nanoseconds == 0 &&
	   report.bytes_total == SIZE && report.bytes_left == SIZE && !readable(0),
	   "no news before the start");
	must(kvm_prefault_session_start(session, NULL), "start");
	report = await_state(KVM_PREFAULT_SESSION_PAUSED);
	ok(report.slices == 0 && !readable(0), "news of a pause, once");
	must(kvm_prefault_session_resume(session), "resume");
	report = await_state(KVM_PREFAULT_SESSION_ENDED);
	ok(report.slices == 4 && report.result == 0 && report.bytes_left == 0,
	   "news of the end, after that of the slices");
	ok(kvm_prefault_session_wait(session, 0) == 0 && !readable(0),
	   "and nothing more");
	test_sizes();
	kvm_prefault_session_destroy(session);
	return done_testing();
}
