/* SPDX-License-Identifier: MIT */
/*
 * A good answer with a few bytes changed: by any bytes, or by some of its own.
 */
#ifndef GSM_TESTS_UNIT_SCALERD_DAMAGE_H
#define GSM_TESTS_UNIT_SCALERD_DAMAGE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DAMAGE_ROUNDS = 20000, DAMAGE_BYTES_MAX = 4 };

#define DAMAGE_SEED UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t
damage_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* A damaged copy in memory of exactly its size, so that ASan sees a read
 * beyond; to be freed. */
static inline char *
damaged(const char *good, size_t size, uint64_t *seed)
{
	char *copy = malloc(size);
	uint64_t n = damage_random(seed) % DAMAGE_BYTES_MAX + 1;

	if (!copy)
		abort();
	memcpy(copy, good, size);
	while (n-- > 0) {
		const uint64_t r = damage_random(seed);

		copy[r % size] =
		    r >> 63 ? (char)(r >> 32) : good[(r >> 32) % size];
	}
	return copy;
}

#endif
