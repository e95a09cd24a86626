// SPDX-License-Identifier: MIT
/* A child made by fork() is refused, and may free the session's memory. */
#include <sys/wait.h>

#include "session_test.h"

#define SIZE	(4 * MIB)

static struct kvm_prefault_session *session;
static struct kvm_memory_mapping mapping = { BASE, PAGE, 0 };

/* The number of the first call that was not refused. */
static int child(void)
{
	struct kvm_prefault_session_report report = { .size = sizeof(report) };
	char sqe[64];
	int calls[] = {
		kvm_prefault_session_start(session, NULL),
		kvm_prefault_session_pause(session),
		kvm_prefault_session_resume(session),
		kvm_prefault_session_cancel(session),
		kvm_prefault_session_urgent(session, &mapping, 1),
		kvm_prefault_session_set_rate(session, 1),
		kvm_prefault_session_fd(session),
		kvm_prefault_session_report(session, &report),
		kvm_prefault_session_wait(session, -1),
		kvm_prefault_session_wait_paused(session, -1),
		kvm_prefault_session_prep(session, (struct io_uring_sqe *)sqe),
		kvm_prefault_session_complete(session, 0),
	};
	unsigned int i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] != -EPERM)
			return i + 1;
	return kvm_prefault_session_destroy(session) ? 99 : 0;
}

static int run_child(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(child());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		bail_out("fork");
	printf("# the child's status is %#x\n", status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	char *memory = memory_new(SIZE);
	struct kvm_prefault_session_options options;
	struct kvm_prefault_memory piece;

	memory_init(&piece, BASE, memory, SIZE);
	kvm_prefault_session_options_init(&options, -1, &piece, 1);
	options.flags = KVM_PREFAULT_SESSION_START_PAUSED;
	session = session_new(&options);
	ok(run_child() == 0, "before the start every call is refused: EPERM");
	must(kvm_prefault_session_start(session, NULL), "start");
	must(kvm_prefault_session_wait_paused(session, -1), "wait_paused");
	ok(run_child() == 0, "beside the session's thread, too");
	must(kvm_prefault_session_resume(session), "resume");
	ok(kvm_prefault_session_wait(session, -1) == 0 &&
	   report_of(session).bytes_uncounted == SIZE,
	   "the parent's session is as it was");
	ok(fcntl(kvm_prefault_session_fd(session), F_GETFD) == FD_CLOEXEC,
	   "the descriptor is closed by exec");
	kvm_prefault_session_destroy(session);
	return done_testing();
}
