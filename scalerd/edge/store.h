/* SPDX-License-Identifier: MIT */
/*
 * The store: state.db, one SQLite database in WAL mode of which this process
 * is the only writer, readable at any time by other users.
 *
 * Opening puts it in order: created if it is missing; migrated if it is older;
 * refused, untouched, if it is newer, another fleet's or not ours at all; moved
 * aside (state.db.damaged-TIME) and begun anew if it is damaged. A writer's
 * epoch in the database fences off an older process that comes back: its
 * commits fail with STORE_LOST.
 *
 * While open, every commit first looks whether the path still leads to the
 * files that are open; if not (deleted, replaced) the database is written anew
 * from the open handle, a file in its place is moved aside first
 * (state.db.replaced-TIME). What can be neither kept nor rescued is begun anew,
 * and the commit that notices it returns STORE_RESET.
 *
 * The directory must be writable: -wal and -shm lie beside the database, and
 * stay there when it is closed, so that readers without write permission can
 * open it at any time. Modes follow the umask.
 *
 * Nothing else in the process may open the database file: closing any
 * descriptor of it drops SQLite's locks.
 */
#ifndef GSM_EDGE_STORE_H
#define GSM_EDGE_STORE_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/scaler/ports.h"

enum {
	STORE_APPLICATION_ID =
	    0x47534d44,               /* "GSMD", of PRAGMA application_id */
	STORE_OPEN_TIMEOUT_MS = 5000, /* wait for a lock while opening */
	STORE_CONNECT_TRIES = 3,      /* one file moved aside, one copied */
	STORE_BUSY_TIMEOUT_MS = 1000, /* wait for a lock inside one commit */
	STORE_CHECK_MS = 60000, /* between looks at the file itself: damage
				   hides behind SQLite's page cache */
	STORE_RESETS_MAX = 5,   /* databases begun anew by one process; then the
				   disk is at fault: STORE_BROKEN */

	/* What is kept, looked at every so many commits, so many rows a time.
	 */
	STORE_PRUNE_EVERY = 60,
	STORE_PRUNE_ROWS = 1000,
	STORE_EVENTS_MAX = 200000,
};

#define STORE_EVENT_KEEP_MS      (INT64_C(30) * 24 * 3600 * 1000)
#define STORE_SAMPLE_KEEP_MS     (INT64_C(24) * 3600 * 1000)
#define STORE_OPERATION_KEEP_MS  (INT64_C(7) * 24 * 3600 * 1000)
#define STORE_GAMESERVER_KEEP_MS (INT64_C(7) * 24 * 3600 * 1000)
#define STORE_LOAD_MS            (INT64_C(3600) * 1000) /* the last hour */

struct store;

/* False: err says what is wrong and what to do (newer version, another
 * fleet's, no permission, not a file). */
NODISCARD bool store_open(struct store **store, struct store_port *port,
			  const struct config *config, struct err *err);

/* The fleet row, zeros if there is none. */
NODISCARD bool store_get_fleet(const struct store *store, struct fleet_row *row,
			       struct err *err);

/* Takes over a configuration whose identity is the same (SIGHUP): the health
 * thresholds, by which the stored word is made from the score. */
void store_reconfigure(struct store *store, const struct config *config);

void store_close(struct store *store); /* accepts NULL */

#endif
