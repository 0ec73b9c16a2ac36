/* SPDX-License-Identifier: MIT */
/*
 * Keeps the seats, the list and the mapped ledger up to date, in a thread of
 * its own, so that a request never waits for SQLite. It reads changed rows
 * only, when scalerd announces a change in the ledger or, at the latest, when
 * PRAGMA data_version is looked at next. Whatever happens to the database, the
 * last state stays; the file is opened again with backoff.
 */
#ifndef GSM_FCGI_API_REFRESHER_H
#define GSM_FCGI_API_REFRESHER_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi-api/api.h"
#include "fcgi-api/follow.h"
#include "fcgi-api/reader.h"

struct refresher {
	struct api *api;
	struct reader reader;
	struct follow follow;
	/* CLOCK_BOOTTIME of the next, or not before. */
	int64_t open_at_ms;
	int64_t load_at_ms;
	int64_t check_at_ms; /* data_version */
	int64_t file_at_ms;  /* replaced files */
	int64_t list_at_ms;
	int64_t trim_at_ms;  /* the heaps */
	int64_t judge_at_ms; /* whether the state is stale */
	int64_t opened_ms;
	int64_t turned_ms;
	int64_t backoff_ms;
	uint32_t news; /* of the ledger, at the last load */
	uint64_t met;  /* api->ledger.times, of the ledger of the news */
	bool pack;     /* how the lists are sorted */
	bool busy;     /* the last turn sorted: players are */
	bool failing;  /* edges, for the log */
	bool stale;
	bool bad_addresses;
};

/* `database` and `boot_id` are borrowed for the refresher's life. */
void refresher_init(struct refresher *r, struct api *api, const char *database,
		    const char *boot_id);

/* One look at the database, the ledger and what is asked for. Never blocks for
 * long (DATABASE_BUSY_MS and the reading itself). */
void refresher_turn(struct refresher *r, struct instant now);

/* Waits until scalerd has something new or it is time to look anyway, but not
 * before the next load is due: REFRESH_WAIT_MS twice at most. */
void refresher_wait(struct refresher *r);

/* Waits and turns until the process ends, which it may at any time: nothing is
 * written.
 */
_Noreturn void refresher_run(struct refresher *r);

void refresher_end(struct refresher *r);

#endif
