/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every random choice in a step is a function of (seed, thread, step), so the same
 * seed makes the same calls, whatever the threads do to each other.
 */
#ifndef FUZZ_RNG_H
#define FUZZ_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline struct rng rng_for(uint64_t seed, uint64_t thread, uint64_t step)
{
	struct rng rng = { seed };

	rng.state = rng_next(&rng) ^ (thread << 48) ^ step;
	return rng;
}

/* 0 to @end - 1 */
static inline uint64_t rng_below(struct rng *rng, uint64_t end)
{
	return rng_next(rng) % end;
}

static inline bool rng_percent(struct rng *rng, unsigned int percent)
{
	return rng_below(rng, 100) < percent;
}

#define rng_pick(rng, array) \
	((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])

#endif /* FUZZ_RNG_H */
