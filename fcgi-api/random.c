/* SPDX-License-Identifier: MIT */
#include "fcgi-api/random.h"

#include <assert.h>

enum { DRAWS_MAX = 64 }; /* each is rejected with p < 1/2 */

uint64_t
random_below(struct random_stream *stream, uint64_t below)
{
	assert(below > 0);
	/* 2^64 mod below: draws under it would favour small results. */
	uint64_t unfair = (0 - below) % below;
	uint64_t draw = random_next(stream);
	for (int i = 0; draw < unfair && i < DRAWS_MAX; i++)
		draw = random_next(stream);
	return draw % below;
}
