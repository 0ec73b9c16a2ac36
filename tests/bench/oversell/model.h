/* SPDX-License-Identifier: MIT */
/*
 * Clients, gameservers, polls and grants in virtual time. scalerd's limits are
 * computed by its own code (core/credit.c), kept as its scaler keeps them and
 * granted by fcgi-api's own code in a real ledger.
 */
#ifndef GSM_OVERSELL_MODEL_H
#define GSM_OVERSELL_MODEL_H

#include "tests/bench/oversell/policy.h"

/* One cell of the grid. */
struct cell {
	int64_t poll_ms;
	int64_t arrivals; /* clients per second, walk-ins among them */
	int64_t capacity; /* seats of a gameserver */
	uint32_t servers;
	int64_t hold_ms;     /* SEAT_HOLD_MS */
	int64_t burst;       /* so many clients into an empty fleet, again and
				again; 0: steady churn */
	int64_t question_ms; /* on its way to the gameserver */
	int walk_in_percent; /* of the clients; they come without a grant */
	bool joined;         /* the gameservers report joined_total */
	int64_t clients;     /* at least so many are counted */
};

struct outcome {
	int64_t clients; /* who asked; walk-ins did not */
	int64_t granted;
	int64_t oversold; /* were sent to a gameserver and found it full */
	int64_t refused;
	int64_t falsely; /* while a seat was free that nobody was coming to */
	double load;     /* seats taken, 0 .. 1, at the end */
};

enum {
	MODEL_LOAD_PERCENT = 80, /* seats taken in steady churn */
	MODEL_ANSWER_MS = 200,   /* an answer is on its way */
};

/* Deterministic. The ledger is the caller's. */
struct outcome model_run(const struct cell *cell, enum policy policy,
			 struct ledger *ledger, uint64_t seed);

#endif
