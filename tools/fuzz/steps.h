/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of steps.  Each row is beside its function, in the file of its
 * subject; nothing else lists it.  The linker puts the rows together.
 */
#ifndef FUZZ_STEPS_H
#define FUZZ_STEPS_H

#include <stdbool.h>

struct thread;

struct step {
	const char *name;
	/* NULL for an outcome, which is counted apart and other steps bring about. */
	void (*make)(struct thread *thread);
	/* How often it is drawn, of the sum of all weights. */
	unsigned int weight;
	/* Where this is false it is not made, and has not failed; may be NULL. */
	const bool *needs;
	/* The reason to give then. */
	const char *lack;
	/* Its place in the table, and in the tally. */
	unsigned int nr;
};

#define STEP_ROW(id)							\
	static struct step * const row_##id				\
	__attribute__((used, section("fuzz_steps"))) = &step_##id

#define STEP(id, weight_, name_, ...)					\
	static void make_##id(struct thread *thread);			\
	static struct step step_##id = {				\
		.name = name_,						\
		.make = make_##id,					\
		.weight = weight_,					\
		__VA_ARGS__						\
	};								\
	STEP_ROW(id)

#define OUTCOME(id, name_, ...)						\
	static struct step step_##id = { .name = name_, __VA_ARGS__ };	\
	STEP_ROW(id)

/* The last argument of a row that not every machine can do. */
#define NEEDS(where, what)	.needs = &(where), .lack = what

extern struct step **steps;
extern unsigned int nr_steps;

/* Brings the table in order; before anything else. */
void steps_init(void);
/* Whether the machine and the seeds have what it needs. */
bool step_is_possible(const struct step *step);
/* Makes the step of thread->step. */
void make_step(struct thread *thread);

#endif /* FUZZ_STEPS_H */
