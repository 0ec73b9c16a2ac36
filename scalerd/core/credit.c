/* SPDX-License-Identifier: MIT */
#include "scalerd/core/credit.h"

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void
credit_sample(struct credit *credit, int64_t now_ms, int64_t granted,
	      int64_t hold_ms)
{
	if (credit->nsample > 0) {
		const int64_t newest_ms = credit->sample[credit->newest].ms;

		if (now_ms - newest_ms < hold_ms / (CREDIT_SAMPLES / 2))
			return;
		credit->newest = (credit->newest + 1) % CREDIT_SAMPLES;
	}
	if (credit->nsample < CREDIT_SAMPLES)
		credit->nsample++;
	credit->sample[credit->newest].ms = now_ms;
	credit->sample[credit->newest].granted = granted;
}

/* The newest figure of at_ms or before. False: all are younger. */
static bool
find_sample(const struct credit *credit, int64_t at_ms, int64_t *granted)
{
	for (int i = 0; i < credit->nsample; i++) {
		const int at =
		    (credit->newest + CREDIT_SAMPLES - i) % CREDIT_SAMPLES;

		if (credit->sample[at].ms <= at_ms) {
			*granted = credit->sample[at].granted;
			return true;
		}
	}
	return false;
}

void
credit_ask(struct credit *credit, int64_t now_ms, int64_t hold_ms)
{
	credit->has_arrived =
	    find_sample(credit, now_ms - hold_ms, &credit->arrived);
}

/* The middle term: what the limit becomes by what came and went. */
static int64_t
moved_limit(const struct credit *credit, int64_t seats, int64_t joined)
{
	const int64_t rise = seats - credit->seats;

	/* A count that fell began anew: it says nothing about the past. */
	if (credit->joined >= 0 && joined >= credit->joined)
		return credit->limit + rise + (joined - credit->joined);
	return credit->limit + greater(0, rise);
}

void
credit_answer(struct credit *credit, int64_t asked_ms, int64_t seats,
	      int64_t joined, int64_t granted, int64_t hold_ms)
{
	int64_t arrived = credit->arrived;
	const bool has_arrived =
	    find_sample(credit, asked_ms - hold_ms, &arrived) ||
	    credit->has_arrived;
	int64_t limit = granted;

	if (credit->known)
		limit = moved_limit(credit, seats, joined);
	if (has_arrived && (!credit->known || limit < seats + arrived))
		limit = seats + arrived;
	credit->limit = greater(granted, smaller(limit, seats + granted));
	credit->known = credit->known || has_arrived;
	credit->seats = seats;
	credit->joined = joined;
}

void
credit_forget(struct credit *credit, int64_t granted)
{
	credit->known = false;
	credit->limit = granted;
}

int64_t
credit_free(const struct credit *credit, int64_t granted)
{
	return greater(0, credit->limit - granted);
}
