/* SPDX-License-Identifier: MIT */
/*
 * Which gameserver the next player is sent to: at random, weighted by free
 * seats. (Always the one with the most free seats herds: everyone who asks
 * between two polls gets the same one.)
 */
#ifndef GSM_FCGI_API_CHOOSE_H
#define GSM_FCGI_API_CHOOSE_H

#include <stdint.h>

#include "fcgi-api/snapshot.h"

/* A stream of random numbers, of one thread (splitmix64). Any seed will do. */
struct random_stream {
	uint64_t state;
};

/* 0 <= result < below; below > 0. Unbiased. */
uint64_t random_below(struct random_stream *stream, uint64_t below);

/* An address among the good ones with free seats, else among the suspects
 * with free seats, else NULL. Lives as long as the snapshot; s may be NULL. */
const char *choose_address(const struct snapshot *s,
			   struct random_stream *stream);

#endif
