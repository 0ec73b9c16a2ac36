/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/store_bench.h"

#include <signal.h>

enum { FILE_MAX = 1 << 20 };

/* A file's bytes; only while no store is open in this process. */
struct content {
	size_t size;
	unsigned char byte[FILE_MAX];
};

static void
read_content(const char *path, struct content *content)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	content->size = fread(content->byte, 1, FILE_MAX, file);
	assert_true(content->size < FILE_MAX);
	fclose(file);
}

static void
assert_untouched(const char *path, const struct content *before)
{
	static struct content after;

	read_content(path, &after);
	assert_int_equal(after.size, before->size);
	assert_memory_equal(after.byte, before->byte, before->size);
}

static void
close_store(struct bench *b)
{
	store_close(b->store);
	b->store = NULL;
}

/* A database of ours with gameserver 1, closed. */
static void
make_database(struct bench *b)
{
	open_store(b);
	assert_int_equal(commit_id(b, 1), STORE_OK);
	close_store(b);
}

static void
assert_begun_anew(struct bench *b)
{
	open_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 0);
	assert_int_equal(commit_id(b, 2), STORE_OK);
}

static void
missing_database_is_begun(void **state)
{
	struct bench *b = *state;

	assert_begun_anew(b);
	assert_string_equal(ask(b, "SELECT provider || region || cluster || "
				   "fleet_name FROM fleet_state"),
			    "localtest");
}

static void
empty_file_is_begun_and_not_moved_aside(void **state)
{
	struct bench *b = *state;
	char name[400];

	fclose(fopen(b->path, "w"));
	assert_begun_anew(b);
	assert_false(find_file(b, "state.db.", name, sizeof(name)));
}

static void
modes_follow_the_umask(void **state)
{
	static const char *const suffix[] = {"", "-wal", "-shm"};
	struct bench *b = *state;
	mode_t mask = umask(027);

	open_store(b);
	umask(mask);
	for (size_t i = 0; i < COUNT(suffix); i++) {
		char name[200];
		struct stat st;

		snprintf(name, sizeof(name), "%s%s", b->path, suffix[i]);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0640);
	}
}

static void
database_behind_a_link_is_used_as_it_is(void **state)
{
	struct bench *b = *state;
	char target[200], name[400];

	snprintf(target, sizeof(target), "%s/real.db", b->dir);
	assert_int_equal(symlink(target, b->path), 0);
	open_store(b); /* dangling */
	assert_int_equal(commit_id(b, 1), STORE_OK);
	assert_int_equal(commit_id(b, 2), STORE_OK);
	reopen_store(b);
	assert_int_equal(commit_id(b, 3), STORE_OK);
	assert_load(b);
	assert_int_equal(b->ngameserver, 3);
	assert_false(find_file(b, "state.db.", name, sizeof(name)));
	assert_false(find_file(b, "real.db.", name, sizeof(name)));
}

static void
assert_moved_aside(struct bench *b)
{
	char name[400];

	assert_begun_anew(b);
	assert_true(find_file(b, "state.db.damaged-", name, sizeof(name)));
	assert_string_equal(strrchr(name, 'Z'), "Z"); /* ...-20251122T164848Z */
}

static void
file_that_is_no_database_is_moved_aside(void **state)
{
	struct bench *b = *state;

	make_database(b);
	scribble(b->path, 0, 100);
	assert_moved_aside(b);
}

static void
database_with_a_damaged_page_is_moved_aside(void **state)
{
	struct bench *b = *state;
	long page;

	make_database(b);
	page = strtol(ask(b, "SELECT rootpage FROM sqlite_schema "
			     "WHERE name = 'event'"),
		      NULL, 10);
	scribble(b->path, (page - 1) * 4096, 64);
	assert_moved_aside(b);
}

static void
cut_database_is_moved_aside(void **state)
{
	struct bench *b = *state;

	make_database(b);
	assert_int_equal(truncate(b->path, 8192), 0);
	assert_moved_aside(b);
}

static void
damaged_database_is_kept_to_the_byte(void **state)
{
	static struct content before;
	struct bench *b = *state;
	char name[400];

	make_database(b);
	scribble(b->path, 0, 100);
	read_content(b->path, &before);
	open_store(b);
	assert_true(find_file(b, "state.db.damaged-", name, sizeof(name)));
	assert_untouched(name, &before);
}

static void
newer_database_is_refused_untouched(void **state)
{
	static struct content before;
	struct bench *b = *state;

	make_database(b);
	assert_int_equal(meddle(b, "PRAGMA journal_mode = DELETE;"
				   "PRAGMA user_version = 1000"),
			 SQLITE_OK);
	read_content(b->path, &before);
	assert_refused(b, "has version 1000");
	assert_untouched(b->path, &before);
}

/* Leaves the newer version in the WAL alone: the child. */
static int
become_newer_and_die(struct bench *b)
{
	sqlite3 *db;

	if (sqlite3_open(b->path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA user_version = 1000", NULL, NULL, NULL) !=
		SQLITE_OK)
		return 1;
	raise(SIGKILL);
	return 2;
}

static void
newer_database_with_a_wal_is_refused_untouched(void **state)
{
	static struct content before, wal_before;
	struct bench *b = *state;
	char wal[200];

	snprintf(wal, sizeof(wal), "%s-wal", b->path);
	make_database(b);
	assert_int_equal(in_child(become_newer_and_die, b), 256 + SIGKILL);
	read_content(b->path, &before);
	read_content(wal, &wal_before);
	assert_true(wal_before.size > 0);
	assert_refused(b, "has version 1000");
	assert_untouched(b->path, &before);
	assert_untouched(wal, &wal_before);
}

static void
other_programs_database_is_refused_untouched(void **state)
{
	static struct content before;
	struct bench *b = *state;

	assert_int_equal(query(b, b->path,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			       "CREATE TABLE mail (id)"),
			 SQLITE_OK);
	read_content(b->path, &before);
	assert_refused(b, "another program's database");
	assert_untouched(b->path, &before);
}

static void
other_programs_empty_database_is_refused(void **state)
{
	struct bench *b = *state;

	assert_int_equal(query(b, b->path,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			       "PRAGMA application_id = 5"),
			 SQLITE_OK);
	assert_refused(b, "application_id 5");
}

static void
other_fleets_database_is_refused_untouched(void **state)
{
	static struct content before;
	struct bench *b = *state;

	make_database(b);
	read_content(b->path, &before);
	snprintf(b->config.fleet_name, sizeof(b->config.fleet_name), "mine");
	assert_refused(b, "its FLEET_NAME is 'test', configured is 'mine'");
	assert_non_null(strstr(b->err.msg, b->path));
	assert_untouched(b->path, &before);
}

static void
other_region_or_cluster_is_refused_with_ecs(void **state)
{
	struct bench *b = *state;

	b->config.provider = CONFIG_PROVIDER_ECS;
	make_database(b);
	snprintf(b->config.aws_region, sizeof(b->config.aws_region), "x");
	assert_refused(b, "its AWS_REGION is 'eu-west-1', configured is 'x'");
	snprintf(b->config.aws_region, sizeof(b->config.aws_region),
		 "eu-west-1");
	snprintf(b->config.ecs_cluster, sizeof(b->config.ecs_cluster), "y");
	assert_refused(b, "its ECS_CLUSTER is 'default', configured is 'y'");
	b->config.provider = CONFIG_PROVIDER_LOCAL;
	assert_refused(b, "its PROVIDER is 'ecs', configured is 'local'");
}

static void
identity_may_be_corrected_before_the_first_gameserver(void **state)
{
	struct bench *b = *state;

	b->config.provider = CONFIG_PROVIDER_ECS;
	open_store(b);
	close_store(b);
	snprintf(b->config.aws_region, sizeof(b->config.aws_region), "x");
	snprintf(b->config.ecs_cluster, sizeof(b->config.ecs_cluster), "y");
	make_database(b);
	assert_string_equal(ask(b, "SELECT region || cluster FROM fleet_state"),
			    "xy");
	snprintf(b->config.aws_region, sizeof(b->config.aws_region), "z");
	assert_refused(b, "its AWS_REGION is 'x', configured is 'z'");
}

static void
region_and_cluster_do_not_matter_locally(void **state)
{
	struct bench *b = *state;

	make_database(b);
	snprintf(b->config.aws_region, sizeof(b->config.aws_region), "x");
	snprintf(b->config.ecs_cluster, sizeof(b->config.ecs_cluster), "y");
	open_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
}

static void
directory_is_refused(void **state)
{
	struct bench *b = *state;

	snprintf(b->config.database, sizeof(b->config.database), "%s", b->dir);
	assert_refused(b, "not a file");
}

static void
path_in_no_directory_is_refused(void **state)
{
	struct bench *b = *state;

	snprintf(b->config.database, sizeof(b->config.database),
		 "%s/none/state.db", b->dir);
	assert_refused(b, "unable to open");
}

static void
file_without_write_permission_is_refused_where_it_lies(void **state)
{
	struct bench *b = *state;
	char name[400];

	if (geteuid() == 0)
		skip(); /* root may write everything */
	make_database(b);
	assert_int_equal(chmod(b->path, 0400), 0);
	assert_refused(b, b->path);
	assert_false(find_file(b, "state.db.", name, sizeof(name)));
}

static void
epoch_rises_with_each_start_and_each_database(void **state)
{
	struct bench *b = *state;
	int64_t first, second;

	open_store(b);
	first =
	    strtoll(ask(b, "SELECT writer_epoch FROM fleet_state"), NULL, 10);
	reopen_store(b);
	second =
	    strtoll(ask(b, "SELECT writer_epoch FROM fleet_state"), NULL, 10);
	assert_true(second > first);
	assert_true(first > INT64_C(1700000000000)); /* the clock's */
}

UNIT_MAIN(STORE_TEST(missing_database_is_begun),
	  STORE_TEST(empty_file_is_begun_and_not_moved_aside),
	  STORE_TEST(modes_follow_the_umask),
	  STORE_TEST(database_behind_a_link_is_used_as_it_is),
	  STORE_TEST(file_that_is_no_database_is_moved_aside),
	  STORE_TEST(database_with_a_damaged_page_is_moved_aside),
	  STORE_TEST(cut_database_is_moved_aside),
	  STORE_TEST(damaged_database_is_kept_to_the_byte),
	  STORE_TEST(newer_database_is_refused_untouched),
	  STORE_TEST(newer_database_with_a_wal_is_refused_untouched),
	  STORE_TEST(other_programs_database_is_refused_untouched),
	  STORE_TEST(other_programs_empty_database_is_refused),
	  STORE_TEST(other_fleets_database_is_refused_untouched),
	  STORE_TEST(other_region_or_cluster_is_refused_with_ecs),
	  STORE_TEST(identity_may_be_corrected_before_the_first_gameserver),
	  STORE_TEST(region_and_cluster_do_not_matter_locally),
	  STORE_TEST(directory_is_refused),
	  STORE_TEST(path_in_no_directory_is_refused),
	  STORE_TEST(file_without_write_permission_is_refused_where_it_lies),
	  STORE_TEST(epoch_rises_with_each_start_and_each_database))
