/* SPDX-License-Identifier: MIT */
/* The simulated gameservers: what is true of them, and what scalerd knows. */
#ifndef GSM_OVERSELL_FLEET_H
#define GSM_OVERSELL_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"
#include "scalerd/core/credit.h"
#include "tests/sim/rng.h"

struct server {
	/* The truth. */
	int64_t taken;  /* players inside */
	int64_t coming; /* granted, on their way, will arrive */
	int64_t joined; /* since the start */
	/* The answer that is on its way. */
	int64_t asked_us, said, said_joined;
	/* What scalerd knows. */
	int64_t seats; /* free, by the last good answer */
	bool suspect;  /* the last answer was lost */
	bool changed;  /* since the last turn */
	struct credit credit;
};

struct fleet {
	struct server *server;
	uint32_t n;
	int64_t capacity; /* of each */
	int64_t taken;    /* players inside, all together */
	int64_t open;     /* seats that are free and that nobody is coming to */
	uint32_t generation; /* of all slots of the ledger: slot = index */
	struct ledger *ledger;
	struct rng rng;
};

/* So many, each with this many players. Ends the program without memory. */
void fleet_init(struct fleet *fleet, uint32_t n, int64_t capacity,
		int64_t taken);
void fleet_free(struct fleet *fleet);

/* Players and clients on their way, more or fewer. */
void fleet_move(struct fleet *fleet, uint32_t at, int taken, int coming);
/* A player leaves, anyone with the same chance. There is one. */
void fleet_leave(struct fleet *fleet);

/* 0 <= result < below. */
uint32_t fleet_below(struct fleet *fleet, uint32_t below);
/* 0 < result <= 1 */
double fleet_unit(struct fleet *fleet);

#endif
