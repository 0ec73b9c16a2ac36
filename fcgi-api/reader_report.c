/* SPDX-License-Identifier: MIT */
/* The views for operators, row by row as JSON: of ten thousand gameservers no
 * more than one is an object at any time. */
#include "fcgi-api/reader_private.h"

#include <json-c/json.h>

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
		*value = json_object_new_string(reader_text(q, column));
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

static bool
add_row(struct text *status, sqlite3_stmt *q)
{
	struct json_object *row = row_json(q);
	size_t len = 0;
	const char *json = NULL;
	if (row != NULL)
		json = json_object_to_json_string_length(
		    row,
		    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		    &len);
	if (json != NULL)
		text_add_bytes(status, json, len);
	json_object_put(row);
	return json != NULL && text_ok(status);
}

/* The rows of a query with commas between them. */
static bool
add_rows(struct reader *r, enum reader_query query, struct text *status,
	 int64_t *count, struct err *err)
{
	sqlite3_stmt *q = r->queries[query];
	bool ok = true;
	*count = 0;
	while (ok && sqlite3_step(q) == SQLITE_ROW) {
		if (++*count > ROWS_MAX)
			ok = err_set(err, "more than %d rows", ROWS_MAX);
		else if (*count > 1)
			text_add_bytes(status, ",", 1);
		if (ok && !add_row(status, q))
			ok = err_set(err, "out of memory for the status");
	}
	int rc = sqlite3_reset(q);
	if (ok && rc != SQLITE_OK)
		ok = reader_fail(r, err);
	return ok;
}

/* The members of the status object without its opening brace: the state's age
 * is put before them when somebody asks. */
static bool
read_views(struct reader *r, struct report *report, struct err *err)
{
	struct text *status = &report->status;
	int64_t rows;
	if (!reader_run(r, READER_BEGIN, NULL, err) ||
	    !reader_fleet(r, &report->fleet, err))
		return false;
	text_add(status, "\"fleet\":");
	if (!add_rows(r, READER_FLEET, status, &rows, err))
		return false;
	text_add(status, ",\"alarms\":[");
	if (!add_rows(r, READER_ALARMS, status, &report->alarms, err))
		return false;
	text_add(status, "],\"gameservers\":[");
	if (!add_rows(r, READER_STATUS, status, &rows, err))
		return false;
	text_add(status, "]}");
	if (!text_ok(status))
		return err_set(err, "out of memory for the status");
	return reader_run(r, READER_END, NULL, err);
}

bool
reader_report(struct reader *r, struct report *report, struct err *err)
{
	*report = (struct report){0};
	if (read_views(r, report, err))
		return true;
	text_free(&report->status);
	reader_abandon(r);
	return false;
}
