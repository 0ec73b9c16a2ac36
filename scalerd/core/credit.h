/* SPDX-License-Identifier: MIT */
/*
 * How many seats of a gameserver may be granted: the grant limit, computed
 * anew at each good health answer. Pure.
 *
 *	L = clamp(L_prev + max(0, a - a_prev), a + gH, a + gR)
 *
 * a is the answer's available_capacity, gR what was granted when the answer
 * was received, gH what was granted at least SEAT_HOLD_MS before it was asked
 * for (an older figure is always safe). Lower bound: grants that old have
 * arrived or never will. Middle: players who arrive take no credit back; a
 * rise of a frees seats. Upper bound: seats taken by walk-ins.
 *
 * With joined_total (j, connections accepted since the gameserver's start)
 * departures are exact: the middle is L_prev + (a - a_prev) + (j - j_prev).
 */
#ifndef GSM_CORE_CREDIT_H
#define GSM_CORE_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

enum { CREDIT_SAMPLES = 32 }; /* of granted, kept for each gameserver */

/* What is kept of one gameserver between its answers. Zeroed: nothing yet. */
struct credit {
	int64_t limit;  /* L: granted may reach it */
	bool known;     /* limit, seats (and joined) are of an answer with a
			   figure of arrived: they may be L_prev, a_prev */
	int64_t seats;  /* a_prev */
	int64_t joined; /* j_prev; -1: not reported */
	/* granted at moments at least hold_ms / (CREDIT_SAMPLES / 2) apart, a
	 * ring; times are CLOCK_BOOTTIME. */
	struct {
		int64_t ms, granted;
	} sample[CREDIT_SAMPLES];
	int nsample, newest;
	/* gH as it was when the question that is open was asked. */
	bool has_arrived;
	int64_t arrived;
};

/* granted is so much at now_ms: kept as a sample if the newest one is old
 * enough. Call it each turn, and before credit_answer. */
void credit_sample(struct credit *credit, int64_t now_ms, int64_t granted,
		   int64_t hold_ms);

/* A question goes out now, after credit_sample: keeps the figure for an answer
 * that takes longer than the samples reach back. */
void credit_ask(struct credit *credit, int64_t now_ms, int64_t hold_ms);

/* A good answer: seats a, joined j (-1: not reported), asked for at asked_ms,
 * received now with `granted` granted. Sets limit, never below granted. Without
 * L_prev and without a sample old enough there is no credit yet, and known
 * stays false. */
void credit_answer(struct credit *credit, int64_t asked_ms, int64_t seats,
		   int64_t joined, int64_t granted, int64_t hold_ms);

/* Out of rotation: what was known is no L_prev any more. `limit` becomes
 * `granted`: no credit until the next answer. The samples stay; with another
 * generation they don't mean anything: zero the struct instead. */
void credit_forget(struct credit *credit, int64_t granted);

/* Seats that may still be granted. */
int64_t credit_free(const struct credit *credit, int64_t granted);

#endif
