/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/store_bench.h"

#include <signal.h>
#include <time.h>

enum {
	BOUND_COMMITS = 5000,
	WAL_BOUND = 8 << 20, /* bytes; 1000 pages and one commit are 4.1 MB */
	READERS = 4,
	READ_MS = 20,
	LOAD_COMMITS = 300, /* about 90 MB of WAL */
	LOAD_PAUSE_MS = 10,
	LOAD_ROWS = 100,
	LOADED_WAL_BOUND = 16 << 20,
};

static off_t
size_of(const struct bench *b, const char *suffix)
{
	char name[200];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", b->path, suffix);
	return stat(name, &st) == 0 ? st.st_size : -1;
}

static void
reader_sees_each_commit_while_the_store_is_open(void **state)
{
	struct bench *b = *state;
	char wanted[16];

	open_store(b);
	assert_true(size_of(b, "-wal") > 0);
	assert_true(size_of(b, "-shm") > 0);
	assert_string_equal(ask(b, "SELECT count(*) FROM fleet"), "1");
	for (int id = 1; id <= 3; id++) {
		assert_int_equal(commit_id(b, id), STORE_OK);
		snprintf(wanted, sizeof(wanted), "%d", id);
		assert_string_equal(ask(b, "SELECT count(*) FROM gameservers"),
				    wanted);
	}
}

static void
reader_without_write_permission_can_open_after_a_clean_close(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_int_equal(commit_id(b, 1), STORE_OK);
	store_close(b->store);
	b->store = NULL;
	/* Both must lie there: a reader can't make them. */
	assert_true(size_of(b, "-wal") >= 0);
	assert_true(size_of(b, "-shm") >= 0);
	assert_string_equal(ask(b, "SELECT count(*) FROM gameservers"), "1");
	assert_true(size_of(b, "-wal") >= 0);
	assert_true(size_of(b, "-shm") >= 0);
}

static int
commit_and_die(struct bench *b)
{
	if (!store_open(&b->store, &b->port, &b->config, &b->err) ||
	    commit_id(b, 1) != STORE_OK)
		return 1;
	raise(SIGKILL);
	return 2;
}

static void
reader_sees_the_last_commit_after_a_kill(void **state)
{
	struct bench *b = *state;

	assert_int_equal(in_child(commit_and_die, b), 256 + SIGKILL);
	assert_string_equal(ask(b, "SELECT count(*) FROM gameservers"), "1");
	assert_true(size_of(b, "-wal") > 0);
}

static void
reader_can_not_write(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_int_equal(query(b, b->path, SQLITE_OPEN_READONLY,
			       "UPDATE fleet_state SET free = 99"),
			 SQLITE_READONLY);
}

static void
wal_stays_bounded(void **state)
{
	struct bench *b = *state;
	const struct event event = {.at_utc_ms = NOW, .kind = "state"};
	off_t most = 0;

	open_store(b);
	for (int i = 0; i < BOUND_COMMITS; i++) {
		const struct gameserver row = make_gameserver(1 + i % 50);
		const struct gameserver *rows[] = {&row};

		b->row.heartbeat_ms++;
		assert_commit(b, (struct batch){.gameserver = rows,
						.ngameserver = 1,
						.event = &event,
						.nevent = 1});
		if (size_of(b, "-wal") > most)
			most = size_of(b, "-wal");
	}
	assert_true(most < WAL_BOUND);
}

/* Holds a read transaction open over many commits, as a forgotten shell. */
static void
wal_shrinks_again_when_a_slow_reader_ends(void **state)
{
	struct bench *b = *state;
	sqlite3 *slow;

	open_store(b);
	assert_int_equal(
	    sqlite3_open_v2(b->path, &slow, SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_exec(slow, "BEGIN; SELECT count(*) FROM event",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	for (int i = 0; i < BOUND_COMMITS && size_of(b, "-wal") <= WAL_BOUND;
	     i++) {
		b->row.heartbeat_ms++; /* or nothing would be written */
		assert_int_equal(commit_id(b, 1 + i % 50), STORE_OK);
	}
	assert_true(size_of(b, "-wal") > WAL_BOUND);
	assert_int_equal(sqlite3_close(slow), SQLITE_OK);
	for (int i = 0; i < 3; i++) {
		b->row.heartbeat_ms++;
		assert_int_equal(commit_id(b, 1), STORE_OK);
	}
	assert_true(size_of(b, "-wal") < WAL_BOUND);
}

/* Reads in a transaction of READ_MS again and again until it is killed. */
static _Noreturn void
read_for_ever(const struct bench *b)
{
	const struct timespec pause = {.tv_nsec = READ_MS * 1000000L};
	sqlite3 *db;

	if (sqlite3_open_v2(b->path, &db, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK)
		_exit(1);
	sqlite3_busy_timeout(db, 1000);
	for (;;) {
		if (sqlite3_exec(db, "BEGIN; SELECT count(*) FROM gameserver",
				 NULL, NULL, NULL) != SQLITE_OK)
			_exit(2);
		nanosleep(&pause, NULL);
		if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
			_exit(3);
	}
}

/* There is never a moment without one of them. */
static void
wal_stays_bounded_under_overlapping_readers(void **state)
{
	const struct timespec pause = {.tv_nsec = LOAD_PAUSE_MS * 1000000L};
	struct bench *b = *state;
	static struct gameserver row[LOAD_ROWS];
	const struct gameserver *rows[LOAD_ROWS];
	pid_t reader[READERS];
	off_t most = 0;

	open_store(b);
	for (int i = 0; i < LOAD_ROWS; i++)
		rows[i] = &row[i];
	for (int i = 0; i < READERS; i++) {
		reader[i] = fork();
		assert_true(reader[i] >= 0);
		if (reader[i] == 0)
			read_for_ever(b);
	}
	for (int i = 0; i < LOAD_COMMITS; i++) {
		nanosleep(&pause, NULL);
		for (int k = 0; k < LOAD_ROWS; k++) {
			row[k] = make_gameserver(1 + (i * 7 + k * 11) % 5000);
			row[k].seats = i;
		}
		b->row.heartbeat_ms++;
		assert_commit(b, (struct batch){.gameserver = rows,
						.ngameserver = LOAD_ROWS});
		if (size_of(b, "-wal") > most)
			most = size_of(b, "-wal");
	}
	for (int i = 0; i < READERS; i++) {
		int status;

		assert_int_equal(kill(reader[i], SIGKILL), 0);
		assert_int_equal(waitpid(reader[i], &status, 0), reader[i]);
		assert_true(WIFSIGNALED(status)); /* it read until now */
	}
	assert_in_range(most, 1, LOADED_WAL_BOUND);
}

UNIT_MAIN(
    STORE_TEST(reader_sees_each_commit_while_the_store_is_open),
    STORE_TEST(reader_without_write_permission_can_open_after_a_clean_close),
    STORE_TEST(reader_sees_the_last_commit_after_a_kill),
    STORE_TEST(reader_can_not_write), STORE_TEST(wal_stays_bounded),
    STORE_TEST(wal_stays_bounded_under_overlapping_readers),
    STORE_TEST(wal_shrinks_again_when_a_slow_reader_ends))
