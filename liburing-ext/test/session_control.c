// SPDX-License-Identifier: MIT
/*
 * Pause, resume, cancel and urgent ranges, each in the middle of a slice that waits for
 * a page which userfaultfd holds back.  The arguments are the paths.
 */
#include "session_paths.h"

#define SIZE	(16 * MIB)
/* Of the page that is held back. */
#define HELD	(7 * MIB)
#define HELD_SIZE	PAGE

static int gate;
static struct kvm_prefault_session *session;

/* A session whose first slice has come to the page. */
static void begin(void)
{
	path_begin(SIZE, SIZE, 1);
	options.slice_size = 8 * MIB;
	gate = gate_new(memory + HELD, HELD_SIZE);
	if (gate < 0)
		bail_out("userfaultfd");
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	if (gate_wait(gate, memory) != HELD)
		bail_out("not the page that was held back");
}

static void end(void)
{
	ok(kvm_prefault_session_destroy(session) == 0, "destroy");
	path_end(SIZE);
}

/* io_uring cancels a command that waits; other calls wait on. */
static int interruptible(void)
{
	return path == KVM_PREFAULT_PATH_URING;
}

static __u64 outcome(const struct kvm_prefault_session_report *report)
{
	return report->bytes_mapped + report->bytes_present + report->bytes_uncounted;
}

static void test_pause(void)
{
	struct kvm_prefault_session_report report;
	__u64 left;

	begin();
	report = report_of(session);
	ok(report.state == KVM_PREFAULT_SESSION_RUNNING && report.bytes_left == SIZE &&
	   report.slices == 1, "a slice is under way");
	must(kvm_prefault_session_pause(session), "pause");
	if (!interruptible()) {
		ok(report_of(session).state == KVM_PREFAULT_SESSION_PAUSING &&
		   kvm_prefault_session_wait_paused(session, 0) == -ETIMEDOUT,
		   "pausing, while the slice waits");
		gate_open(gate, memory + HELD, HELD_SIZE);
	}
	ok(kvm_prefault_session_wait_paused(session, -1) == 0, "paused");
	report = report_of(session);
	left = report.bytes_left;
	ok(report.state == KVM_PREFAULT_SESSION_PAUSED && left >= 8 * MIB &&
	   left < SIZE && report.slices == 1, "with a part of the slice done");
	ok(!interruptible() || left == SIZE - HELD, "exactly what lies below the page");
	if (interruptible())
		gate_open(gate, memory + HELD, HELD_SIZE);
	must(kvm_prefault_session_resume(session), "resume");
	ok(kvm_prefault_session_wait(session, -1) == 0, "resumed, and done");
	report = report_of(session);
	print_report(session);
	ok(report.state == KVM_PREFAULT_SESSION_ENDED && report.bytes_left == 0 &&
	   outcome(&report) >= SIZE && report.nanoseconds_paused > 0 &&
	   report.nanoseconds_paused < report.nanoseconds, "and reported");
	ok(resident_bytes(memory, SIZE) == SIZE, "all memory is there");
	end();
}

static void test_cancel(void)
{
	struct kvm_prefault_session_report report;

	begin();
	must(kvm_prefault_session_cancel(session), "cancel");
	ok(interruptible() || kvm_prefault_session_wait(session, 0) == -ETIMEDOUT,
	   "cancel waits for a slice that cannot be interrupted");
	if (!interruptible())
		gate_open(gate, memory + HELD, HELD_SIZE);
	ok(kvm_prefault_session_wait(session, -1) == -ECANCELED, "cancelled");
	if (interruptible())
		gate_open(gate, memory + HELD, HELD_SIZE);
	report = report_of(session);
	print_report(session);
	ok(report.result == -ECANCELED && !report.first_error &&
	   report.bytes_left >= 8 * MIB && report.bytes_left < SIZE &&
	   report.slices == 1, "what is left is reported");
	ok(resident_bytes(memory + 8 * MIB, 8 * MIB) == 0, "nothing more was touched");
	end();
}

/* The session is paused behind the urgent ranges, to see that they came first. */
static void test_urgent(void)
{
	struct kvm_memory_mapping urgent[] = {
		{ BASE + 14 * MIB, MIB, 0 }, { BASE + 12 * MIB, MIB, 0 },
	};
	struct kvm_prefault_session_report report;
	int last;

	begin();
	/* The second is held back, and with it the session. */
	last = gate_new(memory + 12 * MIB, PAGE);
	if (last < 0)
		bail_out("userfaultfd");
	must(kvm_prefault_session_urgent(session, urgent, 2), "urgent");
	/* Opened after the call, which has interrupted the slice. */
	gate_open(gate, memory + HELD, HELD_SIZE);
	ok(gate_wait(last, memory) == 12 * MIB, "the urgent ranges come next, in order");
	ok(resident_bytes(memory + 14 * MIB, MIB) == MIB &&
	   resident_bytes(memory + 8 * MIB, 4 * MIB) == 0 &&
	   resident_bytes(memory + 15 * MIB, MIB) == 0, "and nothing else before them");
	gate_open(last, memory + 12 * MIB, PAGE);
	ok(kvm_prefault_session_wait(session, -1) == 0, "then the others");
	report = report_of(session);
	print_report(session);
	ok(report.bytes_total == SIZE + 2 * MIB && report.bytes_left == 0 &&
	   outcome(&report) >= SIZE + 2 * MIB, "and all are reported");
	ok(path > KVM_PREFAULT_PATH_IOCTL || report.bytes_present >= 2 * MIB,
	   "the urgent ones as present when their turn comes");
	ok(resident_bytes(memory, SIZE) == SIZE, "all memory is there");
	end();
}

/* Destroying a session that runs cancels it. */
static void test_destroy(void)
{
	begin();
	if (!interruptible())
		gate_open(gate, memory + HELD, HELD_SIZE);
	end();
	if (interruptible())
		close(gate);
}

int main(int argc, char **argv)
{
	static void (*const tests_of_path[])(void) = {
		test_pause, test_cancel, test_urgent, test_destroy, NULL
	};

	return run_on_paths(argc, argv, tests_of_path);
}
