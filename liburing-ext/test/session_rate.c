// SPDX-License-Identifier: MIT
/*
 * The rate limit: by the monotonic clock, bytes are never ahead of it by more than a
 * slice.  That holds on a slow machine, too, where they are far behind.
 */
#include <time.h>

#include "session_test.h"

#define SIZE	(24 * MIB)
#define RATE	(32 * MIB)

static struct kvm_prefault_session_options options;
static struct kvm_prefault_memory piece;

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static __u64 done(struct kvm_prefault_session *session)
{
	struct kvm_prefault_session_report report = report_of(session);

	return report.bytes_total - report.bytes_left;
}

static struct kvm_prefault_session *begin(char *memory)
{
	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, -1, &piece, 1);
	options.rate = RATE;
	return session_new(&options);
}

/* Whether it was ahead at any time that there was news. */
static int ahead(struct kvm_prefault_session *session, __u64 start, __u64 slice)
{
	struct pollfd pollfd = {
		.fd = kvm_prefault_session_fd(session),
		.events = POLLIN,
	};
	__u64 bytes, allowed;
	int found = 0;

	while (kvm_prefault_session_wait(session, 0) == -ETIMEDOUT) {
		if (poll(&pollfd, 1, DEADLINE_MS) != 1)
			bail_out("no news");
		/* In this order: the clock goes on in between. */
		bytes = done(session);
		allowed = (now_ns() - start) / 1e9L * RATE + slice;
		found |= bytes > allowed;
	}
	return found;
}

static void test_limit(void)
{
	char *memory = memory_new(SIZE);
	struct kvm_prefault_session *session = begin(memory);
	struct kvm_prefault_session_report report;
	__u64 start = now_ns();

	must(kvm_prefault_session_start(session, NULL), "start");
	ok(!ahead(session, start, 2 * MIB), "never ahead by more than a slice");
	report = report_of(session);
	print_report(session);
	ok(report.result == 0 && report.slices == SIZE / (2 * MIB),
	   "in slices of a tenth of a second, of whole huge pages");
	ok(report.nanoseconds >= (SIZE - 2 * MIB) / MIB * 1000000000ULL / (RATE / MIB),
	   "in the time that the limit gives");
	kvm_prefault_session_destroy(session);
	munmap(memory, SIZE);
}

/* The first slice is free; the second would have to wait for years. */
static void test_change(void)
{
	char *memory = memory_new(SIZE);
	struct kvm_prefault_session *session;
	struct kvm_prefault_session_report report;
	struct pollfd pollfd = { .events = POLLIN };

	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, -1, &piece, 1);
	options.rate = 1;
	session = session_new(&options);
	pollfd.fd = kvm_prefault_session_fd(session);
	must(kvm_prefault_session_start(session, NULL), "start");
	if (poll(&pollfd, 1, DEADLINE_MS) != 1)
		bail_out("no news");
	report = report_of(session);
	ok(report.slices == 1 && report.bytes_left == SIZE - PAGE,
	   "the smallest slice is a page");
	must(kvm_prefault_session_pause(session), "pause");
	ok(kvm_prefault_session_wait_paused(session, -1) == 0,
	   "it is paused while it waits for the limit");
	must(kvm_prefault_session_resume(session), "resume");
	must(kvm_prefault_session_set_rate(session, 0), "set_rate");
	ok(kvm_prefault_session_wait(session, -1) == 0, "the limit can be lifted");
	kvm_prefault_session_destroy(session);
	munmap(memory, SIZE);
}

static void test_cancel(void)
{
	char *memory = memory_new(SIZE);
	struct kvm_prefault_session *session;

	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, -1, &piece, 1);
	options.rate = 1;
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	must(kvm_prefault_session_cancel(session), "cancel");
	ok(kvm_prefault_session_wait(session, -1) == -ECANCELED,
	   "it is cancelled while it waits for the limit");
	ok(kvm_prefault_session_set_rate(session, 5) == 0, "set_rate after the end");
	kvm_prefault_session_destroy(session);
	munmap(memory, SIZE);
}

int main(void)
{
	test_limit();
	test_change();
	test_cancel();
	return done_testing();
}
