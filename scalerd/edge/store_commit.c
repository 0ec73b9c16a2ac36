/* SPDX-License-Identifier: MIT */
/*
 * One turn, one transaction: the writer's fence first, then the rows, now and
 * then a bounded pruning.
 */
#include "scalerd/edge/store_private.h"

#include <stdio.h>

#include "scalerd/edge/store_holder.h"

enum { RC_LOST = -1 }; /* beside SQLite's codes: another writer took over */

static const char *const allocations[] = {
    [CONFIG_ALLOCATION_SPREAD] = "spread",
    [CONFIG_ALLOCATION_PACK] = "pack",
};

/* Binds the parameters of a statement one after the other. */
struct binder {
	sqlite3_stmt *stmt;
	int n;
	int rc;
};

static struct binder
bind(struct store *store, enum store_stmt stmt)
{
	return (struct binder){.stmt = store->stmt[stmt]};
}

static void
put_int(struct binder *b, int64_t value)
{
	if (b->rc == SQLITE_OK)
		b->rc = sqlite3_bind_int64(b->stmt, ++b->n, value);
}

/* The text must live until the statement is run. NULL is NULL. */
static void
put_text(struct binder *b, const char *text)
{
	if (b->rc == SQLITE_OK)
		b->rc =
		    sqlite3_bind_text(b->stmt, ++b->n, text, -1, SQLITE_STATIC);
}

static void
put_counts(struct binder *b, const int64_t count[STATE_COUNT])
{
	for (int i = 0; i < STATE_COUNT; i++)
		put_int(b, count[i]);
}

static int
run(const struct binder *b)
{
	int rc = b->rc;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(b->stmt);
	(void)sqlite3_reset(b->stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
run_plain(struct store *store, enum store_stmt stmt)
{
	const struct binder b = bind(store, stmt);

	return run(&b);
}

static int
put_fleet(struct store *store, const struct fleet_row *row)
{
	struct binder b = bind(store, STMT_PUT_FLEET);
	int rc;

	put_int(&b, store->epoch);
	put_text(&b, store->boot_id);
	put_int(&b, row->heartbeat_utc_ms);
	put_int(&b, row->heartbeat_ms);
	put_int(&b, row->started_utc_ms);
	put_int(&b, row->last_id);
	put_int(&b, row->free);
	put_int(&b, row->coming);
	put_int(&b, row->serving);
	put_int(&b, row->live);
	put_counts(&b, row->count);
	put_int(&b, row->upscale_margin);
	put_int(&b, row->downscale_margin);
	put_int(&b, row->server_capacity);
	put_int(&b, row->min_servers);
	put_int(&b, row->max_servers);
	put_int(&b, row->stale_after_ms);
	put_int(&b, row->panic);
	put_text(&b, row->limited_by);
	put_text(&b, row->last_action);
	put_int(&b, row->last_action_utc_ms);
	put_int(&b, row->launch_failures);
	put_int(&b, row->launch_not_before_utc_ms);
	put_int(&b, row->last_launch_utc_ms);
	put_int(&b, row->ledger_epoch);
	put_int(&b, row->last_generation);
	put_int(&b, row->shortage);
	put_text(&b, allocations[row->allocation]);
	rc = run(&b);
	if (rc == SQLITE_OK && sqlite3_changes(store->db) == 0)
		return RC_LOST;
	return rc;
}

/* The number of this commit among those that change a gameserver. */
static int
raise_rev(struct store *store, int64_t *rev)
{
	sqlite3_stmt *stmt = store->stmt[STMT_RAISE_REV];
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW) {
		*rev = sqlite3_column_int64(stmt, 0);
		rc = sqlite3_step(stmt);
	}
	(void)sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* What an answer changes but for the limit, in the order of the columns. */
static void
bind_answer(struct binder *b, struct store *store, const struct gameserver *row)
{
	put_text(b,
		 health_name(health_of(row->score, store_health_rule(store))));
	put_int(b, row->score);
	put_int(b, row->heard);
	put_int(b, row->seats);
	put_int(b, row->most_seats);
	put_int(b, row->ready_to_close);
	put_int(b, row->answered_utc_ms);
}

static int
put_gameserver(struct store *store, const struct gameserver *row, int64_t rev)
{
	struct binder b = bind(store, STMT_PUT_GAMESERVER);

	put_int(&b, row->id);
	put_text(&b, state_name(row->state));
	put_text(&b, reason_name(row->reason));
	put_int(&b, row->since_utc_ms);
	put_text(&b, origin_name(row->origin));
	put_int(&b, row->ours);
	put_text(&b, row->mark);
	put_text(&b, row->ref);
	put_text(&b, row->instance);
	put_text(&b, row->ip);
	put_int(&b, row->port);
	put_text(&b, row->address);
	bind_answer(&b, store, row);
	put_int(&b, row->host_leaving);
	put_int(&b, row->slot);
	put_int(&b, row->generation);
	put_int(&b, row->grant_limit);
	put_int(&b, rev);
	return run(&b);
}

/* All of it when the row is not there: somebody deleted it. */
static int
put_answer(struct store *store, const struct gameserver *row, int64_t rev)
{
	struct binder b = bind(store, STMT_PUT_ANSWER);
	int rc;

	put_int(&b, row->id);
	bind_answer(&b, store, row);
	put_int(&b, row->grant_limit);
	put_int(&b, rev);
	rc = run(&b);
	if (rc == SQLITE_OK && sqlite3_changes(store->db) == 0)
		return put_gameserver(store, row, rev);
	return rc;
}

/* Under a number of its own among the commits that change a gameserver. */
static int
put_gameservers(struct store *store, const struct batch *batch)
{
	const size_t nwhole = batch->ngameserver - batch->nanswered;
	int64_t rev = 0;
	int rc = SQLITE_OK;

	if (batch->ngameserver > 0)
		rc = raise_rev(store, &rev);
	for (size_t i = 0; rc == SQLITE_OK && i < nwhole; i++)
		rc = put_gameserver(store, batch->gameserver[i], rev);
	for (size_t i = nwhole; rc == SQLITE_OK && i < batch->ngameserver; i++)
		rc = put_answer(store, batch->gameserver[i], rev);
	return rc;
}

static int
put_operation(struct store *store, const struct operation *row)
{
	struct binder b = bind(store, STMT_PUT_OPERATION);

	put_text(&b, row->id);
	put_text(&b, op_kind_name(row->kind));
	put_int(&b, row->gameserver);
	put_text(&b, reason_name(row->reason));
	put_text(&b, op_result_name(row->result));
	put_text(&b, row->phase);
	put_text(&b, row->request);
	put_text(&b, row->detail);
	put_int(&b, row->attempts);
	put_int(&b, row->created_utc_ms);
	put_int(&b, row->finished_utc_ms);
	return run(&b);
}

static int
put_event(struct store *store, const struct event *row)
{
	struct binder b = bind(store, STMT_PUT_EVENT);

	put_int(&b, row->at_utc_ms);
	put_int(&b, row->gameserver);
	put_text(&b, row->kind);
	put_text(&b, row->from);
	put_text(&b, row->to);
	put_text(&b, row->reason);
	put_text(&b, row->detail);
	return run(&b);
}

static int
put_alarm(struct store *store, const struct alarm *row)
{
	struct binder b =
	    bind(store, row->raised ? STMT_PUT_ALARM : STMT_END_ALARM);

	put_text(&b, row->name);
	put_int(&b, row->gameserver);
	if (row->raised) {
		put_int(&b, row->at_utc_ms);
		put_text(&b, row->message);
	}
	return run(&b);
}

static int
put_sample(struct store *store, const struct sample *row)
{
	struct binder b = bind(store, STMT_PUT_SAMPLE);

	put_int(&b, row->at_utc_ms);
	put_int(&b, row->free);
	put_int(&b, row->coming);
	put_counts(&b, row->count);
	return run(&b);
}

static int
prune(struct store *store, int64_t utc_ms)
{
	/* Operations before the gameservers that they are about. */
	const struct {
		enum store_stmt stmt;
		int64_t bound;
	} step[] = {
	    {STMT_PRUNE_EVENT_AGE, utc_ms - STORE_EVENT_KEEP_MS},
	    {STMT_PRUNE_EVENT_COUNT, STORE_EVENTS_MAX},
	    {STMT_PRUNE_SAMPLE, utc_ms - STORE_SAMPLE_KEEP_MS},
	    {STMT_PRUNE_OPERATION, utc_ms - STORE_OPERATION_KEEP_MS},
	    {STMT_PRUNE_GAMESERVER, utc_ms - STORE_GAMESERVER_KEEP_MS},
	};
	int rc = SQLITE_OK;

	for (size_t i = 0;
	     rc == SQLITE_OK && i < sizeof(step) / sizeof(step[0]); i++) {
		struct binder b = bind(store, step[i].stmt);

		put_int(&b, step[i].bound);
		put_int(&b, STORE_PRUNE_ROWS);
		rc = run(&b);
	}
	return rc;
}

static int
put_rows(struct store *store, const struct batch *batch)
{
	int rc = put_fleet(store, batch->fleet);

	if (rc == SQLITE_OK)
		rc = put_gameservers(store, batch);
	for (size_t i = 0; rc == SQLITE_OK && i < batch->noperation; i++)
		rc = put_operation(store, batch->operation[i]);
	for (size_t i = 0; rc == SQLITE_OK && i < batch->nevent; i++)
		rc = put_event(store, &batch->event[i]);
	for (size_t i = 0; rc == SQLITE_OK && i < batch->nalarm; i++)
		rc = put_alarm(store, &batch->alarm[i]);
	if (rc == SQLITE_OK && batch->sample != NULL)
		rc = put_sample(store, batch->sample);
	return rc;
}

static int
write_batch(struct store *store, const struct batch *batch)
{
	int rc = run_plain(store, STMT_BEGIN);

	if (rc == SQLITE_OK)
		rc = put_rows(store, batch);
	if (rc == SQLITE_OK && store->commits % STORE_PRUNE_EVERY == 0)
		rc = prune(store, batch->fleet->heartbeat_utc_ms);
	if (rc == SQLITE_OK)
		rc = run_plain(store, STMT_COMMIT);
	if (rc == SQLITE_OK)
		store->commits++;
	return rc;
}

static void
describe(struct store *store, int rc, struct err *err)
{
	char holder[64];

	if (rc == RC_LOST)
		err_set(err, "another scalerd took %s over", store->path);
	else if ((rc & 0xff) == SQLITE_BUSY &&
		 store_holder_name(store->files.file[STORE_SHM].ino, holder,
				   sizeof(holder)))
		err_set(err, "%s is locked by %s", store->path, holder);
	else
		err_set(err, "%s: %s", store->path, sqlite3_errmsg(store->db));
}

static enum store_result
sort_failure(int rc)
{
	static const int passing[] = {
	    SQLITE_BUSY,  SQLITE_LOCKED,   SQLITE_FULL,
	    SQLITE_IOERR, SQLITE_READONLY, SQLITE_CANTOPEN,
	    SQLITE_NOMEM, SQLITE_PERM,     SQLITE_PROTOCOL};

	if (rc == RC_LOST)
		return STORE_LOST;
	/* The statements were good when they were prepared: a table is gone. */
	if (store_is_damage(rc) || rc == SQLITE_ERROR)
		return STORE_RESET;
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if ((rc & 0xff) == passing[i])
			return STORE_BUSY;
	}
	return STORE_BROKEN;
}

/* Makes sure that the database is open and that the path leads to it. */
static enum store_result
stand(struct store *store, struct err *err)
{
	if (store->db == NULL) {
		if (!store_connect(store, err))
			return STORE_BUSY;
		return store->fresh ? STORE_RESET : STORE_OK;
	}
	if (!store_files_moved(store->path, &store->files))
		return STORE_OK;
	return store_rescue(store, err);
}

/* Now and then, whether readers still find a sound file at the path. */
static bool
stays_sound(struct store *store, int64_t now_ms, struct err *err)
{
	const bool is_first = store->checked_ms == 0;

	if (!is_first && now_ms - store->checked_ms < STORE_CHECK_MS)
		return true;
	if (!is_first && !store_is_sound(store, err))
		return false;
	store->checked_ms = now_ms;
	return true;
}

enum store_result
store_commit(void *self, const struct batch *batch, struct err *err)
{
	struct store *store = self;
	enum store_result result = stand(store, err);
	int rc;

	if (result != STORE_OK)
		return result;
	if (!stays_sound(store, batch->fleet->heartbeat_ms, err))
		return store_reset(store, "damaged", err);
	rc = write_batch(store, batch);
	if (rc == SQLITE_OK) {
		store_wal_shorten(store);
		return STORE_OK;
	}
	describe(store, rc, err);
	if (!sqlite3_get_autocommit(store->db))
		(void)run_plain(store, STMT_ROLLBACK);
	result = sort_failure(rc);
	return result == STORE_RESET ? store_reset(store, "damaged", err)
				     : result;
}
