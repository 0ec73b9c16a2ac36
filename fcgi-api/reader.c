/* SPDX-License-Identifier: MIT */
#include "fcgi-api/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "sql.h"

static const char *const query_texts[READER_QUERIES] = {
    [READER_BEGIN] = sql_api_begin,
    [READER_END] = sql_api_end,
    [READER_DATA_VERSION] = sql_api_data_version,
    [READER_FLEET] = sql_api_fleet,
    [READER_GAMESERVERS] = sql_api_gameservers,
    [READER_STATUS] = sql_api_status,
    [READER_ALARMS] = sql_api_alarms,
};

static bool
fail(const struct reader *r, struct err *err)
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
				     : fail(r, err);
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
		return fail(r, err);
	for (int q = 0; q < READER_QUERIES; q++) {
		if (sqlite3_prepare_v3(r->db, query_texts[q], -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &r->queries[q], NULL) != SQLITE_OK)
			return fail(r, err);
	}
	return true;
}

bool
reader_open(struct reader *r, struct err *err)
{
	r->version = -1;
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

/* Runs a query that gives at most one number. */
static bool
run(struct reader *r, enum reader_query query, int64_t *number, struct err *err)
{
	sqlite3_stmt *q = r->queries[query];
	int rc = sqlite3_step(q);
	if (rc == SQLITE_ROW && number != NULL)
		*number = sqlite3_column_int64(q, 0);
	if (sqlite3_reset(q) != SQLITE_OK)
		return fail(r, err);
	return true;
}

bool
reader_has_changed(struct reader *r, bool *changed, struct err *err)
{
	int64_t version = -1;
	if (!run(r, READER_DATA_VERSION, &version, err))
		return false;
	*changed = version != r->version;
	return true;
}

static const char *
column_text(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);
	return text == NULL ? "" : text;
}

/* The value of one column; NULL is JSON's null. False: out of memory. */
static bool
column_json(sqlite3_stmt *q, int column, struct json_object **value)
{
	*value = NULL;
	switch (sqlite3_column_type(q, column)) {
	case SQLITE_NULL:
		return true;
	case SQLITE_INTEGER:
		*value = json_object_new_int64(sqlite3_column_int64(q, column));
		break;
	default:
		*value = json_object_new_string(column_text(q, column));
		break;
	}
	return *value != NULL;
}

/* The row that q stands on, as an object: column name to value. */
static struct json_object *
row_json(sqlite3_stmt *q)
{
	struct json_object *row = json_object_new_object();
	if (row == NULL)
		return NULL;
	for (int i = 0; i < sqlite3_column_count(q); i++) {
		struct json_object *value;
		if (!column_json(q, i, &value))
			goto fail;
		if (json_object_object_add(row, sqlite3_column_name(q, i),
					   value) != 0) {
			json_object_put(value);
			goto fail;
		}
	}
	return row;
fail:
	json_object_put(row);
	return NULL;
}

struct load {
	struct reader *reader;
	struct snapshot *s;
	struct json_object *status; /* the object that becomes s->status */
	struct json_object *rows;   /* where each_json puts its rows */
};

/* Calls `each` for every row of the query, which stands on it. */
static bool
each_row(struct load *load, enum reader_query query,
	 bool (*each)(struct load *, sqlite3_stmt *, struct err *),
	 struct err *err)
{
	struct reader *r = load->reader;
	sqlite3_stmt *q = r->queries[query];
	bool ok = true;
	int64_t rows = 0;
	while (ok && sqlite3_step(q) == SQLITE_ROW) {
		if (++rows > ROWS_MAX)
			ok = err_set(err, "more than %d rows", ROWS_MAX);
		else
			ok = each(load, q, err);
	}
	int rc = sqlite3_reset(q);
	if (ok && rc != SQLITE_OK)
		ok = fail(r, err);
	return ok;
}

static bool
each_json(struct load *load, sqlite3_stmt *q, struct err *err)
{
	struct json_object *row = row_json(q);
	if (row != NULL && json_object_array_add(load->rows, row) == 0)
		return true;
	json_object_put(row);
	return err_set(err, "out of memory");
}

static bool
each_gameserver(struct load *load, sqlite3_stmt *q, struct err *err)
{
	bool good = strcmp(column_text(q, 2), "good") == 0;
	return snapshot_add(load->s, good ? GRADE_GOOD : GRADE_SUSPECT,
			    column_text(q, 0), sqlite3_column_int64(q, 1), err);
}

static bool
each_fleet(struct load *load, sqlite3_stmt *q, struct err *err)
{
	struct snapshot *s = load->s;
	for (int i = 0; i < sqlite3_column_count(q); i++) {
		const char *name = sqlite3_column_name(q, i);
		if (name == NULL)
			return err_set(err, "out of memory");
		if (strcmp(name, "boot_id") == 0)
			s->this_boot = load->reader->boot_id[0] != '\0' &&
				       strcmp(column_text(q, i),
					      load->reader->boot_id) == 0;
		for (int n = 0; n < FLEET_NUMBERS; n++) {
			if (strcmp(name, snapshot_fleet_columns[n]) == 0)
				s->fleet[n] = sqlite3_column_int64(q, i);
		}
	}
	if (s->fleet[FLEET_STALE_AFTER_MS] <= 0)
		s->fleet[FLEET_STALE_AFTER_MS] = STALE_AFTER_DEFAULT_MS;
	return each_json(load, q, err);
}

/* Reads a query's rows into an array: status.name. */
static bool
read_array(struct load *load, const char *name, enum reader_query query,
	   bool (*each)(struct load *, sqlite3_stmt *, struct err *),
	   struct err *err)
{
	load->rows = json_object_new_array();
	if (load->rows == NULL ||
	    json_object_object_add(load->status, name, load->rows) != 0) {
		json_object_put(load->rows);
		return err_set(err, "out of memory");
	}
	return each_row(load, query, each, err);
}

/* One row: the member "fleet" is an object, not an array. */
static bool
read_fleet(struct load *load, struct err *err)
{
	if (!read_array(load, "fleet", READER_FLEET, each_fleet, err))
		return false;
	if (json_object_array_length(load->rows) != 1)
		return err_set(err, "%s: no fleet in it", load->reader->path);
	struct json_object *row =
	    json_object_get(json_object_array_get_idx(load->rows, 0));
	if (json_object_object_add(load->status, "fleet", row) == 0)
		return true;
	json_object_put(row);
	return err_set(err, "out of memory");
}

static bool
read_views(struct load *load, struct err *err)
{
	if (!read_fleet(load, err) ||
	    !read_array(load, "alarms", READER_ALARMS, each_json, err))
		return false;
	load->s->alarms = (int64_t)json_object_array_length(load->rows);
	return read_array(load, "gameservers", READER_STATUS, each_json, err) &&
	       each_row(load, READER_GAMESERVERS, each_gameserver, err);
}

/* The members of the status object without its opening brace: the state's age
 * is put before them when somebody asks. */
static bool
write_status(struct load *load, struct err *err)
{
	size_t len = 0;
	const char *json = json_object_to_json_string_length(
	    load->status,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (json != NULL && len > 0)
		text_add_bytes(&load->s->status, json + 1, len - 1);
	if (!text_ok(&load->s->status))
		return err_set(err, "out of memory for the status");
	return true;
}

/* In one transaction, so that the views agree with each other. */
static bool
read_transaction(struct load *load, struct err *err)
{
	struct reader *r = load->reader;
	if (!run(r, READER_BEGIN, NULL, err))
		return false;
	if (run(r, READER_DATA_VERSION, &r->version, err) &&
	    read_views(load, err) && run(r, READER_END, NULL, err))
		return true;
	r->version = -1;
	if (sqlite3_get_autocommit(r->db) == 0)
		/* Fails only if SQLite has rolled back by itself. */
		(void)sqlite3_exec(r->db, sql_api_abandon, NULL, NULL, NULL);
	return false;
}

bool
reader_load(struct reader *r, struct snapshot **s, struct err *err)
{
	struct load load = {
	    .reader = r,
	    .s = snapshot_new(),
	    .status = json_object_new_object(),
	};
	bool ok = load.s != NULL && load.status != NULL;
	if (!ok)
		(void)err_set(err, "out of memory");
	ok = ok && read_transaction(&load, err) && write_status(&load, err) &&
	     snapshot_seal(load.s, err);
	json_object_put(load.status);
	if (!ok) {
		snapshot_free(load.s);
		return false;
	}
	*s = load.s;
	return true;
}
