/* SPDX-License-Identifier: MIT */
/* The database as fcgi-api sees it, through scalerd's own views. */
#define _GNU_SOURCE /* asprintf */
#include "tests/unit/fcgi-api/database_bench.h"

#include <stdlib.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fcgi-api/reader.h"

static struct database_bench bench;
static struct reader reader;

/* What a load delivered. */
enum { ROWS = 8 };
static struct loaded {
	struct fleet fleet;
	bool full;
	int rows;
	struct seat_row row[ROWS];
} loaded;

static int
set_up(void **state)
{
	(void)state;
	database_open(&bench);
	reader = (struct reader){.path = bench.path, .boot_id = "this-boot"};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	reader_close(&reader);
	database_close(&bench);
	return 0;
}

static void
open_reader(void)
{
	struct err err;
	if (!reader_open(&reader, &err))
		fail_msg("%s", err.msg);
}

static void
begin(void *arg, const struct fleet *fleet, bool full)
{
	(void)arg;
	loaded = (struct loaded){.fleet = *fleet, .full = full};
}

static void
take_row(void *arg, struct seat_row *row)
{
	(void)arg;
	assert_in_range(loaded.rows, 0, ROWS - 1);
	loaded.row[loaded.rows++] = *row;
}

static bool
try_load(bool *changed, struct err *err)
{
	const struct reader_sink sink = {.begin = begin, .row = take_row};
	loaded = (struct loaded){0};
	return reader_load(&reader, &sink, changed, err);
}

/* True: something was committed since the last load. */
static bool
load(void)
{
	struct err err;
	bool changed = false;
	if (!try_load(&changed, &err))
		fail_msg("%s", err.msg);
	return changed;
}

static void
the_first_load_reads_everything(void **state)
{
	(void)state;
	database_put(&bench, 1, 5, 3, "a:1", 4, "good");
	database_put(&bench, 2, 6, 1, "b:1", -3, "suspect");
	database_put(&bench, 3, 7, 1, "c:1", 1, "bad");
	open_reader();
	(void)load();
	assert_true(loaded.full && loaded.fleet.this_boot);
	assert_false(loaded.fleet.pack);
	assert_int_equal(loaded.fleet.number[FLEET_FREE], 42);
	assert_int_equal(loaded.fleet.number[FLEET_HEARTBEAT_BOOT_MS], 77);
	assert_int_equal(loaded.fleet.number[FLEET_STALE_AFTER_MS], 5000);
	assert_int_equal(loaded.fleet.number[FLEET_LEDGER_EPOCH], 77);
	assert_int_equal(loaded.rows, 3);
	assert_int_equal(loaded.row[0].slot, 5);
	assert_int_equal(loaded.row[0].generation, 3);
	assert_int_equal(loaded.row[0].limit, 4);
	assert_int_equal(loaded.row[0].grade, GRADE_GOOD);
	assert_string_equal(loaded.row[0].address, "a:1");
	assert_int_equal(loaded.row[1].grade, GRADE_SUSPECT);
	assert_int_equal(loaded.row[1].seats, 0);
	assert_int_equal(loaded.row[2].grade, GRADE_NONE);
}

static void
the_next_load_reads_what_changed(void **state)
{
	(void)state;
	database_put(&bench, 1, 5, 3, "a:1", 4, "good");
	database_put(&bench, 2, 6, 1, "b:1", 4, "good");
	open_reader();
	assert_true(load());
	assert_false(load());
	assert_false(loaded.full);
	assert_int_equal(loaded.rows, 0);
	database_change(&bench, 2, "grant_limit = 9");
	(void)load();
	assert_false(loaded.full);
	assert_int_equal(loaded.rows, 1);
	assert_int_equal(loaded.row[0].slot, 6);
	assert_int_equal(loaded.row[0].limit, 9);
}

static void
another_epoch_or_an_earlier_rev_reads_everything(void **state)
{
	(void)state;
	database_put(&bench, 1, 5, 3, "a:1", 4, "good");
	open_reader();
	(void)load();
	database_write(&bench, "UPDATE fleet_state SET ledger_epoch = 78");
	(void)load();
	assert_true(loaded.full);
	assert_int_equal(loaded.rows, 1);
	database_write(&bench, "UPDATE fleet_state SET rev = 0");
	(void)load();
	assert_true(loaded.full);
}

static void
a_load_does_not_look_at_the_table(void **state)
{
	sqlite3_stmt *q;
	(void)state;
	open_reader();
	char *sql = NULL;
	assert_true(asprintf(&sql, "EXPLAIN QUERY PLAN %s",
			     sqlite3_sql(reader.queries[READER_SLOTS])) > 0);
	assert_int_equal(sqlite3_prepare_v2(reader.db, sql, -1, &q, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_non_null(strstr((const char *)sqlite3_column_text(q, 3),
			       "COVERING INDEX gameserver_rev (rev>?)"));
	assert_int_equal(sqlite3_step(q), SQLITE_DONE); /* nothing sorted */
	(void)sqlite3_finalize(q);
	free(sql);
}

static void
values_out_of_range_are_left_out_or_cut(void **state)
{
	(void)state;
	database_put(&bench, 1, 5, 3, "a:1", 4, "good");
	database_put(&bench, 2, 6, 3, "b:1", 4, "good");
	database_change(&bench, 1, "slot = 65536");
	database_change(&bench, 2,
			"seats = 9000000000000, address = printf('%300c',"
			" 'x')");
	open_reader();
	(void)load();
	assert_int_equal(loaded.rows, 1);
	assert_int_equal(loaded.row[0].seats, SEATS_MAX);
	assert_string_equal(loaded.row[0].address, "");
}

static void
pack_is_read_from_the_fleet(void **state)
{
	(void)state;
	database_write(&bench, "UPDATE fleet_state SET allocation = 'pack'");
	open_reader();
	(void)load();
	assert_true(loaded.fleet.pack);
}

static void
the_report_is_json_with_everything_escaped(void **state)
{
	struct err err;
	struct report report;
	char *text = NULL;
	(void)state;
	database_put(&bench, 1, 5, 3, "a:1", 4, "good");
	database_put(&bench, 2, 6, 3, "b:1", 4, "good");
	open_reader();
	assert_true(reader_report(&reader, &report, &err));
	assert_int_equal(report.alarms, 1);
	assert_int_equal(report.fleet.number[FLEET_FREE], 42);
	assert_true(asprintf(&text, "{%s", report.status.data) > 0);
	struct json_object *json = json_tokener_parse(text);
	assert_non_null(json);
	struct json_object *fleet = json_object_object_get(json, "fleet");
	assert_string_equal(json_object_get_string(
				json_object_object_get(fleet, "last_action")),
			    "a \"b\" </c>");
	struct json_object *rows = json_object_object_get(json, "gameservers");
	assert_int_equal(json_object_array_length(rows), 2);
	struct json_object *row = json_object_array_get_idx(rows, 1);
	assert_string_equal(
	    json_object_get_string(json_object_object_get(row, "address")),
	    "b:1");
	json_object_put(json);
	free(text);
	text_free(&report.status);
}

static void
commits_are_noticed_once(void **state)
{
	(void)state;
	open_reader();
	assert_true(load());
	assert_false(load());
	database_write(&bench, "UPDATE fleet_state SET free = 7");
	assert_true(load());
	assert_int_equal(loaded.fleet.number[FLEET_FREE], 7);
	assert_false(load());
	assert_int_equal(loaded.fleet.number[FLEET_FREE], 0); /* not asked */
}

static void
another_boot_is_told_by_its_id(void **state)
{
	(void)state;
	reader.boot_id = "next-boot";
	open_reader();
	(void)load();
	assert_false(loaded.fleet.this_boot);
}

/* What a program could do that got hold of the connection. */
static void
try_to_write(sqlite3 *db)
{
	static const char *const attempts[] = {
	    "INSERT INTO alarm VALUES ('x', 0, 1, '')",
	    "UPDATE fleet_state SET free = 1",
	    "DELETE FROM fleet_state",
	    "DROP VIEW api_v1_fleet",
	    "CREATE TABLE t(x)",
	    "VACUUM",
	    "PRAGMA user_version = 7",
	    "PRAGMA application_id = 7",
	};
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		assert_int_equal(
		    sqlite3_exec(db, attempts[i], NULL, NULL, NULL),
		    SQLITE_READONLY);
}

static void
nothing_can_be_written(void **state)
{
	(void)state;
	open_reader();
	assert_int_equal(sqlite3_db_readonly(reader.db, "main"), 1);
	try_to_write(reader.db);
	/* Nor by somebody who can run any SQL and takes the guard away. */
	assert_int_equal(sqlite3_exec(reader.db, "PRAGMA query_only = OFF",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	try_to_write(reader.db);
	(void)load();
	assert_int_equal(loaded.fleet.number[FLEET_FREE], 42);
}

static void
a_missing_database_is_not_created(void **state)
{
	struct err err;
	(void)state;
	reader.path = bench.other;
	assert_false(reader_open(&reader, &err));
	assert_null(reader.db);
	assert_int_not_equal(access(bench.other, F_OK), 0);
}

static void
a_database_without_a_fleet_is_refused(void **state)
{
	bool changed;
	struct err err;
	(void)state;
	database_put(&bench, 1, 5, 3, "a:1", 4, "good");
	open_reader();
	(void)load();
	database_write(&bench, "CREATE TEMP TABLE t AS SELECT * FROM "
			       "fleet_state; DELETE FROM fleet_state");
	assert_false(try_load(&changed, &err));
	database_write(&bench, "INSERT INTO fleet_state SELECT * FROM temp.t");
	(void)load();
	assert_true(loaded.full);
}

static void
a_replaced_file_is_noticed_a_missing_one_is_not(void **state)
{
	(void)state;
	open_reader();
	assert_false(reader_is_replaced(&reader));
	assert_int_equal(rename(bench.path, bench.other), 0);
	assert_false(reader_is_replaced(&reader));
	sqlite3 *db = database_make(bench.path);
	assert_true(reader_is_replaced(&reader));
	(void)sqlite3_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(the_first_load_reads_everything),
	  TEST(the_next_load_reads_what_changed),
	  TEST(another_epoch_or_an_earlier_rev_reads_everything),
	  TEST(a_load_does_not_look_at_the_table),
	  TEST(values_out_of_range_are_left_out_or_cut),
	  TEST(pack_is_read_from_the_fleet),
	  TEST(the_report_is_json_with_everything_escaped),
	  TEST(commits_are_noticed_once), TEST(another_boot_is_told_by_its_id),
	  TEST(nothing_can_be_written), TEST(a_missing_database_is_not_created),
	  TEST(a_database_without_a_fleet_is_refused),
	  TEST(a_replaced_file_is_noticed_a_missing_one_is_not))
