/* SPDX-License-Identifier: MIT */
/*
 * The one source of chance of a simulated history: xorshift64*, begun from
 * the seed, so that a history can be replayed.
 */
#ifndef GSM_SIM_RNG_H
#define GSM_SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state; /* never 0 */
};

/* Seeds that lie side by side begin far apart (splitmix64). */
static inline void
rng_seed(struct rng *rng, uint64_t seed)
{
	uint64_t z = seed + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	rng->state = z == 0 ? 1 : z;
}

static inline uint64_t
rng_next(struct rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return rng->state * UINT64_C(2685821657736338717);
}

/* low .. high, both included. */
static inline int64_t
rng_range(struct rng *rng, int64_t low, int64_t high)
{
	return low +
	       (int64_t)((rng_next(rng) >> 1) % (uint64_t)(high - low + 1));
}

static inline bool
rng_percent(struct rng *rng, int percent)
{
	return rng_range(rng, 0, 99) < percent;
}

#endif
