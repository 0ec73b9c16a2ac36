/* SPDX-License-Identifier: MIT */
/* Who chooses a gameserver for a client: fcgi-api's own code, and what it is
 * compared with. */
#ifndef GSM_OVERSELL_POLICY_H
#define GSM_OVERSELL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/oversell/fleet.h"

enum policy {
	POLICY_SPREAD,    /* by credit, ALLOCATION=spread */
	POLICY_PACK,      /* by credit, ALLOCATION=pack */
	POLICY_MOST_FREE, /* most free by the last answers, no debit */
	POLICY_WEIGHTED,  /* at random, weighted by the last answers */
	POLICY_COUNT
};

const char *policy_name(enum policy policy);
bool policy_has_credit(enum policy policy);

/* Another fleet begins. */
void policy_begin(const struct fleet *fleet);

/* What scalerd committed is seen by those who choose. */
void policy_refresh(enum policy policy, struct fleet *fleet);

/* False: refused. */
bool policy_choose(enum policy policy, struct fleet *fleet, uint32_t *server);

#endif
