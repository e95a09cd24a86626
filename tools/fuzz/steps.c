// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "steps.h"
#include "tally.h"

/* The linker's names for the ends of the section. */
extern struct step *__start_fuzz_steps[], *__stop_fuzz_steps[];

struct step **steps;
unsigned int nr_steps;
static unsigned int sum_of_weights;

static int compare(const void *a, const void *b)
{
	const struct step *const *first = a, *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

/*
 * By name: the order in the section is the compiler's and the linker's, and a
 * seed must not depend on it.
 */
void steps_init(void)
{
	unsigned int i;

	nr_steps = __stop_fuzz_steps - __start_fuzz_steps;
	steps = malloc(nr_steps * sizeof(*steps));
	if (!steps)
		abort();
	memcpy(steps, __start_fuzz_steps, nr_steps * sizeof(*steps));
	qsort(steps, nr_steps, sizeof(*steps), compare);
	for (i = 0; i < nr_steps; i++) {
		steps[i]->nr = i;
		sum_of_weights += steps[i]->weight;
	}
}

bool step_is_possible(const struct step *step)
{
	return !step->needs || *step->needs;
}

/* It does not depend on what the machine has: seeds are the same everywhere. */
static const struct step *draw(struct rng *rng)
{
	uint64_t pick = rng_below(rng, sum_of_weights);
	unsigned int i;

	for (i = 0; pick >= steps[i]->weight; i++)
		pick -= steps[i]->weight;
	return steps[i];
}

void make_step(struct thread *thread)
{
	const struct step *step;
	uint64_t start = now_ns();

	thread->rng = rng_for(options.seed, thread->id, thread->step);
	step = draw(&thread->rng);
	if (!step_is_possible(step))
		return;
	if (planted("step") && !strcmp(step->name, "mremap"))
		return;
	step->make(thread);
	count_time(step, now_ns() - start);
}
