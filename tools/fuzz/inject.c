// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inject.h"
#include "machine.h"

/*
 * While allocations of a call fail, the kernel may also have to write a signal's
 * frame and the state of a restartable sequence, and kills the process if it cannot.
 * After a fork both need a page each, for the copy on write.  Signals therefore have a
 * stack that a fork does not copy, and nothing here uses restartable sequences.
 */
static int set_signal_stack(void)
{
	stack_t stack = { .ss_size = SZ_64K };

	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	return stack.ss_sp == MAP_FAILED ? -1 : sigaltstack(&stack, NULL);
}

static int unregister_rseq(void)
{
	void *area = __builtin_thread_pointer() + __rseq_offset;

	if (!__rseq_size)
		return 0;
	return syscall(SYS_rseq, area, sizeof(struct rseq), RSEQ_FLAG_UNREGISTER,
		       RSEQ_SIG);
}

void inject_open(struct thread *thread)
{
	if (set_signal_stack() || unregister_rseq()) {
		printf("Bail out! cannot prepare for failing allocations: %s\n",
		       strerror(errno));
		_exit(1);
	}
	thread->fail_nth_fd = machine.fail_nth ?
		open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC) : -1;
}

void inject_begin(struct thread *thread)
{
	bool wanted = rng_percent(&thread->rng, 12);
	int nth = 1 + rng_below(&thread->rng, 24);
	char text[16];
	int len;

	thread->fail_nth = 0;
	if (!wanted || thread->fail_nth_fd < 0)
		return;
	len = snprintf(text, sizeof(text), "%d", nth);
	if (pwrite(thread->fail_nth_fd, text, len, 0) == len)
		thread->fail_nth = nth;
}

OUTCOME(fail_nth, "fail an allocation of a call", NEEDS_FAIL_NTH);

bool inject_end(struct thread *thread)
{
	char text[16] = "";
	bool failed;

	if (!thread->fail_nth)
		return false;
	/* The rest to count, which is nothing once it has failed. */
	failed = pread(thread->fail_nth_fd, text, sizeof(text) - 1, 0) > 0 &&
		 text[0] == '0';
	if (pwrite(thread->fail_nth_fd, "0", 1, 0) != 1)
		perror("# fail-nth");
	count_result(&step_fail_nth, 0, failed);
	return failed;
}
