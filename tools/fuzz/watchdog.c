// SPDX-License-Identifier: GPL-2.0
/* Ends the run when a call does not end, and interrupts those that are to be. */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "watchdog.h"

static void look_at(struct thread *thread)
{
	uint64_t since = thread->busy_since, busy, patience = thread->patience;

	if (!since)
		return;
	busy = now_ms() - since;
	if (patience && busy > patience)
		syscall(SYS_tgkill, getpid(), thread->tid, SIGUSR1);
	if (busy > options.deadline * 1000ULL)
		violation(thread, "the call has not ended after %lu ms", busy);
}

static void *watchdog_main(void *unused)
{
	unsigned int i;

	for (;;) {
		usleep(20 * 1000);
		for (i = 0; i <= nr_threads; i++)
			look_at(&threads[i]);
	}
	return unused;
}

void watchdog_start(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, watchdog_main, NULL);
}
