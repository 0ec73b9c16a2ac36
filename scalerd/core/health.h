/* SPDX-License-Identifier: MIT */
/*
 * Health is one integer, the score, and the two thresholds:
 *
 *	score < 0                          unknown, -score - 1 failures so far
 *	0 .. rise - 1                      bad, score good answers so far
 *	rise .. rise + fall - 2            suspect
 *	rise + fall - 1                    good
 *
 * A failed answer costs a good one its rotation at once (suspect), `fall` of
 * them in a row make it bad. One good answer clears a suspect, `rise` of them
 * in a row make a bad one good, and an unknown one is good with its first.
 */
#ifndef GSM_CORE_HEALTH_H
#define GSM_CORE_HEALTH_H

#include <stdbool.h>

enum health {
	HEALTH_UNKNOWN, /* not asked often enough to know */
	HEALTH_GOOD,
	HEALTH_SUSPECT, /* failed lately, still counted */
	HEALTH_BAD,     /* no longer counted; not dead */
	HEALTH_COUNT
};

struct health_rule {
	int fall; /* HEALTH_FALL, 1 .. 100 */
	int rise; /* HEALTH_RISE, 1 .. 100 */
};

enum { HEALTH_SCORE_UNKNOWN = -1 };

/* The score after one more answer. A score from outside the range (the rule
 * was changed by SIGHUP) is brought into it first. */
int health_next(int score, bool good, struct health_rule rule);

enum health health_of(int score, struct health_rule rule);
const char *health_name(enum health health);
bool health_parse(const char *name, enum health *health);

/* The score that a stored word stands for: what a restart begins with. */
int health_score(enum health health, struct health_rule rule);

#endif
