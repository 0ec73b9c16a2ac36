/* SPDX-License-Identifier: MIT */
/* The database as fcgi-api sees it; tables stand in for scalerd's views. */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <json-c/json.h>

#include "fcgi-api/refresher.h"

static const char schema[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE api_v1_fleet(heartbeat_utc_ms, heartbeat_boot_ms, boot_id,"
    " stale_after_ms, started_utc_ms, free, coming, serving, live, launching,"
    " starting, available, standby, stopping, upscale_margin,"
    " downscale_margin, server_capacity, min_servers, max_servers, panic,"
    " limited_by, last_action, last_action_utc_ms);"
    "CREATE TABLE api_v1_gameservers(id, address, seats, grade);"
    "CREATE TABLE api_v1_status(id, address, state, reason, since_utc_ms,"
    " health, seats, ready_to_close, answered_utc_ms, ref);"
    "CREATE TABLE api_v1_alarms(name, gameserver, since_utc_ms, message);"
    "INSERT INTO api_v1_fleet(heartbeat_boot_ms, boot_id, stale_after_ms,"
    " free, last_action) VALUES (77, 'this-boot', 5000, 42, 'a \"b\" </c>');"
    "INSERT INTO api_v1_gameservers VALUES (2, 'b:1', 3, 'suspect'),"
    " (1, 'a:1', 4, 'good'), (3, 'c d', 5, 'good');"
    "INSERT INTO api_v1_status(id, address, state) VALUES"
    " (1, 'a:1', 'available');"
    "INSERT INTO api_v1_alarms VALUES ('panic', NULL, 5, 'all are down');";

struct fixture {
	char directory[64];
	char path[96];
	char other[96];
	sqlite3 *writer;
	struct reader reader;
};

static void
write_sql(struct fixture *f, const char *sql)
{
	assert_int_equal(sqlite3_exec(f->writer, sql, NULL, NULL, NULL),
			 SQLITE_OK);
}

static sqlite3 *
make_database(const char *path)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	(void)snprintf(f->directory, sizeof(f->directory),
		       "/tmp/gsm-reader-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	(void)snprintf(f->path, sizeof(f->path), "%s/state.db", f->directory);
	(void)snprintf(f->other, sizeof(f->other), "%s/new.db", f->directory);
	f->writer = make_database(f->path);
	f->reader.path = f->path;
	f->reader.boot_id = "this-boot";
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"state.db",     "state.db-wal",
					    "state.db-shm", "new.db",
					    "new.db-wal",   "new.db-shm"};
	struct fixture *f = *state;
	reader_close(&f->reader);
	(void)sqlite3_close(f->writer);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", f->directory,
			       names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(f->directory), 0);
	free(f);
	return 0;
}

static void
open_reader(struct fixture *f)
{
	struct err err;
	if (!reader_open(&f->reader, &err))
		fail_msg("%s", err.msg);
}

static struct snapshot *
load(struct fixture *f)
{
	struct err err;
	struct snapshot *s = NULL;
	if (!reader_load(&f->reader, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static bool
has_changed(struct fixture *f)
{
	struct err err;
	bool changed = false;
	assert_true(reader_has_changed(&f->reader, &changed, &err));
	return changed;
}

static void
a_load_reads_all_views(void **state)
{
	struct fixture *f = *state;
	open_reader(f);
	struct snapshot *s = load(f);
	assert_true(s->this_boot);
	assert_int_equal(s->fleet[FLEET_FREE], 42);
	assert_int_equal(s->fleet[FLEET_HEARTBEAT_BOOT_MS], 77);
	assert_int_equal(s->fleet[FLEET_STALE_AFTER_MS], 5000);
	assert_int_equal(s->servers[GRADE_GOOD].len, 1);
	assert_string_equal(s->servers[GRADE_GOOD].at[0].address, "a:1");
	assert_int_equal(s->servers[GRADE_SUSPECT].len, 1);
	assert_int_equal(s->bad_addresses, 1);
	assert_int_equal(s->alarms, 1);
	snapshot_free(s);
}

static void
the_status_is_json_with_everything_escaped(void **state)
{
	struct fixture *f = *state;
	open_reader(f);
	struct snapshot *s = load(f);
	char *text = NULL;
	assert_true(asprintf(&text, "{%s", s->status.data) > 0);
	struct json_object *json = json_tokener_parse(text);
	assert_non_null(json);
	struct json_object *fleet = json_object_object_get(json, "fleet");
	assert_string_equal(json_object_get_string(
				json_object_object_get(fleet, "last_action")),
			    "a \"b\" </c>");
	struct json_object *rows = json_object_object_get(json, "gameservers");
	assert_int_equal(json_object_array_length(rows), 1);
	struct json_object *row = json_object_array_get_idx(rows, 0);
	assert_null(json_object_object_get(row, "reason"));
	assert_true(json_object_object_get_ex(row, "reason", NULL));
	json_object_put(json);
	free(text);
	snapshot_free(s);
}

static void
commits_are_noticed_once(void **state)
{
	struct fixture *f = *state;
	open_reader(f);
	assert_true(has_changed(f));
	snapshot_free(load(f));
	assert_false(has_changed(f));
	write_sql(f, "UPDATE api_v1_fleet SET free = 7");
	assert_true(has_changed(f));
	struct snapshot *s = load(f);
	assert_int_equal(s->fleet[FLEET_FREE], 7);
	snapshot_free(s);
	assert_false(has_changed(f));
}

static void
another_boot_is_told_by_its_id(void **state)
{
	struct fixture *f = *state;
	f->reader.boot_id = "next-boot";
	open_reader(f);
	struct snapshot *s = load(f);
	assert_false(s->this_boot);
	snapshot_free(s);
}

/* What a program could do that got hold of the connection. */
static void
try_to_write(sqlite3 *db)
{
	static const char *const attempts[] = {
	    "INSERT INTO api_v1_gameservers VALUES (9, 'x:1', 1, 'good')",
	    "UPDATE api_v1_fleet SET free = 1",
	    "DELETE FROM api_v1_fleet",
	    "DROP TABLE api_v1_fleet",
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
	struct fixture *f = *state;
	open_reader(f);
	assert_int_equal(sqlite3_db_readonly(f->reader.db, "main"), 1);
	try_to_write(f->reader.db);
	/* Nor by somebody who can run any SQL and takes the guard away. */
	assert_int_equal(sqlite3_exec(f->reader.db, "PRAGMA query_only = OFF",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	try_to_write(f->reader.db);
	struct snapshot *s = load(f);
	assert_int_equal(s->servers[GRADE_GOOD].len, 1);
	assert_int_equal(s->fleet[FLEET_FREE], 42);
	snapshot_free(s);
}

static void
a_missing_database_is_not_created(void **state)
{
	struct fixture *f = *state;
	struct err err;
	f->reader.path = f->other;
	assert_false(reader_open(&f->reader, &err));
	assert_null(f->reader.db);
	assert_int_not_equal(access(f->other, F_OK), 0);
}

static void
a_database_without_a_fleet_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct snapshot *s = NULL;
	open_reader(f);
	write_sql(f, "DELETE FROM api_v1_fleet");
	assert_false(reader_load(&f->reader, &s, &err));
	write_sql(f, "INSERT INTO api_v1_fleet(free) VALUES (1)");
	snapshot_free(load(f));
}

static void
a_replaced_file_is_noticed_a_missing_one_is_not(void **state)
{
	struct fixture *f = *state;
	open_reader(f);
	assert_false(reader_is_replaced(&f->reader));
	assert_int_equal(rename(f->path, f->other), 0);
	assert_false(reader_is_replaced(&f->reader));
	sqlite3 *db = make_database(f->path);
	assert_true(reader_is_replaced(&f->reader));
	(void)sqlite3_close(db);
}

/* ---- the refresher, one turn at a time, on a clock of the test ---- */

static struct api api;

static const struct snapshot *
current(void)
{
	return atomic_load(&api.state.current);
}

static struct refresher
begin(struct fixture *f)
{
	struct refresher r;
	memset(&api, 0, sizeof(api));
	refresher_init(&r, &api, f->path, "this-boot");
	return r;
}

static void
turn_at(struct refresher *r, int64_t boot_ms)
{
	refresher_turn(r, (struct instant){.boot_ms = boot_ms});
}

static void
end(struct refresher *r)
{
	refresher_end(r);
	publication_free(&api.state);
}

static void
the_first_turn_publishes(void **state)
{
	struct refresher r = begin(*state);
	turn_at(&r, INT64_MAX / 4);
	assert_non_null(current());
	assert_int_equal(current()->fleet[FLEET_FREE], 42);
	end(&r);
}

static void
an_unchanged_database_is_not_read_again(void **state)
{
	struct fixture *f = *state;
	struct refresher r = begin(f);
	/* Fresh, so that no reopening for staleness disturbs. */
	int64_t now = 100;
	turn_at(&r, now);
	const struct snapshot *first = current();
	r.load_at_ms = 0;
	turn_at(&r, now + 50);
	assert_ptr_equal(current(), first);
	write_sql(f, "UPDATE api_v1_fleet SET free = 8");
	turn_at(&r, now + 100);
	assert_int_equal(current()->fleet[FLEET_FREE], 8);
	end(&r);
}

static void
a_broken_database_keeps_the_last_snapshot_and_heals(void **state)
{
	struct fixture *f = *state;
	struct refresher r = begin(f);
	turn_at(&r, 100);
	const struct snapshot *first = current();
	r.load_at_ms = 0;
	write_sql(f, "ALTER TABLE api_v1_gameservers RENAME TO hidden");
	turn_at(&r, 200);
	assert_null(r.reader.db);
	assert_ptr_equal(current(), first);
	write_sql(f, "ALTER TABLE hidden RENAME TO api_v1_gameservers");
	turn_at(&r, 201); /* the backoff is not over */
	assert_null(r.reader.db);
	turn_at(&r, 200 + REOPEN_MAX_MS);
	assert_non_null(r.reader.db);
	assert_ptr_not_equal(current(), first);
	end(&r);
}

static void
a_replaced_database_is_followed(void **state)
{
	struct fixture *f = *state;
	struct refresher r = begin(f);
	turn_at(&r, 100);
	sqlite3 *db = make_database(f->other);
	assert_int_equal(sqlite3_exec(db,
				      "UPDATE api_v1_fleet SET free = 1;"
				      "PRAGMA journal_mode = DELETE",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	(void)sqlite3_close(db);
	assert_int_equal(rename(f->other, f->path), 0);
	char path[128];
	(void)snprintf(path, sizeof(path), "%s-wal", f->path);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s-shm", f->path);
	(void)unlink(path);
	turn_at(&r, 100 + REFRESH_FILE_MS);
	assert_int_equal(current()->fleet[FLEET_FREE], 1);
	end(&r);
}

static void
a_stale_state_makes_it_open_the_files_again(void **state)
{
	struct fixture *f = *state;
	struct refresher r = begin(f);
	turn_at(&r, 100);
	turn_at(&r, 77 + 5001);
	assert_true(r.stale);
	turn_at(&r, 77 + 5001 + REOPEN_STALE_MS);
	assert_int_equal(r.opened_at_ms, 77 + 5001 + REOPEN_STALE_MS);
	end(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(a_load_reads_all_views),
	  TEST(the_status_is_json_with_everything_escaped),
	  TEST(commits_are_noticed_once), TEST(another_boot_is_told_by_its_id),
	  TEST(nothing_can_be_written), TEST(a_missing_database_is_not_created),
	  TEST(a_database_without_a_fleet_is_refused),
	  TEST(a_replaced_file_is_noticed_a_missing_one_is_not),
	  TEST(the_first_turn_publishes),
	  TEST(an_unchanged_database_is_not_read_again),
	  TEST(a_broken_database_keeps_the_last_snapshot_and_heals),
	  TEST(a_replaced_database_is_followed),
	  TEST(a_stale_state_makes_it_open_the_files_again))
