/* SPDX-License-Identifier: MIT */
/* What the views show: to people, and, as api_v1_*, to fcgi-api and others. */
#include "tests/unit/scalerd/store_bench.h"

#include <time.h>

static int64_t
utc_now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static void
fleet_says_whether_the_scaler_lives(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_string_equal(ask(b, "SELECT scaler FROM fleet"), "never ran");
	b->row.stale_after_ms = 30000;
	b->row.heartbeat_utc_ms = utc_now_ms();
	assert_commit(b, (struct batch){.ngameserver = 0});
	assert_string_equal(ask(b, "SELECT scaler FROM fleet"), "alive");
	b->row.heartbeat_utc_ms = utc_now_ms() - 3 * 86400000;
	assert_commit(b, (struct batch){.ngameserver = 0});
	assert_string_equal(ask(b, "SELECT scaler FROM fleet"), "stale");
	assert_non_null(
	    strstr(ask(b, "SELECT heartbeat_age FROM fleet"), "3d 0h 0m "));
}

static void
fleet_says_what_was_done_last_and_when(void **state)
{
	struct bench *b = *state;

	open_store(b);
	snprintf(b->row.last_action, sizeof(b->row.last_action), "launch: why");
	b->row.last_action_utc_ms = NOW;
	assert_commit(b, (struct batch){.ngameserver = 0});
	assert_string_equal(
	    ask(b, "SELECT last_action || ' ' || last_action_at FROM fleet"),
	    "launch: why 2025-11-22 16:48:48");
}

static void
ages_are_readable(void **state)
{
	static const struct {
		int64_t seconds;
		const char *begins; /* the second may turn while we look */
	} age[] = {{192, "3m 1"},
		   {600, "10m "},
		   {3600, "1h 0m "},
		   {36000, "10h 0m "},
		   {93784, "1d 2h 3m "}};
	struct bench *b = *state;
	struct gameserver row = make_gameserver(1);

	open_store(b);
	for (size_t i = 0; i < COUNT(age); i++) {
		const char *text;

		row.since_utc_ms = utc_now_ms() - age[i].seconds * 1000;
		assert_int_equal(commit_gameserver(b, &row), STORE_OK);
		text = ask(b, "SELECT state_age FROM gameservers");
		if (strncmp(text, age[i].begins, strlen(age[i].begins)) != 0)
			fail_msg("%s, expected %s...", text, age[i].begins);
	}
	row.since_utc_ms = utc_now_ms() + 3600000; /* the clock went back */
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	assert_string_equal(ask(b, "SELECT state_age FROM gameservers"), "0s");
}

static void
gameservers_shows_the_living_with_their_players(void **state)
{
	struct bench *b = *state;
	struct gameserver row = make_gameserver(1);

	open_store(b);
	row.state = STATE_GONE;
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	row = make_gameserver(2);
	row.state = STATE_STANDBY;
	row.heard = true;
	row.seats = 7;
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	assert_int_equal(commit_id(b, 3), STORE_OK); /* never heard */
	assert_string_equal(
	    ask(b, "SELECT group_concat(id || ':' || coalesce(players, '?')) "
		   "FROM gameservers"),
	    "3:?,2:3");
}

static void
events_and_operations_come_newest_first(void **state)
{
	struct bench *b = *state;
	const struct gameserver gameserver = make_gameserver(1);
	const struct gameserver *rows[] = {&gameserver};
	const struct operation old = {
	    .id = "old", .gameserver = 1, .created_utc_ms = NOW};
	const struct operation young = {.id = "young",
					.gameserver = 1,
					.created_utc_ms = NOW + 61000,
					.finished_utc_ms = NOW + 126000};
	const struct operation *ops[] = {&young, &old};
	const struct event event[] = {
	    {.at_utc_ms = NOW, .gameserver = 0, .kind = "alarm"},
	    {.at_utc_ms = NOW, .gameserver = 1, .kind = "state"}};

	open_store(b);
	assert_commit(b, (struct batch){.gameserver = rows,
					.ngameserver = 1,
					.operation = ops,
					.noperation = 2,
					.event = event,
					.nevent = 2});
	assert_string_equal(
	    ask(b, "SELECT group_concat(at || ' ' || "
		   "coalesce(gameserver, 'fleet') || ' ' || kind) FROM events"),
	    "2025-11-22 16:48:48 1 state,2025-11-22 16:48:48 fleet alarm");
	assert_string_equal(
	    ask(b, "SELECT group_concat(id || ' ' || created) "
		   "FROM operations"),
	    "young 2025-11-22 16:49:49,old 2025-11-22 16:48:48");
	assert_string_equal(
	    ask(b, "SELECT age FROM operations WHERE id = 'young'"), "1m 5s");
}

static void
capacity_history_shows_one_day(void **state)
{
	struct bench *b = *state;
	struct sample sample = {.free = 1};

	open_store(b);
	b->row.heartbeat_utc_ms = 1; /* so that nothing is pruned */
	sample.at_utc_ms = utc_now_ms() - 86400000 - 1000;
	assert_commit(b, (struct batch){.sample = &sample});
	sample.at_utc_ms = utc_now_ms() - 86400000 + 60000;
	sample.free = 2;
	assert_commit(b, (struct batch){.sample = &sample});
	assert_string_equal(
	    ask(b, "SELECT group_concat(free) FROM capacity_history"), "2");
}

static const char *
columns(struct bench *b, const char *view)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		 "SELECT group_concat(name, ' ') FROM pragma_table_info('%s')",
		 view);
	return ask(b, sql);
}

static void
api_views_have_the_columns_of_the_contract(void **state)
{
	static const char *const contract[][2] = {
	    {"api_v1_fleet",
	     "heartbeat_utc_ms heartbeat_boot_ms boot_id stale_after_ms "
	     "started_utc_ms free coming serving live launching starting "
	     "available standby stopping upscale_margin downscale_margin "
	     "server_capacity min_servers max_servers panic limited_by "
	     "last_action last_action_utc_ms ledger_epoch allocation rev "
	     "shortage"},
	    {"api_v1_gameservers", "id address seats grade"},
	    {"api_v1_status", "id address state reason since_utc_ms health "
			      "seats ready_to_close answered_utc_ms ref"},
	    {"api_v1_slots",
	     "rev slot generation grant_limit seats grade address"},
	    {"api_v1_alarms", "name gameserver since_utc_ms message"},
	};
	struct bench *b = *state;

	open_store(b);
	for (size_t i = 0; i < COUNT(contract); i++)
		assert_string_equal(columns(b, contract[i][0]), contract[i][1]);
}

static void
api_offers_only_gameservers_that_players_may_be_sent_to(void **state)
{
	struct bench *b = *state;
	struct gameserver row[] = {make_gameserver(1), make_gameserver(2),
				   make_gameserver(3), make_gameserver(4),
				   make_gameserver(5), make_gameserver(6)};

	open_store(b);
	row[1].score = 3; /* suspect */
	row[2].score = 0; /* bad */
	row[3].host_leaving = true;
	row[4].state = STATE_STANDBY;
	row[5].address[0] = '\0';
	for (size_t i = 0; i < COUNT(row); i++)
		assert_int_equal(commit_gameserver(b, &row[i]), STORE_OK);
	assert_string_equal(ask(b, "SELECT group_concat(id || grade) "
				   "FROM api_v1_gameservers"),
			    "1good,2suspect");
	assert_string_equal(ask(b, "SELECT count(*) FROM api_v1_status"), "6");
}

static void
api_shows_each_slot_with_its_grade(void **state)
{
	struct bench *b = *state;
	struct gameserver row[] = {make_gameserver(1), make_gameserver(2),
				   make_gameserver(3), make_gameserver(4)};

	open_store(b);
	row[0].slot = 7;
	row[0].generation = 3;
	row[0].grant_limit = 25;
	row[1].slot = 0;
	row[1].score = 3; /* suspect */
	row[2].slot = 1;
	row[2].state = STATE_GONE;
	for (size_t i = 0; i < COUNT(row); i++)
		assert_int_equal(commit_gameserver(b, &row[i]), STORE_OK);
	assert_string_equal(
	    ask(b, "SELECT group_concat(rev || ' ' || slot || ' ' || "
		   "generation || ' ' || grant_limit || ' ' || grade) "
		   "FROM (SELECT * FROM api_v1_slots ORDER BY rev)"),
	    "1 7 3 25 good,2 0 0 0 suspect,3 1 0 0 none");
}

/* A table that is read beside the index costs a handler three times as much. */
static void
changed_slots_are_read_from_the_index_alone(void **state)
{
	struct bench *b = *state;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	const char *plan;

	open_store(b);
	assert_int_equal(
	    sqlite3_open_v2(b->path, &db, SQLITE_OPEN_READONLY, NULL),
	    SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
			       "EXPLAIN QUERY PLAN SELECT * FROM api_v1_slots "
			       "WHERE rev > 5 ORDER BY rev",
			       -1, &stmt, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	plan = (const char *)sqlite3_column_text(stmt, 3);
	assert_non_null(
	    strstr(plan, "USING COVERING INDEX gameserver_rev (rev>?)"));
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

UNIT_MAIN(STORE_TEST(fleet_says_whether_the_scaler_lives),
	  STORE_TEST(fleet_says_what_was_done_last_and_when),
	  STORE_TEST(ages_are_readable),
	  STORE_TEST(gameservers_shows_the_living_with_their_players),
	  STORE_TEST(events_and_operations_come_newest_first),
	  STORE_TEST(capacity_history_shows_one_day),
	  STORE_TEST(api_views_have_the_columns_of_the_contract),
	  STORE_TEST(api_offers_only_gameservers_that_players_may_be_sent_to),
	  STORE_TEST(api_shows_each_slot_with_its_grade),
	  STORE_TEST(changed_slots_are_read_from_the_index_alone))
