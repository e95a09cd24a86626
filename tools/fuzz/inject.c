// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "inject.h"
#include "machine.h"

void inject_open(struct thread *thread)
{
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
