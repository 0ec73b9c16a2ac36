/* SPDX-License-Identifier: MIT */
/*
 * The mapping of the seat ledger that request threads use: the file whose
 * epoch is the database's, or none, and then the state is stale. Followed by
 * the refresher; an old mapping goes when its last reader has let go.
 */
#ifndef GSM_FCGI_API_LEDGER_MAP_H
#define GSM_FCGI_API_LEDGER_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"
#include "fcgi-api/publication.h"

struct ledger_map {
	struct publication published; /* of struct mapping */
	/* The refresher's. */
	const char *path; /* borrowed */
	uint64_t times;   /* that one was mapped */
	bool failing;     /* edges, for the log */
};

struct mapping {
	struct ledger *ledger;
	uint64_t epoch; /* the database's */
};

void ledger_map_init(struct ledger_map *m, const char *path);

/* Refresher: what is mapped, NULL: nothing. Not changed by other threads. */
struct ledger *ledger_map_current(struct ledger_map *m);

/* Refresher: takes the mapping away unless it is of this epoch and that epoch
 * is still in the file. True: it stayed. */
bool ledger_map_check(struct ledger_map *m, uint64_t epoch);

/* Refresher: takes the mapping away if another file lies at the path, or none.
 */
void ledger_map_drop_replaced(struct ledger_map *m);

/* Refresher: maps the file at the path if it is another one and of this epoch.
 * Says so in the log when that begins to fail, and when it works again. */
void ledger_map_follow(struct ledger_map *m, uint64_t epoch);

/* Request thread `slot`: NULL: there is none to be trusted. */
struct ledger *ledger_map_take(struct ledger_map *m, unsigned slot);
void ledger_map_release(struct ledger_map *m, unsigned slot);

#endif
