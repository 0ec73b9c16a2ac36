/* SPDX-License-Identifier: MIT */
/* A stream of random numbers, of one thread (splitmix64). Any seed will do. */
#ifndef GSM_FCGI_API_RANDOM_H
#define GSM_FCGI_API_RANDOM_H

#include <stdint.h>

struct random_stream {
	uint64_t state;
};

static inline uint64_t
random_next(struct random_stream *stream)
{
	uint64_t z = stream->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 <= result < below; below > 0. Unbiased. */
uint64_t random_below(struct random_stream *stream, uint64_t below);

#endif
