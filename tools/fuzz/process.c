// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "process.h"
#include "region.h"
#include "sibling.h"

static void wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void reap_children(struct thread *thread)
{
	unsigned int i;

	call_waits(thread, "wait for children");
	for (i = 0; i < MAX_CHILDREN; i++) {
		if (thread->children[i])
			wait_for(thread->children[i]);
		thread->children[i] = 0;
	}
	call_end(thread);
}

STEP(fork, 1, "fork");

/* Shares all memory, breaks some of the sharing, lingers a little. */
static void make_fork(struct thread *thread)
{
	unsigned int place = thread->step % MAX_CHILDREN, i;
	unsigned int linger = rng_below(&thread->rng, 5000);
	uint64_t touched[8];
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(touched); i++)
		touched[i] = region_start(rng_below(&thread->rng, nr_regions)) +
			     rng_below(&thread->rng, REGION_SIZE / PAGE_SIZE) * PAGE_SIZE;
	call_begin(thread, "fork, for %u us", linger);
	if (thread->children[place])
		wait_for(thread->children[place]);
	pid = fork();
	if (!pid) {
		for (i = 0; i < ARRAY_SIZE(touched); i++)
			memory_write(touched[i], touched[i]);
		usleep(linger);
		_exit(0);
	}
	thread->children[place] = pid > 0 ? pid : 0;
	call_end(thread);
	count_call(&step_fork, pid < 0 ? -errno : 0);
}

STEP(signal, 40, "signal a thread");

static void make_signal(struct thread *thread)
{
	struct thread *other = &threads[rng_below(&thread->rng, nr_threads)];
	int ret;

	call_begin(thread, "signal thread %u", other->id);
	ret = syscall(SYS_tgkill, getpid(), other->tid, SIGUSR1) ? -errno : 0;
	call_end(thread);
	count_call(&step_signal, ret);
}

STEP(stop, 15, "stop the process", NEEDS_STOPPING);

static void make_stop(struct thread *thread)
{
	unsigned int us = rng_below(&thread->rng, 3000);
	int ret;

	call_begin(thread, "stop the process for %u us", us);
	ret = sibling_stop(us);
	call_end(thread);
	count_call(&step_stop, ret);
}

/* The freezer of control groups. */
STEP(freeze, 10, "freeze the process", NEEDS_FREEZING);

static void make_freeze(struct thread *thread)
{
	unsigned int us = rng_below(&thread->rng, 3000);
	int ret;

	call_begin(thread, "freeze the process for %u us", us);
	ret = sibling_freeze(us);
	call_end(thread);
	count_call(&step_freeze, ret);
}

STEP(trace, 10, "trace a thread", NEEDS_STOPPING);

static void make_trace(struct thread *thread)
{
	struct thread *other = &threads[rng_below(&thread->rng, nr_threads)];
	unsigned int us = rng_below(&thread->rng, 3000);
	int ret;

	call_begin(thread, "trace thread %u for %u us", other->id, us);
	ret = sibling_trace(other->tid, us);
	call_end(thread);
	count_call(&step_trace, ret);
}

STEP(affinity, 8, "change a thread's CPUs");

static void make_affinity(struct thread *thread)
{
	struct thread *other = &threads[rng_below(&thread->rng, nr_threads)];
	uint64_t mask = 1 + rng_below(&thread->rng, (1ULL << machine.nr_cpus) - 1);
	cpu_set_t cpus;
	int i, ret;

	CPU_ZERO(&cpus);
	for (i = 0; i < machine.nr_cpus; i++)
		if (mask & 1ULL << i)
			CPU_SET(i, &cpus);
	call_begin(thread, "thread %u may use the CPUs 0x%lx", other->id, mask);
	ret = sched_setaffinity(other->tid, sizeof(cpus), &cpus) ? -errno : 0;
	call_end(thread);
	count_call(&step_affinity, ret);
}
