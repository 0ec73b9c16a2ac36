/* SPDX-License-Identifier: MIT */
/*
 * Reading the rows back. The file may have been edited by hand: a word or a
 * length that no struct can hold is an error that names the row.
 */
#include "scalerd/edge/store_private.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sql.h"

/* Reads the columns of a row one after the other. */
struct reader {
	sqlite3_stmt *stmt;
	int n;
	bool bad; /* a value does not fit; `column` is the first such */
	int column;
};

static void
expect(struct reader *r, bool fits)
{
	if (fits || r->bad)
		return;
	r->bad = true;
	r->column = r->n - 1;
}

static int64_t
get_int(struct reader *r)
{
	return sqlite3_column_int64(r->stmt, r->n++);
}

static int
get_small(struct reader *r)
{
	int64_t value = get_int(r);

	expect(r, value >= INT_MIN && value <= INT_MAX);
	return (int)value;
}

static bool
get_bool(struct reader *r)
{
	return get_int(r) != 0;
}

static const char *
get_word(struct reader *r)
{
	const char *text = (const char *)sqlite3_column_text(r->stmt, r->n++);

	return text == NULL ? "" : text;
}

static void
get_text(struct reader *r, char *to, size_t size)
{
	const char *text = get_word(r);
	size_t length = strlen(text);

	expect(r, length < size);
	snprintf(to, size, "%s", text);
}

static int64_t
get_allocation(struct reader *r)
{
	return strcmp(get_word(r), "pack") == 0 ? CONFIG_ALLOCATION_PACK
						: CONFIG_ALLOCATION_SPREAD;
}

static void
get_counts(struct reader *r, int64_t count[STATE_COUNT])
{
	for (int i = 0; i < STATE_COUNT; i++)
		count[i] = get_int(r);
}

/* One query; `row` reads the columns and, if they fit, hands the row on. */
struct source {
	const struct store *store;
	const struct store_rows *rows;
	int64_t since_utc_ms;
};

typedef void row_fn(const struct source *source, struct reader *r);

static void
read_fleet(const struct source *source, struct reader *r)
{
	struct fleet_row row = {.heartbeat_utc_ms = get_int(r)};

	row.heartbeat_ms = get_int(r);
	row.started_utc_ms = get_int(r);
	row.last_id = get_int(r);
	row.free = get_int(r);
	row.coming = get_int(r);
	row.serving = get_int(r);
	row.live = get_int(r);
	get_counts(r, row.count);
	row.upscale_margin = get_int(r);
	row.downscale_margin = get_int(r);
	row.server_capacity = get_int(r);
	row.min_servers = get_int(r);
	row.max_servers = get_int(r);
	row.stale_after_ms = get_int(r);
	row.panic = get_bool(r);
	get_text(r, row.limited_by, sizeof(row.limited_by));
	get_text(r, row.last_action, sizeof(row.last_action));
	row.last_action_utc_ms = get_int(r);
	row.launch_failures = get_int(r);
	row.launch_not_before_utc_ms = get_int(r);
	row.last_launch_utc_ms = get_int(r);
	row.ledger_epoch = get_int(r);
	row.last_generation = get_int(r);
	row.shortage = get_int(r);
	row.allocation = get_allocation(r);
	if (!r->bad)
		source->rows->fleet(source->rows->arg, &row);
}

/* The score means what its word says only under the thresholds that made it:
 * with others the word counts. */
static int
get_score(const struct source *source, struct reader *r)
{
	struct health_rule rule = store_health_rule(source->store);
	enum health health = HEALTH_UNKNOWN;
	int score;

	expect(r, health_parse(get_word(r), &health));
	score = get_small(r);
	return health_of(score, rule) == health ? score
						: health_score(health, rule);
}

static void
read_gameserver(const struct source *source, struct reader *r)
{
	struct gameserver row = {.id = get_int(r)};

	expect(r, state_parse(get_word(r), &row.state));
	expect(r, reason_parse(get_word(r), &row.reason));
	row.since_utc_ms = get_int(r);
	expect(r, origin_parse(get_word(r), &row.origin));
	row.ours = get_bool(r);
	get_text(r, row.mark, sizeof(row.mark));
	get_text(r, row.ref, sizeof(row.ref));
	get_text(r, row.instance, sizeof(row.instance));
	get_text(r, row.ip, sizeof(row.ip));
	row.port = get_small(r);
	get_text(r, row.address, sizeof(row.address));
	row.score = get_score(source, r);
	row.heard = get_bool(r);
	row.seats = get_int(r);
	row.most_seats = get_int(r);
	row.ready_to_close = get_bool(r);
	row.answered_utc_ms = get_int(r);
	row.host_leaving = get_bool(r);
	row.slot = get_int(r);
	row.generation = get_int(r);
	row.grant_limit = get_int(r);
	if (!r->bad)
		source->rows->gameserver(source->rows->arg, &row);
}

static void
read_operation(const struct source *source, struct reader *r)
{
	struct operation row;

	get_text(r, row.id, sizeof(row.id));
	expect(r, op_kind_parse(get_word(r), &row.kind));
	row.gameserver = get_int(r);
	expect(r, reason_parse(get_word(r), &row.reason));
	expect(r, op_result_parse(get_word(r), &row.result));
	get_text(r, row.phase, sizeof(row.phase));
	get_text(r, row.request, sizeof(row.request));
	get_text(r, row.detail, sizeof(row.detail));
	row.attempts = get_int(r);
	row.created_utc_ms = get_int(r);
	row.finished_utc_ms = get_int(r);
	if (!r->bad)
		source->rows->operation(source->rows->arg, &row);
}

static void
read_alarm(const struct source *source, struct reader *r)
{
	struct alarm row = {.raised = true, .name = get_word(r)};

	row.gameserver = get_int(r);
	row.at_utc_ms = get_int(r);
	get_text(r, row.message, sizeof(row.message));
	if (!r->bad)
		source->rows->alarm(source->rows->arg, &row);
}

static bool
read_rows(const struct source *source, const char *sql, row_fn *read,
	  struct err *err)
{
	sqlite3 *db = source->store->db;
	struct reader r = {.bad = false};
	char first[64] = "", column[64] = "";

	if (sqlite3_prepare_v2(db, sql, -1, &r.stmt, NULL) != SQLITE_OK)
		return err_set(err, "%s: %s", source->store->path,
			       sqlite3_errmsg(db));
	if (sqlite3_bind_parameter_count(r.stmt) > 0)
		sqlite3_bind_int64(r.stmt, 1, source->since_utc_ms);
	while (!r.bad && sqlite3_step(r.stmt) == SQLITE_ROW) {
		r.n = 0;
		read(source, &r);
	}
	if (r.bad) {
		snprintf(first, sizeof(first), "%s",
			 (const char *)sqlite3_column_text(r.stmt, 0));
		snprintf(column, sizeof(column), "%s",
			 sqlite3_column_name(r.stmt, r.column));
	}
	if (sqlite3_finalize(r.stmt) != SQLITE_OK)
		return err_set(err, "%s: %s", source->store->path,
			       sqlite3_errmsg(db));
	if (r.bad)
		return err_set(err, "%s: row '%s' has an impossible %s",
			       source->store->path, first, column);
	return true;
}

bool
store_load(void *self, int64_t utc_ms, const struct store_rows *rows,
	   struct err *err)
{
	const struct store *store = self;
	const struct source source = {.store = store,
				      .rows = rows,
				      .since_utc_ms = utc_ms - STORE_LOAD_MS};

	return read_rows(&source, sql_store_get_fleet, read_fleet, err) &&
	       read_rows(&source, sql_store_get_gameservers, read_gameserver,
			 err) &&
	       read_rows(&source, sql_store_get_operations, read_operation,
			 err) &&
	       read_rows(&source, sql_store_get_alarms, read_alarm, err);
}

static void
copy_fleet(void *arg, const struct fleet_row *row)
{
	*(struct fleet_row *)arg = *row;
}

bool
store_get_fleet(const struct store *store, struct fleet_row *row,
		struct err *err)
{
	const struct store_rows rows = {.arg = row, .fleet = copy_fleet};
	const struct source source = {.store = store, .rows = &rows};

	*row = (struct fleet_row){0};
	return read_rows(&source, sql_store_get_fleet, read_fleet, err);
}
