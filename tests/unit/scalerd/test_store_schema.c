/* SPDX-License-Identifier: MIT */
/* The schema takes the core's words and no others, and is kept up to date. */
#include "tests/unit/scalerd/store_bench.h"

#include "scalerd/core/decide.h"
#include "scalerd/core/model.h"
#include "sql.h"

/* An enum's words, and a column whose CHECK lists them. */
struct vocabulary {
	const char *table, *column;
	int count;
	const char *(*name)(int value);
};

#define WORD_OF(enum_name)                                                     \
	static const char *enum_name##_word(int value)                         \
	{                                                                      \
		return enum_name##_name((enum enum_name)value);                \
	}
WORD_OF(state)
WORD_OF(reason)
WORD_OF(origin)
WORD_OF(health)
WORD_OF(op_kind)
WORD_OF(op_result)
WORD_OF(limit)

static const struct vocabulary vocabularies[] = {
    {"gameserver", "state", STATE_COUNT, state_word},
    {"gameserver", "reason", REASON_COUNT, reason_word},
    {"gameserver", "origin", ORIGIN_COUNT, origin_word},
    {"gameserver", "health", HEALTH_COUNT, health_word},
    {"operation", "kind", OP_KIND_COUNT, op_kind_word},
    {"operation", "reason", REASON_COUNT, reason_word},
    {"operation", "result", OP_RESULT_COUNT, op_result_word},
    {"fleet_state", "limited_by", LIMIT_COUNT, limit_word},
};

static int
set_word(struct bench *b, const struct vocabulary *v, const char *word)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "UPDATE %s SET %s = '%s'", v->table,
		 v->column, word);
	return meddle(b, sql);
}

static void
open_with_a_row_in_each_table(struct bench *b)
{
	const struct gameserver gameserver = make_gameserver(1);
	const struct gameserver *rows[] = {&gameserver};
	const struct operation operation = {.id = "op", .gameserver = 1};
	const struct operation *ops[] = {&operation};

	open_store(b);
	assert_commit(b, (struct batch){.gameserver = rows,
					.ngameserver = 1,
					.operation = ops,
					.noperation = 1});
}

static void
every_word_of_the_core_is_accepted(void **state)
{
	struct bench *b = *state;

	open_with_a_row_in_each_table(b);
	for (size_t i = 0; i < COUNT(vocabularies); i++) {
		const struct vocabulary *v = &vocabularies[i];

		for (int value = 0; value < v->count; value++) {
			int rc = set_word(b, v, v->name(value));

			if (rc != SQLITE_OK)
				fail_msg("%s.%s refuses '%s': %s", v->table,
					 v->column, v->name(value),
					 sqlite3_errstr(rc));
		}
	}
}

static void
every_other_word_is_refused(void **state)
{
	struct bench *b = *state;

	open_with_a_row_in_each_table(b);
	for (size_t i = 0; i < COUNT(vocabularies); i++) {
		const struct vocabulary *v = &vocabularies[i];

		if (set_word(b, v, "bogus") != SQLITE_CONSTRAINT)
			fail_msg("%s.%s takes anything", v->table, v->column);
	}
	assert_int_equal(meddle(b, "UPDATE fleet_state SET provider = 'x'"),
			 SQLITE_CONSTRAINT);
	assert_int_equal(meddle(b, "UPDATE gameserver SET port = 65536"),
			 SQLITE_CONSTRAINT);
	assert_int_equal(meddle(b, "UPDATE gameserver SET seats = 'many'"),
			 SQLITE_CONSTRAINT);
	assert_int_equal(meddle(b, "UPDATE fleet_state SET id = 2"),
			 SQLITE_CONSTRAINT);
}

/* A CHECK that lists a word which the core does not know lists a state that
 * load would refuse. */
static void
no_check_lists_a_word_that_the_core_lacks(void **state)
{
	struct bench *b = *state;

	open_store(b);
	for (size_t i = 0; i < COUNT(vocabularies); i++) {
		const struct vocabulary *v = &vocabularies[i];
		char sql[200];
		char begins[64];
		const char *at;
		int listed = 0, depth = 1;

		snprintf(sql, sizeof(sql),
			 "SELECT sql FROM sqlite_schema WHERE name = '%s'",
			 v->table);
		snprintf(begins, sizeof(begins), "CHECK (%s ", v->column);
		at = strstr(ask(b, sql), begins);
		assert_non_null(at);
		for (at += strlen(begins); depth > 0; at++) {
			assert_true(*at != '\0');
			listed += *at == '\'';
			depth += (*at == '(') - (*at == ')');
		}
		assert_int_equal(listed, 2 * v->count);
	}
}

/* As version 1 wrote it, with a row in each table. */
static void
make_version_1(struct bench *b)
{
	char script[16384];

	snprintf(script, sizeof(script),
		 "PRAGMA journal_mode = WAL; %s"
		 "INSERT INTO fleet_state (id, provider, region, cluster,"
		 " fleet_name, heartbeat_utc_ms, last_id, launch_failures)"
		 " VALUES (1, 'local', '', '', 'test', 5, 9, 3);"
		 "INSERT INTO gameserver VALUES (9, 'standby', 'surplus', 1,"
		 " 'launched', 1, 'mark', 'ref', 'i-1', '192.0.2.1', 80,"
		 " 'a:80', 'good', 4, 1, 6, 10, 0, 7, 0);"
		 "INSERT INTO operation VALUES ('op', 'stop', 9, 'surplus',"
		 " 'pending', 'p', 'r', '', 2, 1, 0);"
		 "INSERT INTO event VALUES (1, 2, 9, 'state', 'a', 'b', 'c',"
		 " 'd');"
		 "INSERT INTO alarm VALUES ('panic', 0, 3, 'm');"
		 "INSERT INTO sample VALUES (4, 1, 2, 3, 4, 5, 6, 7, 8);",
		 sql_migrations[0].text);
	assert_int_equal(query(b, b->path,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			       script),
			 SQLITE_OK);
}

static void
version_1_keeps_its_rows_and_gets_what_is_new(void **state)
{
	struct bench *b = *state;

	make_version_1(b);
	open_store(b);
	assert_load(b);
	assert_int_equal(b->nfleet, 1);
	assert_int_equal(b->fleet.last_id, 9);
	assert_int_equal(b->fleet.launch_failures, 3);
	assert_int_equal(b->fleet.ledger_epoch, 0);
	assert_int_equal(b->fleet.last_generation, 0);
	assert_int_equal(b->fleet.allocation, CONFIG_ALLOCATION_SPREAD);
	assert_int_equal(b->ngameserver, 1);
	assert_int_equal(b->gameserver[0].id, 9);
	assert_int_equal(b->gameserver[0].state, STATE_STANDBY);
	assert_int_equal(b->gameserver[0].seats, 6);
	assert_string_equal(b->gameserver[0].address, "a:80");
	assert_int_equal(b->gameserver[0].slot, -1);
	assert_int_equal(b->gameserver[0].grant_limit, 0);
	assert_int_equal(b->noperation, 1);
	assert_int_equal(b->operation[0].attempts, 2);
	assert_int_equal(b->nalarm, 1);
	assert_string_equal(ask(b, "SELECT detail FROM event"), "d");
	assert_string_equal(ask(b, "SELECT gone FROM sample"), "8");
}

/* Everything but health's CHECK is as it was, also what points to it. */
static void
version_2_keeps_each_column_of_its_gameservers(void **state)
{
	static const char rows[] =
	    "SELECT group_concat(row, ';') FROM (SELECT format('%s %s %s %s %s "
	    "%s %s %s %s %s %s %s ', id, state, reason, since_utc_ms, origin, "
	    "ours, mark, ref, instance, ip, port, address) || format('%s %s %s "
	    "%s %s %s %s %s %s %s %s %s', health, score, heard, seats, "
	    "most_seats, ready_to_close, answered_utc_ms, host_leaving, slot, "
	    "generation, grant_limit, rev) AS row FROM gameserver ORDER BY id)";
	struct bench *b = *state;
	char before[TEXT_MAX];

	make_version_1(b);
	assert_int_equal(meddle(b, sql_migrations[1].text), SQLITE_OK);
	assert_int_equal(
	    meddle(b, "UPDATE gameserver SET slot = 11, generation = 12,"
		      " grant_limit = 13, rev = 14;"
		      "INSERT INTO gameserver VALUES (10, 'available',"
		      " 'adopted', 21, 'adopted', 0, '', 'ref2', 'i-2',"
		      " '192.0.2.2', 81, 'b:81', 'suspect', 3, 0, -5, 22, 1,"
		      " 23, 1, 24, 25, 26, 27)"),
	    SQLITE_OK);
	snprintf(before, sizeof(before), "%s", ask(b, rows));
	open_store(b);
	assert_string_equal(ask(b, rows), before);
	assert_string_equal(ask(b, "SELECT count(*) FROM operation AS o JOIN "
				   "pragma_foreign_key_list('operation') AS f "
				   "WHERE f.\"table\" = 'gameserver'"),
			    "1");
	assert_string_equal(
	    ask(b, "SELECT count(*) FROM pragma_foreign_key_check"), "0");
}

static void
views_are_made_anew_when_their_text_changed(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_int_equal(meddle(b, "UPDATE fleet_state SET views_hash = 1;"
				   "DROP VIEW fleet;"
				   "CREATE VIEW \"of an \"\"old\"\" one\" AS "
				   "SELECT 1"),
			 SQLITE_OK);
	reopen_store(b);
	assert_string_equal(ask(b, "SELECT count(*) FROM fleet"), "1");
	assert_string_equal(ask(b, "SELECT count(*) FROM sqlite_schema "
				   "WHERE type = 'view' AND name LIKE 'of%'"),
			    "0");
}

static void
schema_is_left_alone_when_nothing_changed(void **state)
{
	struct bench *b = *state;
	long before;

	open_store(b);
	before = strtol(ask(b, "PRAGMA schema_version"), NULL, 10);
	reopen_store(b);
	assert_int_equal(strtol(ask(b, "PRAGMA schema_version"), NULL, 10),
			 before);
}

static void
file_says_whose_and_of_what_version_it_is(void **state)
{
	struct bench *b = *state;
	char wanted[32];

	open_store(b);
	snprintf(wanted, sizeof(wanted), "%d", STORE_APPLICATION_ID);
	assert_string_equal(ask(b, "PRAGMA application_id"), wanted);
	snprintf(wanted, sizeof(wanted), "%d", sql_migration_count);
	assert_string_equal(ask(b, "PRAGMA user_version"), wanted);
}

UNIT_MAIN(STORE_TEST(every_word_of_the_core_is_accepted),
	  STORE_TEST(every_other_word_is_refused),
	  STORE_TEST(no_check_lists_a_word_that_the_core_lacks),
	  STORE_TEST(version_1_keeps_its_rows_and_gets_what_is_new),
	  STORE_TEST(version_2_keeps_each_column_of_its_gameservers),
	  STORE_TEST(views_are_made_anew_when_their_text_changed),
	  STORE_TEST(schema_is_left_alone_when_nothing_changed),
	  STORE_TEST(file_says_whose_and_of_what_version_it_is))
