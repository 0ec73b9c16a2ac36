/* SPDX-License-Identifier: MIT */
#include "fcgi-api/choose.h"

#include <assert.h>
#include <stddef.h>

enum { DRAWS_MAX = 64 }; /* each is rejected with p < 1/2 */

static uint64_t
random_next(struct random_stream *stream)
{
	uint64_t z = stream->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

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

/* The first server whose sum of seats is above `seat`. */
static const struct server *
find_seat(const struct servers *list, uint64_t seat)
{
	size_t low = 0;
	size_t high = list->len - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (list->at[middle].seats_upto > seat)
			high = middle;
		else
			low = middle + 1;
	}
	return &list->at[low];
}

const char *
choose_address(const struct snapshot *s, struct random_stream *stream)
{
	if (s == NULL)
		return NULL;
	for (int grade = GRADE_GOOD; grade < GRADE_COUNT; grade++) {
		const struct servers *list = &s->servers[grade];
		if (list->len == 0)
			continue;
		uint64_t seats = list->at[list->len - 1].seats_upto;
		if (seats == 0)
			continue;
		return find_seat(list, random_below(stream, seats))->address;
	}
	return NULL;
}
