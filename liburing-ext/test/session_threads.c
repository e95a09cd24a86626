// SPDX-License-Identifier: MIT
/* Several threads pause, resume, add urgent ranges and look, while it runs. */
#include "session_test.h"

#define SIZE	(64 * MIB)
#define NR_THREADS	4
#define NR_ROUNDS	200

static struct kvm_prefault_session *session;

/* Each thread is another one's turn ahead, so all calls meet one another. */
static int call(unsigned int number)
{
	struct kvm_memory_mapping urgent = { BASE + number % 16 * PAGE, 4 * PAGE, 0 };
	struct kvm_prefault_session_report report = { .size = sizeof(report) };

	switch (number % 6) {
	case 0:
		return kvm_prefault_session_pause(session);
	case 1:
		return kvm_prefault_session_urgent(session, &urgent, 1);
	case 2:
		return kvm_prefault_session_report(session, &report);
	case 3:
		return kvm_prefault_session_set_rate(session, number % 2 ? 0 : 4096 * MIB);
	case 4:
		return kvm_prefault_session_wait(session, 0) == -ETIMEDOUT ? 0 : -1;
	default:
		return kvm_prefault_session_resume(session);
	}
}

/* Counts the calls that went wrong. */
static void *run_thread(void *data)
{
	unsigned long first = (unsigned long)data, wrong = 0;
	unsigned int i;

	for (i = 0; i < NR_ROUNDS; i++)
		wrong += call(first + i) != 0;
	return (void *)wrong;
}

static unsigned long run_threads(void)
{
	pthread_t threads[NR_THREADS];
	unsigned long i, wrong = 0;
	void *result;

	for (i = 0; i < NR_THREADS; i++)
		if (pthread_create(&threads[i], NULL, run_thread, (void *)(2 * i)))
			bail_out("pthread_create");
	for (i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], &result);
		wrong += (unsigned long)result;
	}
	return wrong;
}

int main(void)
{
	struct kvm_prefault_session_options options;
	struct kvm_prefault_session_report report;
	char *memory = memory_new(SIZE);
	struct kvm_prefault_memory piece;
	int gate = gate_new(memory + SIZE - PAGE, PAGE);

	if (gate < 0) {
		printf("1..0 # SKIP userfaultfd is not permitted\n");
		return 0;
	}
	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, -1, &piece, 1);
	options.slice_size = MIB;
	session = session_new(&options);
	must(kvm_prefault_session_start(session, NULL), "start");
	/* The last page is held back, so the session cannot have ended. */
	ok(run_threads() == 0, "no call fails beside others");
	gate_open(gate, memory + SIZE - PAGE, PAGE);
	must(kvm_prefault_session_set_rate(session, 0), "set_rate");
	must(kvm_prefault_session_resume(session), "resume");
	ok(kvm_prefault_session_wait(session, -1) == 0, "the session ends");
	report = report_of(session);
	print_report(session);
	ok(report.bytes_uncounted == report.bytes_total && !report.bytes_left &&
	   resident_bytes(memory, SIZE) == SIZE, "and everything was done once");
	kvm_prefault_session_destroy(session);
	return done_testing();
}
