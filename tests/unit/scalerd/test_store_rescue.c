/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/store_bench.h"

#include <signal.h>
#include <time.h>

#include "scalerd/edge/store_private.h"

enum { KILL_ROUNDS = 15, KILL_AFTER_MAX_US = 12000 };

static void
name_of(const struct bench *b, const char *suffix, char *name, size_t size)
{
	snprintf(name, size, "%s%s", b->path, suffix);
}

static void
remove_file(const struct bench *b, const char *suffix)
{
	char name[200];

	name_of(b, suffix, name, sizeof(name));
	assert_int_equal(unlink(name), 0);
}

/* A store with gameserver 1 and an event. */
static void
open_with_history(struct bench *b)
{
	const struct gameserver row = make_gameserver(1);
	const struct gameserver *rows[] = {&row};
	const struct event event = {.at_utc_ms = NOW, .kind = "state"};

	open_store(b);
	assert_commit(b, (struct batch){.gameserver = rows,
					.ngameserver = 1,
					.event = &event,
					.nevent = 1});
}

/* The next commit succeeds, and the path has everything. */
static void
assert_rescued(struct bench *b)
{
	assert_int_equal(commit_id(b, 2), STORE_OK);
	assert_string_equal(ask(b, "SELECT (SELECT count(*) FROM gameserver) "
				   "|| (SELECT count(*) FROM event)"),
			    "21");
	assert_string_equal(ask(b, "PRAGMA integrity_check"), "ok");
	assert_true(b->port.is_writer(b->port.self));
	/* and it is not rescued again and again */
	assert_int_equal(commit_id(b, 3), STORE_OK);
	reopen_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 3);
}

static void
deleted_database_is_written_anew(void **state)
{
	static const char *const deleted[][3] = {
	    {"", NULL, NULL},     {"", "-wal", NULL},   {"", "-wal", "-shm"},
	    {"-wal", NULL, NULL}, {"-shm", NULL, NULL}, {"-wal", "-shm", NULL},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(deleted); i++) {
		open_with_history(b);
		for (size_t j = 0; j < 3 && deleted[i][j] != NULL; j++)
			remove_file(b, deleted[i][j]);
		assert_rescued(b);
		store_close(b->store);
		b->store = NULL;
		remove_file(b, "");
	}
}

static void
rescued_database_keeps_its_mode_and_raises_the_epoch(void **state)
{
	struct bench *b = *state;
	struct stat st;
	int64_t before;

	open_with_history(b);
	assert_int_equal(chmod(b->path, 0604), 0);
	reopen_store(b);
	before = b->store->epoch;
	remove_file(b, "");
	assert_int_equal(commit_id(b, 2), STORE_OK);
	assert_int_equal(stat(b->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0604);
	assert_true(b->store->epoch > before);
}

/* Another database of the same fleet, with gameserver 50, at the name. */
static void
make_foreign(const struct bench *b, const char *name)
{
	struct store_port port;
	struct config config = b->config;
	struct store *store;
	struct err err;
	const struct gameserver row = make_gameserver(50);
	const struct gameserver *rows[] = {&row};

	snprintf(config.database, sizeof(config.database), "%s", name);
	assert_true(store_open(&store, &port, &config, &err));
	assert_int_equal(port.commit(port.self,
				     &(struct batch){.fleet = &b->row,
						     .gameserver = rows,
						     .ngameserver = 1},
				     &err),
			 STORE_OK);
	store_close(store);
}

static void
database_in_its_place_is_moved_aside_and_not_merged(void **state)
{
	struct bench *b = *state;
	char name[400];

	open_with_history(b);
	name_of(b, "-other", name, sizeof(name));
	make_foreign(b, name);
	assert_int_equal(rename(name, b->path), 0);
	assert_rescued(b);
	assert_true(find_file(b, "state.db.replaced-", name, sizeof(name)));
	assert_int_equal(query(b, name, SQLITE_OPEN_READWRITE,
			       "SELECT group_concat(id) FROM gameserver"),
			 SQLITE_OK);
	assert_string_equal(b->text, "50");
}

static void
directory_in_its_place_is_moved_aside(void **state)
{
	struct bench *b = *state;
	char name[400];

	open_with_history(b);
	remove_file(b, "");
	assert_int_equal(mkdir(b->path, 0755), 0);
	assert_rescued(b);
	assert_true(find_file(b, "state.db.replaced-", name, sizeof(name)));
	assert_int_equal(rmdir(name), 0);
}

static void
rescue_that_can_not_be_written_is_tried_again(void **state)
{
	struct bench *b = *state;
	char name[200];

	open_with_history(b);
	name_of(b, ".rescuing", name, sizeof(name));
	assert_int_equal(mkdir(name, 0755), 0);
	remove_file(b, "");
	assert_int_equal(commit_id(b, 2), STORE_BUSY);
	assert_non_null(strstr(b->err.msg, ".rescuing"));
	assert_int_equal(commit_id(b, 2), STORE_BUSY);
	assert_int_equal(rmdir(name), 0);
	assert_rescued(b);
}

static void
directory_that_comes_back_needs_no_rescue(void **state)
{
	struct bench *b = *state;
	char away[80];

	open_with_history(b);
	snprintf(away, sizeof(away), "%s-away", b->dir);
	assert_int_equal(rename(b->dir, away), 0);
	assert_int_equal(commit_id(b, 2), STORE_BUSY);
	assert_int_equal(rename(away, b->dir), 0);
	assert_rescued(b);
}

static void
overtaken_writer_rescues_nothing(void **state)
{
	struct bench *b = *state;
	struct bench *other;

	open_with_history(b);
	other = calloc(1, sizeof(*other));
	assert_non_null(other);
	other->config = b->config;
	open_store(other);
	remove_file(b, "");
	assert_int_equal(commit_id(b, 2), STORE_LOST);
	assert_int_equal(access(b->path, F_OK), -1);
	store_close(other->store);
	free(other);
}

static void
finished_copy_of_a_killed_rescue_is_put_in_place(void **state)
{
	struct bench *b = *state;
	char copy[200], name[400];

	open_with_history(b);
	store_close(b->store);
	b->store = NULL;
	name_of(b, ".rescue", copy, sizeof(copy));
	assert_int_equal(rename(b->path, copy), 0);
	name_of(b, "-other", name, sizeof(name));
	make_foreign(b, name);
	assert_int_equal(rename(name, b->path), 0);
	open_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
	assert_int_equal(b->gameserver[0].id, 1);
	assert_true(find_file(b, "state.db.replaced-", name, sizeof(name)));
	assert_int_equal(access(copy, F_OK), -1);
	assert_rescued(b);
}

static void
half_copy_of_a_killed_rescue_is_thrown_away(void **state)
{
	struct bench *b = *state;
	char part[200];

	name_of(b, ".rescuing", part, sizeof(part));
	fclose(fopen(part, "w"));
	open_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 0);
	assert_int_equal(access(part, F_OK), -1);
}

/* Deletes the WAL under the store again and again: the child. */
static int
rescue_forever(struct bench *b)
{
	char wal[200];

	name_of(b, "-wal", wal, sizeof(wal));
	if (!store_open(&b->store, &b->port, &b->config, &b->err))
		return 1;
	for (;;) {
		if (unlink(wal) != 0)
			return 2;
		if (commit_id(b, 1) != STORE_OK)
			return 3;
	}
}

static void
kill_after(pid_t pid, long us)
{
	const struct timespec wait = {.tv_nsec = us * 1000};
	int status;

	nanosleep(&wait, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		fail_msg("the child ended by itself: %d", WEXITSTATUS(status));
}

static void
kill_in_the_midst_of_a_rescue_loses_nothing(void **state)
{
	struct bench *b = *state;

	open_with_history(b);
	store_close(b->store);
	b->store = NULL;
	for (int i = 0; i < KILL_ROUNDS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(rescue_forever(b));
		kill_after(pid, (i + 1L) * KILL_AFTER_MAX_US / KILL_ROUNDS);
		open_store(b);
		assert_string_equal(
		    ask(b, "SELECT (SELECT count(*) FROM gameserver) || "
			   "(SELECT count(*) FROM event)"),
		    "11");
		store_close(b->store);
		b->store = NULL;
	}
}

/* Damages a table under the open store, with nothing of it cached. */
static void
damage(struct bench *b, const char *table)
{
	char query[100];
	long page;

	snprintf(query, sizeof(query),
		 "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
	page = strtol(ask(b, query), NULL, 10);
	assert_int_equal(meddle(b, "PRAGMA wal_checkpoint(TRUNCATE)"),
			 SQLITE_OK);
	scribble(b->path, (page - 1) * 4096, 64);
	sqlite3_db_release_memory(b->store->db);
}

static void
damage_while_running_begins_anew_and_says_so(void **state)
{
	struct bench *b = *state;
	char name[400];

	open_with_history(b);
	damage(b, "gameserver");
	assert_int_equal(commit_id(b, 2), STORE_RESET);
	assert_non_null(strstr(b->err.msg, "malformed"));
	assert_true(find_file(b, "state.db.damaged-", name, sizeof(name)));
	assert_load(b);
	assert_int_equal(b->ngameserver + b->nfleet, 0);
	assert_int_equal(commit_id(b, 2), STORE_OK);
	assert_true(b->port.is_writer(b->port.self));
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
}

static void
damage_that_no_commit_meets_is_found_within_store_check_ms(void **state)
{
	struct bench *b = *state;

	open_with_history(b);
	damage(b, "operation");
	b->row.heartbeat_ms = 1;
	assert_int_equal(commit_id(b, 2), STORE_OK);
	b->row.heartbeat_ms = STORE_CHECK_MS;
	assert_int_equal(commit_id(b, 2), STORE_OK);
	b->row.heartbeat_ms = STORE_CHECK_MS + 1;
	assert_int_equal(commit_id(b, 2), STORE_RESET);
	assert_int_equal(commit_id(b, 2), STORE_OK);
}

static void
table_dropped_under_the_writer_begins_anew(void **state)
{
	struct bench *b = *state;

	open_with_history(b);
	assert_int_equal(meddle(b, "DROP TABLE event"), SQLITE_OK);
	assert_int_equal(commit_id(b, 2), STORE_OK); /* needs no event */
	reopen_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 0);
	assert_int_equal(commit_id(b, 2), STORE_OK);
}

static void
database_cut_to_nothing_is_written_anew_with_the_next_commit(void **state)
{
	struct bench *b = *state;

	open_with_history(b);
	assert_int_equal(commit_id(b, 1), STORE_OK);
	assert_int_equal(truncate(b->path, 0), 0);
	if (commit_id(b, 2) == STORE_RESET)
		assert_int_equal(commit_id(b, 2), STORE_OK);
	assert_string_equal(ask(b, "SELECT count(*) FROM gameserver "
				   "WHERE id = 2"),
			    "1");
}

/* Writes the copy's bytes into the database's file, in a process of its own:
 * closing the file here would drop the locks of this one's connections. */
static void
overwrite(struct bench *b, const char *copy)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		execl("/bin/cp", "cp", copy, b->path, (char *)NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	remove_file(b, "-wal");
	remove_file(b, "-shm");
}

/* As by `cp copy.db state.db` while fcgi-api has the old one open. */
static void
file_put_under_an_open_reader_is_taken_over(void **state)
{
	struct bench *b = *state;
	char copy[200], command[500];
	sqlite3 *reader;

	open_with_history(b);
	snprintf(copy, sizeof(copy), "%s/copy.db", b->dir);
	snprintf(command, sizeof(command), "VACUUM INTO '%s'", copy);
	assert_int_equal(meddle(b, command), SQLITE_OK);
	assert_int_equal(
	    sqlite3_open_v2(b->path, &reader, SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(reader, "SELECT * FROM gameserver", NULL, NULL, NULL),
	    SQLITE_OK);
	store_close(b->store);
	b->store = NULL;
	overwrite(b, copy);
	open_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
	assert_int_equal(commit_id(b, 2), STORE_OK);
	sqlite3_close(reader);
}

static void
damage_without_end_is_given_up(void **state)
{
	struct bench *b = *state;

	open_with_history(b);
	for (int i = 0; i < STORE_RESETS_MAX; i++) {
		damage(b, "gameserver");
		assert_int_equal(commit_id(b, 1), STORE_RESET);
		assert_int_equal(commit_id(b, 1), STORE_OK);
	}
	damage(b, "gameserver");
	assert_int_equal(commit_id(b, 1), STORE_BROKEN);
}

static void
deleted_and_unreadable_database_is_begun_anew(void **state)
{
	struct bench *b = *state;

	open_with_history(b);
	damage(b, "gameserver");
	remove_file(b, "");
	assert_int_equal(commit_id(b, 2), STORE_RESET);
	assert_int_equal(commit_id(b, 2), STORE_OK);
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
}

UNIT_MAIN(
    STORE_TEST(deleted_database_is_written_anew),
    STORE_TEST(rescued_database_keeps_its_mode_and_raises_the_epoch),
    STORE_TEST(database_in_its_place_is_moved_aside_and_not_merged),
    STORE_TEST(directory_in_its_place_is_moved_aside),
    STORE_TEST(rescue_that_can_not_be_written_is_tried_again),
    STORE_TEST(directory_that_comes_back_needs_no_rescue),
    STORE_TEST(overtaken_writer_rescues_nothing),
    STORE_TEST(finished_copy_of_a_killed_rescue_is_put_in_place),
    STORE_TEST(half_copy_of_a_killed_rescue_is_thrown_away),
    STORE_TEST(kill_in_the_midst_of_a_rescue_loses_nothing),
    STORE_TEST(damage_while_running_begins_anew_and_says_so),
    STORE_TEST(damage_that_no_commit_meets_is_found_within_store_check_ms),
    STORE_TEST(table_dropped_under_the_writer_begins_anew),
    STORE_TEST(database_cut_to_nothing_is_written_anew_with_the_next_commit),
    STORE_TEST(file_put_under_an_open_reader_is_taken_over),
    STORE_TEST(damage_without_end_is_given_up),
    STORE_TEST(deleted_and_unreadable_database_is_begun_anew))
