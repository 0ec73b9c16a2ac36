/* SPDX-License-Identifier: MIT */
#include "scalerd/core/health.h"

#include "scalerd/core/names.h"

static const char *const health_names[HEALTH_COUNT] = {
    [HEALTH_UNKNOWN] = "unknown",
    [HEALTH_GOOD] = "good",
    [HEALTH_SUSPECT] = "suspect",
    [HEALTH_BAD] = "bad",
};

NAMES_DEFINE(health, enum health, health_names, HEALTH_COUNT)

static int
top(struct health_rule rule)
{
	return rule.rise + rule.fall - 1;
}

/* Brings a score that another rule made into this rule's range. */
static int
clamp(int score, struct health_rule rule)
{
	if (score > top(rule))
		return top(rule);
	if (score < -rule.fall)
		return -rule.fall;
	return score;
}

int
health_next(int score, bool good, struct health_rule rule)
{
	score = clamp(score, rule);
	if (score < 0) {
		if (good)
			return top(rule);
		return score == -rule.fall ? 0 : score - 1;
	}
	if (good)
		return score + 1 >= rule.rise ? top(rule) : score + 1;
	return score > rule.rise ? score - 1 : 0;
}

enum health
health_of(int score, struct health_rule rule)
{
	if (score < 0)
		return HEALTH_UNKNOWN;
	if (score < rule.rise)
		return HEALTH_BAD;
	return score < top(rule) ? HEALTH_SUSPECT : HEALTH_GOOD;
}

int
health_score(enum health health, struct health_rule rule)
{
	switch (health) {
	case HEALTH_GOOD:
		return top(rule);
	case HEALTH_SUSPECT:
		return rule.fall > 1 ? top(rule) - 1 : 0;
	case HEALTH_BAD:
		return 0;
	default:
		return HEALTH_SCORE_UNKNOWN;
	}
}
