// SPDX-License-Identifier: GPL-2.0
/* A seed: its threads, their rounds, and what is looked at between them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "access.h"
#include "inject.h"
#include "leftovers.h"
#include "machine.h"
#include "place.h"
#include "process.h"
#include "region.h"
#include "ring.h"
#include "run.h"
#include "sibling.h"
#include "steps.h"
#include "uffd.h"
#include "view.h"
#include "watchdog.h"

static pthread_barrier_t barrier;
static bool finished;
static struct ring rings[MAX_THREADS];

/* A call that never ends: nobody writes to the pipe. */
static void plant_hang(struct thread *thread)
{
	int ends[2];
	char byte;

	call_begin(thread, "read what nobody writes");
	if (!pipe(ends) && read(ends[0], &byte, 1))
		perror("# read");
	call_end(thread);
}

static void make_round(struct thread *thread)
{
	unsigned int i;

	for (i = 0; i < STEPS_PER_ROUND; i++) {
		thread->step++;
		make_step(thread);
		if (thread->ring->open)
			ring_reap(thread);
		atomic_fetch_add(&tally->steps, 1);
	}
	if (planted("hang") && !thread->id)
		plant_hang(thread);
	ring_drain(thread);
	reap_children(thread);
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;
	char name[16];

	snprintf(name, sizeof(name), "fuzz-%u", thread->id);
	pthread_setname_np(pthread_self(), name);
	thread->tid = syscall(SYS_gettid);
	thread->rng = rng_for(options.seed, thread->id, 0);
	inject_open(thread);
	ring_open(thread);

	pthread_barrier_wait(&barrier);
	for (;;) {
		make_round(thread);
		pthread_barrier_wait(&barrier);
		/* All are quiet. */
		pthread_barrier_wait(&barrier);
		if (finished)
			break;
	}
	ring_close(thread);
	return NULL;
}

static void start_threads(void)
{
	unsigned int i;

	pthread_barrier_init(&barrier, NULL, nr_threads + 1);
	for (i = 0; i < nr_threads; i++) {
		threads[i].id = i;
		threads[i].ring = &rings[i];
		if (pthread_create(&threads[i].pthread, NULL, thread_main, &threads[i])) {
			printf("Bail out! no thread\n");
			_exit(1);
		}
	}
}

static bool time_is_up(uint64_t start, uint64_t steps)
{
	if (options.steps)
		return steps >= options.steps;
	return now_ms() - start >= options.seconds * 1000ULL;
}

int fuzz_run(void)
{
	struct thread *leader = &threads[options.threads];
	uint64_t start = now_ms(), round;
	struct leftovers before;
	unsigned int i;

	nr_threads = options.threads;
	stopping = seed_stops(options.seed);
	freezing = stopping && machine.freezer;
	leader->id = nr_threads;
	leader->tid = getpid();
	guest_catch_signals();
	leftovers_note(&before);
	sibling_start();
	regions_init();
	uffd_start();
	leader->rng = rng_for(options.seed, MAX_THREADS, 0);
	vms_init(&leader->rng);
	watchdog_start();
	start_threads();

	pthread_barrier_wait(&barrier);
	for (round = 1; !finished; round++) {
		pthread_barrier_wait(&barrier);
		uffd_be_prompt(true);
		leader->step = round;
		leader->rng = rng_for(options.seed, MAX_THREADS, round);
		view_check(leader);
		finished = time_is_up(start, round * STEPS_PER_ROUND);
		uffd_be_prompt(false);
		pthread_barrier_wait(&barrier);
	}

	call_waits(leader, "wait for the threads");
	for (i = 0; i < nr_threads; i++)
		pthread_join(threads[i].pthread, NULL);
	call_end(leader);
	sibling_end();
	leftovers_check(leader, &before);
	return 0;
}
