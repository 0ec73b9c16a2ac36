/* SPDX-License-Identifier: MIT */
/*
 * Which gameserver the next player is sent to, and the grant of the seat.
 * Takes no lock, allocates nothing, and every loop is bounded.
 */
#ifndef GSM_FCGI_API_CHOOSE_H
#define GSM_FCGI_API_CHOOSE_H

#include <stdbool.h>

#include "fcgi-api/random.h"
#include "fcgi-api/seats.h"

struct choice {
	struct seats *seats;
	struct ledger *ledger; /* the one that the rows are of; NULL: none */
	struct random_stream *random;
	bool pack;  /* the fullest first; else towards the emptiest */
	bool grant; /* count the seat; else only say which it would be */
	struct seat_row row; /* out: the gameserver */
};

/* One seat by credit: a good one's, else a suspect's. Spread is the best of
 * four random slots with credit, so that a burst does not herd; of more while
 * the best has little. False: every
 * slot was looked at and none has credit. The ledger must be there. */
bool choose_by_credit(struct choice *c);

/* One seat while the state is stale: limits don't count, closed cells and
 * other generations do. At random, weighted by the last known free seats, less
 * what was granted since; when there are none, any. False: no gameserver. */
bool choose_stale(struct choice *c);

#endif
