/* SPDX-License-Identifier: GPL-2.0 */
/* The base of all parts of the fuzzer: options, threads, calls, violations. */
#ifndef FUZZ_H
#define FUZZ_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rng.h"
#include "tally.h"

#define PAGE_SIZE	4096UL
#define SZ_64K		0x10000UL
#define SZ_1M		0x100000UL
#define SZ_2M		0x200000UL
#define SZ_4M		0x400000UL
#define SZ_1G		0x40000000UL

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define MAX_THREADS	64
#define STEPS_PER_ROUND	120
#define MAX_CHILDREN	4

struct options {
	uint64_t seed;
	unsigned int threads;
	unsigned int seconds;
	uint64_t steps;			/* 0: as many as fit in the time */
	unsigned int deadline;		/* seconds that a call may take */
	bool trace;
	const char *plant;
	const char *json;		/* the file for the results, or NULL */
};

extern struct options options;

struct ring;

struct thread {
	unsigned int id;
	pid_t tid;
	pthread_t pthread;
	uint64_t step;
	struct rng rng;

	/* For the watchdog. */
	char what[320];
	atomic_ulong busy_since;
	/* Interrupt the call by a signal after so many ms, if not 0. */
	atomic_uint patience;

	struct ring *ring;
	/* Prints what a violation should say beside; may be NULL. */
	void (*report)(const struct thread *thread);
	pid_t children[MAX_CHILDREN];
	int fail_nth_fd;
	int fail_nth;
};

extern struct thread threads[MAX_THREADS + 1];
/* The last one checks the results. */
extern unsigned int nr_threads;

/* Every call is announced, and printed with --trace, before it is made. */
void call_begin(struct thread *thread, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* For something that is no call of the sequence, and is not printed. */
void call_waits(struct thread *thread, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void call_end(struct thread *thread);

/* Reports a violation, and ends the process. */
void violation(struct thread *thread, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* A planted error, to check that the fuzzer reports it (--plant). */
bool planted(const char *name);

/* Signals that threads stop for are sent by seeds that are a multiple of 4. */
static inline bool seed_stops(uint64_t seed)
{
	return seed % 4 == 0;
}

/* Whether this seed does; in the parent of all, whether one of them has. */
extern bool stopping;
/* Whether it does so by the freezer, too. */
extern bool freezing;

#define NEEDS_STOPPING	NEEDS(stopping, "no seed that is a multiple of 4")
#define NEEDS_FREEZING	NEEDS(freezing, "no such seed, or no control groups")

uint64_t now_ms(void);
uint64_t now_ns(void);

#endif /* FUZZ_H */
