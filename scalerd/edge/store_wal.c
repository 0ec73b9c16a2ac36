/* SPDX-License-Identifier: MIT */
/*
 * The WAL's length. SQLite by itself begins it anew only when a commit meets a
 * moment without readers, which may never come while several overlap: it would
 * grow without end. So a long one is begun anew on purpose: once all of it is
 * copied, readers that come read the database alone, and those that were there
 * before are waited for.
 */
#include "scalerd/edge/store_private.h"

#include <time.h>

#include "scalerd/edge/loop.h"

static int
on_commit(void *arg, sqlite3 *db, const char *schema, int pages)
{
	struct store *store = arg;

	(void)db;
	(void)schema;
	store->wal_pages = pages;
	return SQLITE_OK;
}

void
store_wal_plan(struct store *store)
{
	store->wal_pages = 0;
	store->wal_due_ms = 0;
	store->wal_pause_ms = 0;
	(void)sqlite3_wal_hook(store->db, on_commit, store);
}

/* SQLite's own waits longer and longer between two looks. */
static int
on_busy(void *arg, int times)
{
	static const struct timespec pause = {.tv_nsec = 1000000};

	(void)arg;
	if (times >= STORE_WAL_WAIT_MS)
		return 0;
	(void)nanosleep(&pause, NULL);
	return 1;
}

static void
begin_anew(struct store *store)
{
	int rc;

	(void)sqlite3_busy_handler(store->db, on_busy, NULL);
	rc = sqlite3_wal_checkpoint_v2(store->db, NULL,
				       SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	sqlite3_busy_timeout(store->db, STORE_BUSY_TIMEOUT_MS);
	if (rc == SQLITE_OK)
		store->wal_pause_ms = 0;
	else if (store->wal_pause_ms < STORE_WAL_PAUSE_MAX_MS)
		store->wal_pause_ms += STORE_WAL_PAUSE_MS;
	store->wal_due_ms = loop_now_ms() + store->wal_pause_ms;
}

void
store_wal_shorten(struct store *store)
{
	if (store->wal_pages < STORE_WAL_PAGES)
		return;
	if (loop_now_ms() >= store->wal_due_ms)
		begin_anew(store);
	else
		/* Waits for nobody; a commit without readers begins anew. */
		(void)sqlite3_wal_checkpoint_v2(
		    store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
