/* SPDX-License-Identifier: MIT */
#include "fcgi-api/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fcgi-api/reader_private.h"
#include "sql.h"

static const char *const query_texts[READER_QUERIES] = {
    [READER_BEGIN] = sql_api_begin,
    [READER_END] = sql_api_end,
    [READER_DATA_VERSION] = sql_api_data_version,
    [READER_FLEET] = sql_api_fleet,
    [READER_SLOTS] = sql_api_slots,
    [READER_STATUS] = sql_api_status,
    [READER_ALARMS] = sql_api_alarms,
};

bool
reader_fail(const struct reader *r, struct err *err)
{
	return err_set(err, "%s: %s (%d)", r->path, sqlite3_errmsg(r->db),
		       sqlite3_extended_errcode(r->db));
}

static bool
open_file(struct reader *r, struct err *err)
{
	struct stat before;
	struct stat after;
	/* No URI, so that no character of the path means anything. */
	int flags =
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	if (stat(r->path, &before) != 0)
		return err_set(err, "%s: %s", r->path, strerror(errno));
	if (sqlite3_open_v2(r->path, &r->db, flags, NULL) != SQLITE_OK)
		return r->db == NULL ? err_set(err, "out of memory")
				     : reader_fail(r, err);
	if (stat(r->path, &after) != 0 || before.st_dev != after.st_dev ||
	    before.st_ino != after.st_ino)
		return err_set(err, "%s: replaced just now", r->path);
	r->device = after.st_dev;
	r->inode = after.st_ino;
	return true;
}

static bool
set_up(struct reader *r, struct err *err)
{
	if (sqlite3_busy_timeout(r->db, DATABASE_BUSY_MS) != SQLITE_OK ||
	    sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
		SQLITE_OK ||
	    sqlite3_exec(r->db, sql_api_set_up, NULL, NULL, NULL) != SQLITE_OK)
		return reader_fail(r, err);
	for (int q = 0; q < READER_QUERIES; q++) {
		if (sqlite3_prepare_v3(r->db, query_texts[q], -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &r->queries[q], NULL) != SQLITE_OK)
			return reader_fail(r, err);
	}
	return true;
}

bool
reader_open(struct reader *r, struct err *err)
{
	r->version = -1;
	r->rev = -1;
	if (open_file(r, err) && set_up(r, err))
		return true;
	reader_close(r);
	return false;
}

void
reader_close(struct reader *r)
{
	for (int q = 0; q < READER_QUERIES; q++) {
		/* Repeats the error of its last step, which was handled. */
		(void)sqlite3_finalize(r->queries[q]);
		r->queries[q] = NULL;
	}
	(void)sqlite3_close(r->db); /* BUSY only with statements left */
	r->db = NULL;
}

bool
reader_is_replaced(const struct reader *r)
{
	struct stat now;
	return stat(r->path, &now) == 0 &&
	       (now.st_dev != r->device || now.st_ino != r->inode);
}

bool
reader_run(struct reader *r, enum reader_query query, int64_t *number,
	   struct err *err)
{
	sqlite3_stmt *q = r->queries[query];
	int rc = sqlite3_step(q);
	if (rc == SQLITE_ROW && number != NULL)
		*number = sqlite3_column_int64(q, 0);
	if (sqlite3_reset(q) != SQLITE_OK)
		return reader_fail(r, err);
	return true;
}

const char *
reader_text(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);
	return text == NULL ? "" : text;
}

static void
read_fleet_row(struct reader *r, sqlite3_stmt *q, struct fleet *fleet)
{
	for (int n = 0; n < FLEET_NUMBERS; n++)
		fleet->number[n] = sqlite3_column_int64(q, n);
	fleet->this_boot =
	    r->boot_id[0] != '\0' &&
	    strcmp(reader_text(q, FLEET_BOOT_ID), r->boot_id) == 0;
	fleet->pack = strcmp(reader_text(q, FLEET_ALLOCATION), "pack") == 0;
	if (fleet->number[FLEET_STALE_AFTER_MS] <= 0)
		fleet->number[FLEET_STALE_AFTER_MS] = STALE_AFTER_DEFAULT_MS;
}

bool
reader_fleet(struct reader *r, struct fleet *fleet, struct err *err)
{
	sqlite3_stmt *q = r->queries[READER_FLEET];
	*fleet = (struct fleet){0};
	bool found = sqlite3_step(q) == SQLITE_ROW;
	if (found)
		read_fleet_row(r, q, fleet);
	if (sqlite3_reset(q) != SQLITE_OK)
		return reader_fail(r, err);
	if (!found)
		return err_set(err, "%s: no fleet in it", r->path);
	return true;
}

/* False: no slot that a ledger has. */
static bool
read_slot(sqlite3_stmt *q, struct seat_row *row)
{
	int64_t slot = sqlite3_column_int64(q, 0);
	if (slot < 0 || slot >= LEDGER_SLOTS)
		return false;
	row->slot = (uint32_t)slot;
	row->generation = (uint32_t)sqlite3_column_int64(q, 1) %
			  (1u << LEDGER_GENERATION_BITS);
	row->limit = sqlite3_column_int64(q, 2);
	int64_t seats = sqlite3_column_int64(q, 3);
	row->seats = seats < 0 ? 0 : seats > SEATS_MAX ? SEATS_MAX : seats;
	const char *grade = reader_text(q, 4);
	row->grade = GRADE_NONE;
	if (strcmp(grade, "good") == 0)
		row->grade = GRADE_GOOD;
	if (strcmp(grade, "suspect") == 0)
		row->grade = GRADE_SUSPECT;
	const char *address = reader_text(q, 5);
	size_t len = strlen(address);
	if (len >= ADDRESS_SIZE)
		len = 0;
	memcpy(row->address, address, len);
	row->address[len] = '\0';
	return true;
}

static bool
read_slots(struct reader *r, int64_t since, const struct reader_sink *sink,
	   struct err *err)
{
	sqlite3_stmt *q = r->queries[READER_SLOTS];
	struct seat_row row;
	bool ok = sqlite3_bind_int64(q, 1, since) == SQLITE_OK;
	int64_t rows = 0;
	while (ok && sqlite3_step(q) == SQLITE_ROW) {
		if (++rows > ROWS_MAX)
			ok = err_set(err, "more than %d rows", ROWS_MAX);
		else if (read_slot(q, &row))
			sink->row(sink->arg, &row);
	}
	int rc = sqlite3_reset(q);
	if (ok && rc != SQLITE_OK)
		ok = reader_fail(r, err);
	return ok;
}

static bool
load_changes(struct reader *r, const struct reader_sink *sink, struct err *err)
{
	struct fleet fleet;
	if (!reader_fleet(r, &fleet, err))
		return false;
	int64_t rev = fleet.number[FLEET_REV];
	int64_t epoch = fleet.number[FLEET_LEDGER_EPOCH];
	bool full = r->rev < 0 || rev < r->rev || epoch != r->epoch;
	sink->begin(sink->arg, &fleet, full);
	/* Most commits of a quiet fleet are the heartbeat alone. */
	if ((full || rev != r->rev) &&
	    !read_slots(r, full ? -1 : r->rev, sink, err))
		return false;
	r->rev = rev;
	r->epoch = epoch;
	return true;
}

static bool
load(struct reader *r, const struct reader_sink *sink, bool *changed,
     struct err *err)
{
	int64_t version = -1;
	if (!reader_run(r, READER_BEGIN, NULL, err) ||
	    !reader_run(r, READER_DATA_VERSION, &version, err))
		return false;
	*changed = version != r->version || r->rev < 0;
	if (*changed && !load_changes(r, sink, err))
		return false;
	r->version = version;
	return reader_run(r, READER_END, NULL, err);
}

void
reader_abandon(struct reader *r)
{
	if (sqlite3_get_autocommit(r->db) == 0)
		/* Fails only if SQLite has rolled back by itself. */
		(void)sqlite3_exec(r->db, sql_api_abandon, NULL, NULL, NULL);
}

bool
reader_load(struct reader *r, const struct reader_sink *sink, bool *changed,
	    struct err *err)
{
	if (load(r, sink, changed, err))
		return true;
	r->version = -1;
	r->rev = -1;
	reader_abandon(r);
	return false;
}
