// SPDX-License-Identifier: GPL-2.0
/* Sections whose memory traffic is known, for the test of bench/traffic's plugin. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include "mark.h"

#define LINE		64
#define NR_LINES	1000
#define NR_ATOMICS	500

static char *lines;
static sem_t turn, done;

static inline __attribute__((always_inline)) void write_lines(void)
{
	int i;

	for (i = 0; i < NR_LINES; i++)
		*(volatile char *)(lines + i * LINE) = 1;
}

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Writes to the lines when its turn comes, on another CPU. */
static void *other_writes(void *data)
{
	(void)data;
	run_on(1);
	sem_wait(&turn);
	write_lines();
	sem_post(&done);
	return NULL;
}

int main(void)
{
	unsigned int counter = 0;
	pthread_t thread;
	int i;

	MARK(MARK_PROGRAM);
	run_on(0);
	sem_init(&turn, 0, 0);
	sem_init(&done, 0, 0);
	lines = aligned_alloc(LINE, NR_LINES * LINE);
	if (!lines || pthread_create(&thread, NULL, other_writes, NULL))
		return 1;
	memset(lines, 0, NR_LINES * LINE);

	/* 1: nothing */
	MARK(MARK_BEGIN);
	MARK(MARK_END);
	/* 2: each line once */
	MARK(MARK_BEGIN);
	write_lines();
	MARK(MARK_END);
	/* 3: each twice */
	MARK(MARK_BEGIN);
	write_lines();
	write_lines();
	MARK(MARK_END);
	/* 4: atomic operations on one */
	MARK(MARK_BEGIN);
	for (i = 0; i < NR_ATOMICS; i++)
		asm volatile("lock incl %0" : "+m"(counter));
	MARK(MARK_END);
	/* 5: each by this thread, then by the other, then by this one again */
	MARK(MARK_BEGIN);
	write_lines();
	sem_post(&turn);
	sem_wait(&done);
	write_lines();
	MARK(MARK_END);
	/* 6: each by this thread, which goes to the other CPU in between */
	MARK(MARK_BEGIN);
	write_lines();
	run_on(1);
	write_lines();
	MARK(MARK_END);
	return pthread_join(thread, NULL);
}
