/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/store_bench.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "scalerd/edge/store_private.h"

enum {
	KILL_ROUNDS = 30,
	KILL_ACKS_MAX = 20,
	KILL_DELAY_MAX_US = 2000,
	FILE_LIMIT = 128 * 1024, /* bytes of a file: the full disk */
	COMMITS_MAX = 1000,
};

/* A gameserver and its event in one batch. */
static enum store_result
commit_pair(struct bench *b, int64_t id)
{
	const struct gameserver row = make_gameserver(id);
	const struct gameserver *rows[] = {&row};
	const struct event event = {
	    .at_utc_ms = NOW, .gameserver = id, .kind = "state"};

	return commit(b, (struct batch){.gameserver = rows,
					.ngameserver = 1,
					.event = &event,
					.nevent = 1});
}

/* Commits ids from `next` on and tells each that is acknowledged. */
static int
commit_forever(struct bench *b, int64_t next, int to)
{
	if (!store_open(&b->store, &b->port, &b->config, &b->err))
		return 1;
	for (;; next++) {
		if (commit_pair(b, next) != STORE_OK)
			return 2;
		if (write(to, &next, sizeof(next)) != sizeof(next))
			return 3;
	}
}

/* Kills a child at a random moment; returns the last id it acknowledged. */
static int64_t
one_life(struct bench *b, int64_t next, unsigned int *seed)
{
	int acks = rand_r(seed) % KILL_ACKS_MAX;
	const struct timespec more = {
	    .tv_nsec = (rand_r(seed) % KILL_DELAY_MAX_US) * 1000L};
	int64_t acknowledged = next - 1;
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(commit_forever(b, next, fd[1]));
	close(fd[1]);
	for (int i = 0; i < acks; i++)
		assert_int_equal(
		    read(fd[0], &acknowledged, sizeof(acknowledged)),
		    sizeof(acknowledged));
	nanosleep(&more, NULL);
	kill(pid, SIGKILL);
	while (read(fd[0], &acknowledged, sizeof(acknowledged)) ==
	       sizeof(acknowledged))
		;
	close(fd[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return acknowledged;
}

static int64_t
ask_int(struct bench *b, const char *sql)
{
	return strtoll(ask(b, sql), NULL, 10);
}

static void
kill_at_any_moment_loses_no_acknowledged_commit(void **state)
{
	struct bench *b = *state;
	unsigned int seed = (unsigned int)time(NULL);
	int64_t stored = 0;

	print_message("seed %u\n", seed);
	for (int round = 0; round < KILL_ROUNDS; round++) {
		int64_t acknowledged = one_life(b, stored + 1, &seed);

		open_store(b);
		stored = ask_int(b, "SELECT coalesce(max(id), 0) "
				    "FROM gameserver");
		/* The one in flight may be there, whole, or not. */
		assert_true(stored >= acknowledged);
		assert_true(stored <= acknowledged + 1);
		assert_int_equal(ask_int(b, "SELECT count(*) FROM gameserver"),
				 stored);
		assert_int_equal(
		    ask_int(b, "SELECT count(DISTINCT gameserver) FROM event"),
		    stored);
		assert_string_equal(ask(b, "PRAGMA integrity_check"), "ok");
		store_close(b->store);
		b->store = NULL;
	}
	assert_true(stored > 0);
}

/* Locks the database as a forgotten shell does, until the pipe closes. */
static void
hold_lock(const struct bench *b, int ready, int until)
{
	sqlite3 *db;
	char byte = 0;

	if (sqlite3_open(b->path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
		SQLITE_OK ||
	    write(ready, &byte, 1) != 1)
		_exit(1);
	_exit(read(until, &byte, 1) == 0 ? 0 : 2);
}

static void
locked_database_is_busy_and_names_the_holder(void **state)
{
	struct bench *b = *state;
	int ready[2], until[2];
	char wanted[32], byte;
	pid_t pid;

	open_store(b);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(until), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(until[1]);
		hold_lock(b, ready[1], until[0]);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(commit_pair(b, 1), STORE_BUSY);
	snprintf(wanted, sizeof(wanted), "locked by pid %d (", (int)pid);
	assert_non_null(strstr(b->err.msg, wanted));
	close(until[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(ask_int(b, "SELECT count(*) FROM gameserver"), 0);
	assert_int_equal(commit_pair(b, 1), STORE_OK);
	close(until[0]);
	close(ready[0]);
	close(ready[1]);
}

static void
overtaken_writer_is_told_and_writes_nothing(void **state)
{
	struct bench *b = *state;
	struct bench *other = calloc(1, sizeof(*other));

	assert_non_null(other);
	open_store(b);
	assert_true(b->port.is_writer(b->port.self));
	other->config = b->config;
	open_store(other);
	assert_false(b->port.is_writer(b->port.self));
	assert_true(other->port.is_writer(other->port.self));
	assert_int_equal(commit_pair(b, 1), STORE_LOST);
	assert_non_null(strstr(b->err.msg, "another scalerd"));
	assert_int_equal(ask_int(b, "SELECT count(*) FROM gameserver"), 0);
	assert_int_equal(commit_pair(other, 1), STORE_OK);
	store_close(other->store);
	free(other);
}

/* Commits until one fails; returns the id that failed, 0 if none did. */
static int64_t
commit_until_refused(struct bench *b, enum store_result *result)
{
	for (int64_t id = 1; id <= COMMITS_MAX; id++) {
		*result = commit_pair(b, id);
		if (*result != STORE_OK)
			return id;
	}
	return 0;
}

static bool
set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return false;
	limit.rlim_cur = bytes;
	return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

/* Fails to write beyond the limit, then goes on where it failed. */
static int
fill_the_disk(struct bench *b)
{
	enum store_result result;
	int64_t refused;

	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGXFSZ, &ignore, NULL);
	if (!store_open(&b->store, &b->port, &b->config, &b->err))
		return 1;
	if (!set_file_limit(FILE_LIMIT))
		return 2;
	refused = commit_until_refused(b, &result);
	if (refused == 0 || result != STORE_BUSY)
		return 3;
	if (!set_file_limit(RLIM_INFINITY))
		return 4;
	if (commit_pair(b, refused) != STORE_OK)
		return 5;
	if (commit_pair(b, refused + 1) != STORE_OK)
		return 6;
	raise(SIGKILL);
	return 7;
}

static void
write_error_is_busy_and_heals(void **state)
{
	struct bench *b = *state;

	assert_int_equal(in_child(fill_the_disk, b), 256 + SIGKILL);
	open_store(b);
	assert_string_equal(
	    ask(b, "SELECT max(id) = count(*) AND count(*) > 2 AND count(*) = "
		   "(SELECT count(*) FROM event) FROM gameserver"),
	    "1");
	assert_string_equal(ask(b, "PRAGMA integrity_check"), "ok");
}

static void
full_database_is_busy_and_writes_nothing(void **state)
{
	struct bench *b = *state;
	enum store_result result;
	int64_t refused;

	open_store(b);
	assert_int_equal(sqlite3_exec(b->store->db, "PRAGMA max_page_count = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	refused = commit_until_refused(b, &result);
	assert_true(refused > 0);
	assert_int_equal(result, STORE_BUSY);
	assert_non_null(strstr(b->err.msg, "full"));
	assert_int_equal(ask_int(b, "SELECT count(*) FROM gameserver"),
			 refused - 1);
	assert_int_equal(ask_int(b, "SELECT count(*) FROM event"), refused - 1);
	assert_true(b->port.is_writer(b->port.self));
	assert_int_equal(sqlite3_exec(b->store->db,
				      "PRAGMA max_page_count = 100000", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(commit_pair(b, refused), STORE_OK);
}

static void
commits_are_synchronous(void **state)
{
	struct bench *b = *state;
	int64_t value;

	open_store(b);
	assert_int_equal(
	    store_query_int(b->store->db, "PRAGMA synchronous", &value),
	    SQLITE_OK);
	assert_int_equal(value, 2); /* FULL */
	assert_int_equal(
	    store_query_int(b->store->db, "PRAGMA foreign_keys", &value),
	    SQLITE_OK);
	assert_int_equal(value, 1);
}

UNIT_MAIN(STORE_TEST(kill_at_any_moment_loses_no_acknowledged_commit),
	  STORE_TEST(locked_database_is_busy_and_names_the_holder),
	  STORE_TEST(overtaken_writer_is_told_and_writes_nothing),
	  STORE_TEST(write_error_is_busy_and_heals),
	  STORE_TEST(full_database_is_busy_and_writes_nothing),
	  STORE_TEST(commits_are_synchronous))
