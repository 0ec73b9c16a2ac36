/* SPDX-License-Identifier: MIT */
/* A stream of random numbers, of one thread (splitmix64). Any seed will do. */
#ifndef GSM_FCGI_API_RANDOM_H
#define GSM_FCGI_API_RANDOM_H

#include <stdint.h>

struct random_stream {
	uint64_t state;
};

uint64_t random_next(struct random_stream *stream);

/* 0 <= result < below; below > 0. Unbiased. */
uint64_t random_below(struct random_stream *stream, uint64_t below);

#endif
