/* SPDX-License-Identifier: MIT */
/*
 * The bench of the store's tests: a directory of its own, a configuration, the
 * store, and what its load gave. Other connections of this process to the same
 * file go through SQLite only: opening and closing the file by hand would drop
 * the store's locks, so that is left to forked children.
 */
#ifndef GSM_TESTS_STORE_BENCH_H
#define GSM_TESTS_STORE_BENCH_H

#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "scalerd/core/health.h"
#include "scalerd/edge/store.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW      INT64_C(1763830128000) /* 2025-11-22 16:48:48 UTC, in ms */

enum { ROWS_MAX = 64, TEXT_MAX = 16384 };

struct bench {
	char dir[64];
	char path[128];
	struct config config;
	struct store *store;
	struct store_port port;
	struct err err;
	struct fleet_row row; /* what one_turn writes */
	/* What load gave. */
	size_t nfleet, ngameserver, noperation, nalarm;
	struct fleet_row fleet;
	struct gameserver gameserver[ROWS_MAX];
	struct operation operation[ROWS_MAX];
	struct alarm alarm[ROWS_MAX];
	char alarm_name[ROWS_MAX][64];
	char text[TEXT_MAX]; /* of ask_text */
};

static inline int
bench_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(b->dir, sizeof(b->dir), "/tmp/gsm-store-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/state.db", b->dir);
	b->config = (struct config){.provider = CONFIG_PROVIDER_LOCAL,
				    .fleet_name = "test",
				    .aws_region = "eu-west-1",
				    .ecs_cluster = "default",
				    .health_fall = 3,
				    .health_rise = 2};
	snprintf(b->config.database, sizeof(b->config.database), "%s", b->path);
	b->row = (struct fleet_row){.heartbeat_utc_ms = NOW};
	*state = b;
	return 0;
}

/* The name of the directory's first file that begins so; false: none. */
static inline bool
find_file(const struct bench *b, const char *begins, char *name, size_t size)
{
	DIR *dir = opendir(b->dir);
	const struct dirent *entry;
	bool found = false;

	assert_non_null(dir);
	while (!found && (entry = readdir(dir)) != NULL) {
		size_t length = strlen(entry->d_name);

		if (strncmp(entry->d_name, begins, strlen(begins)) != 0 ||
		    strcmp(entry->d_name + length - 4, "-wal") == 0 ||
		    strcmp(entry->d_name + length - 4, "-shm") == 0)
			continue;
		found = true;
		snprintf(name, size, "%s/%s", b->dir, entry->d_name);
	}
	closedir(dir);
	return found;
}

static inline int
bench_teardown(void **state)
{
	struct bench *b = *state;
	char name[400];
	DIR *dir;
	const struct dirent *entry;

	store_close(b->store);
	dir = opendir(b->dir);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", b->dir, entry->d_name);
		(void)unlink(name);
	}
	if (dir != NULL)
		closedir(dir);
	(void)rmdir(b->dir);
	free(b);
	return 0;
}

#define STORE_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

static inline void
open_store(struct bench *b)
{
	if (!store_open(&b->store, &b->port, &b->config, &b->err))
		fail_msg("store_open: %s", b->err.msg);
}

static inline void
reopen_store(struct bench *b)
{
	store_close(b->store);
	b->store = NULL;
	open_store(b);
}

/* Opening fails, and err names the text. */
static inline void
assert_refused(struct bench *b, const char *text)
{
	if (store_open(&b->store, &b->port, &b->config, &b->err))
		fail_msg("opened, expected: %s", text);
	assert_null(b->store);
	if (strstr(b->err.msg, text) == NULL)
		fail_msg("'%s' lacks '%s'", b->err.msg, text);
}

static inline enum store_result
commit(struct bench *b, struct batch batch)
{
	batch.fleet = &b->row;
	return b->port.commit(b->port.self, &batch, &b->err);
}

static inline void
assert_commit(struct bench *b, struct batch batch)
{
	if (commit(b, batch) != STORE_OK)
		fail_msg("commit: %s", b->err.msg);
}

static inline struct gameserver
make_gameserver(int64_t id)
{
	return (struct gameserver){.id = id,
				   .state = STATE_AVAILABLE,
				   .reason = REASON_ANSWERED,
				   .since_utc_ms = NOW,
				   .origin = ORIGIN_LAUNCHED,
				   .ours = true,
				   .address = "203.0.113.7:49153",
				   .score = 4,
				   .seats = 10,
				   .most_seats = 10,
				   .slot = -1};
}

/* Fills a text of that size to its last byte. */
static inline struct operation
make_operation(const char *id, int64_t gameserver)
{
	struct operation row = {.kind = OP_LAUNCH,
				.gameserver = gameserver,
				.reason = REASON_BELOW_MARGIN,
				.created_utc_ms = NOW};

	snprintf(row.id, sizeof(row.id), "%s", id);
	return row;
}

static inline enum store_result
commit_operation(struct bench *b, const struct operation *row)
{
	return commit(b, (struct batch){.operation = &row, .noperation = 1});
}

/* A gameserver, and an operation about one that is not there. */
static inline enum store_result
commit_impossible(struct bench *b)
{
	const struct gameserver one = make_gameserver(1);
	const struct gameserver *rows[] = {&one};
	const struct operation orphan = make_operation("orphan", 77);
	const struct operation *ops[] = {&orphan};

	return commit(b, (struct batch){.gameserver = rows,
					.ngameserver = 1,
					.operation = ops,
					.noperation = 1});
}

static inline void
fill(char *text, size_t size, char c)
{
	memset(text, c, size - 1);
	text[size - 1] = '\0';
}

static inline enum store_result
commit_gameserver(struct bench *b, const struct gameserver *row)
{
	return commit(b, (struct batch){.gameserver = &row, .ngameserver = 1});
}

static inline enum store_result
commit_id(struct bench *b, int64_t id)
{
	const struct gameserver row = make_gameserver(id);

	return commit_gameserver(b, &row);
}

static inline void
keep_fleet(void *arg, const struct fleet_row *row)
{
	struct bench *b = arg;

	b->nfleet++;
	b->fleet = *row;
}

static inline void
keep_gameserver(void *arg, const struct gameserver *row)
{
	struct bench *b = arg;

	assert_true(b->ngameserver < ROWS_MAX);
	b->gameserver[b->ngameserver++] = *row;
}

static inline void
keep_operation(void *arg, const struct operation *row)
{
	struct bench *b = arg;

	assert_true(b->noperation < ROWS_MAX);
	b->operation[b->noperation++] = *row;
}

static inline void
keep_alarm(void *arg, const struct alarm *row)
{
	struct bench *b = arg;

	assert_true(b->nalarm < ROWS_MAX);
	snprintf(b->alarm_name[b->nalarm], sizeof(b->alarm_name[0]), "%s",
		 row->name);
	b->alarm[b->nalarm] = *row;
	b->alarm[b->nalarm].name = b->alarm_name[b->nalarm];
	b->nalarm++;
}

static inline bool
load(struct bench *b)
{
	const struct store_rows rows = {.arg = b,
					.fleet = keep_fleet,
					.gameserver = keep_gameserver,
					.operation = keep_operation,
					.alarm = keep_alarm};

	b->nfleet = b->ngameserver = b->noperation = b->nalarm = 0;
	return b->port.load(b->port.self, NOW, &rows, &b->err);
}

static inline void
assert_load(struct bench *b)
{
	if (!load(b))
		fail_msg("load: %s", b->err.msg);
}

/* Runs the script on a connection of its own. Returns SQLite's code; the first
 * column of the last row is in b->text ("" without a row). */
static inline int
query(struct bench *b, const char *path, int flags, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int rc = sqlite3_open_v2(path, &db, flags, NULL);

	b->text[0] = '\0';
	while (rc == SQLITE_OK && *sql != '\0') {
		rc = sqlite3_prepare_v2(db, sql, -1, &stmt, &sql);
		if (rc != SQLITE_OK || stmt == NULL)
			break;
		while (sqlite3_step(stmt) == SQLITE_ROW)
			snprintf(
			    b->text, sizeof(b->text), "%s",
			    sqlite3_column_type(stmt, 0) == SQLITE_NULL
				? "NULL"
				: (const char *)sqlite3_column_text(stmt, 0));
		rc = sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
	return rc;
}

/* As an operator with sqlite3 -readonly. */
static inline const char *
ask(struct bench *b, const char *sql)
{
	int rc = query(b, b->path, SQLITE_OPEN_READONLY, sql);

	if (rc != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errstr(rc));
	return b->text;
}

/* As somebody who writes into it by hand. */
static inline int
meddle(struct bench *b, const char *sql)
{
	return query(b, b->path, SQLITE_OPEN_READWRITE, sql);
}

/* Runs fn in a child process; returns its exit status, 256 + signal if it was
 * killed. The child must not use cmocka. */
static inline int
in_child(int (*fn)(struct bench *b), struct bench *b)
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(b));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* Writes over the file's bytes from `at` on; in a child, so that closing the
 * file drops no lock of this process. */
static inline void
scribble(const char *path, off_t at, size_t length)
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		static char junk[65536];
		int fd = open(path, O_WRONLY);

		memset(junk, 0xa5, sizeof(junk));
		if (length > sizeof(junk))
			length = sizeof(junk);
		_exit(fd >= 0 && pwrite(fd, junk, length, at) == (ssize_t)length
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#endif
