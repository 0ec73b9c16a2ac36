/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/store_bench.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

static void
largest_fleet_row(struct fleet_row *row)
{
	*row = (struct fleet_row){
	    .heartbeat_utc_ms = NOW,
	    .heartbeat_ms = INT64_MAX,
	    .started_utc_ms = NOW - 1,
	    .last_id = INT64_MAX - 1,
	    .free = -3,
	    .coming = 4,
	    .serving = 5,
	    .live = 6,
	    .count = {7, 8, 9, 10, 11, 12},
	    .upscale_margin = 13,
	    .downscale_margin = 14,
	    .server_capacity = 15,
	    .min_servers = 16,
	    .max_servers = 17,
	    .stale_after_ms = 18,
	    .panic = true,
	    .limited_by = "launches_per_hour",
	    .last_action_utc_ms = 19,
	    .launch_failures = 20,
	    .launch_not_before_utc_ms = 21,
	    .last_launch_utc_ms = 22,
	    .ledger_epoch = INT64_MAX,
	    .last_generation = 23,
	    .shortage = 24,
	    .allocation = CONFIG_ALLOCATION_PACK,
	};
	fill(row->last_action, sizeof(row->last_action), 'l');
}

static void
fleet_row_survives_a_restart(void **state)
{
	struct bench *b = *state;
	struct fleet_row wrote;

	open_store(b);
	largest_fleet_row(&wrote);
	b->row = wrote;
	assert_commit(b, (struct batch){.ngameserver = 0});
	reopen_store(b);
	assert_load(b);
	assert_int_equal(b->nfleet, 1);
	assert_int_equal(b->fleet.heartbeat_utc_ms, wrote.heartbeat_utc_ms);
	assert_int_equal(b->fleet.heartbeat_ms, wrote.heartbeat_ms);
	assert_int_equal(b->fleet.started_utc_ms, wrote.started_utc_ms);
	assert_int_equal(b->fleet.last_id, wrote.last_id);
	assert_int_equal(b->fleet.free, wrote.free);
	assert_int_equal(b->fleet.coming, wrote.coming);
	assert_int_equal(b->fleet.serving, wrote.serving);
	assert_int_equal(b->fleet.live, wrote.live);
	assert_memory_equal(b->fleet.count, wrote.count, sizeof(wrote.count));
	assert_int_equal(b->fleet.upscale_margin, wrote.upscale_margin);
	assert_int_equal(b->fleet.downscale_margin, wrote.downscale_margin);
	assert_int_equal(b->fleet.server_capacity, wrote.server_capacity);
	assert_int_equal(b->fleet.min_servers, wrote.min_servers);
	assert_int_equal(b->fleet.max_servers, wrote.max_servers);
	assert_int_equal(b->fleet.stale_after_ms, wrote.stale_after_ms);
	assert_true(b->fleet.panic);
	assert_string_equal(b->fleet.limited_by, wrote.limited_by);
	assert_string_equal(b->fleet.last_action, wrote.last_action);
	assert_int_equal(b->fleet.last_action_utc_ms, wrote.last_action_utc_ms);
	assert_int_equal(b->fleet.launch_failures, wrote.launch_failures);
	assert_int_equal(b->fleet.launch_not_before_utc_ms,
			 wrote.launch_not_before_utc_ms);
	assert_int_equal(b->fleet.last_launch_utc_ms, wrote.last_launch_utc_ms);
	assert_int_equal(b->fleet.ledger_epoch, wrote.ledger_epoch);
	assert_int_equal(b->fleet.last_generation, wrote.last_generation);
	assert_int_equal(b->fleet.shortage, wrote.shortage);
	assert_int_equal(b->fleet.allocation, wrote.allocation);
}

static void
no_fleet_row_is_loaded_before_the_first_commit(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_load(b);
	assert_int_equal(b->nfleet, 0);
}

static void
operations_survive_a_restart_at_their_largest(void **state)
{
	struct bench *b = *state;
	struct operation row = {.kind = OP_STOP,
				.gameserver = 9,
				.reason = REASON_PROVEN_EMPTY,
				.attempts = INT64_MAX,
				.created_utc_ms = NOW - 1,
				.finished_utc_ms = 0};

	open_store(b);
	fill(row.id, sizeof(row.id), 'o');
	fill(row.phase, sizeof(row.phase), 'p');
	fill(row.request, sizeof(row.request), '\xff');
	fill(row.detail, sizeof(row.detail), 'd');
	assert_int_equal(commit_id(b, 9), STORE_OK);
	assert_int_equal(commit_operation(b, &row), STORE_OK);
	reopen_store(b);
	assert_load(b);
	assert_int_equal(b->noperation, 1);
	assert_string_equal(b->operation[0].id, row.id);
	assert_int_equal(b->operation[0].kind, row.kind);
	assert_int_equal(b->operation[0].gameserver, row.gameserver);
	assert_int_equal(b->operation[0].reason, row.reason);
	assert_int_equal(b->operation[0].result, OP_PENDING);
	assert_string_equal(b->operation[0].phase, row.phase);
	assert_string_equal(b->operation[0].request, row.request);
	assert_string_equal(b->operation[0].detail, row.detail);
	assert_int_equal(b->operation[0].attempts, row.attempts);
	assert_int_equal(b->operation[0].created_utc_ms, row.created_utc_ms);
	assert_int_equal(b->operation[0].finished_utc_ms, 0);
}

static void
load_leaves_out_what_is_over_for_an_hour(void **state)
{
	struct bench *b = *state;
	struct gameserver row = make_gameserver(1);
	struct operation op = make_operation("old", 1);

	open_store(b);
	row.state = STATE_GONE;
	for (row.id = 1; row.id <= 3; row.id++) {
		row.since_utc_ms = row.id == 2 ? NOW - HOUR : NOW - HOUR - 1;
		assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	}
	op.created_utc_ms = NOW - HOUR - 1;
	op.result = OP_DONE;
	assert_int_equal(commit_operation(b, &op), STORE_OK);
	op = make_operation("recent", 2);
	op.created_utc_ms = NOW - HOUR;
	op.result = OP_DONE;
	assert_int_equal(commit_operation(b, &op), STORE_OK);
	op = make_operation("pending", 3);
	op.kind = OP_STOP;
	op.created_utc_ms = NOW - DAY;
	assert_int_equal(commit_operation(b, &op), STORE_OK);
	assert_load(b);
	assert_int_equal(b->ngameserver, 2);
	assert_int_equal(b->gameserver[0].id, 2);
	assert_int_equal(b->gameserver[1].id, 3); /* of a pending operation */
	assert_int_equal(b->noperation, 2);
	assert_string_equal(b->operation[0].id, "pending");
	assert_string_equal(b->operation[1].id, "recent");
}

static void
commit_alarm(struct bench *b, const struct alarm *alarm)
{
	assert_commit(b, (struct batch){.alarm = alarm, .nalarm = 1});
}

static void
alarm_keeps_since_when_it_is_there_and_goes_when_over(void **state)
{
	struct bench *b = *state;
	struct alarm row = {.name = "drain_stuck",
			    .gameserver = 7,
			    .raised = true,
			    .at_utc_ms = NOW - 2};

	open_store(b);
	fill(row.message, sizeof(row.message), 'a');
	commit_alarm(b, &row);
	row.at_utc_ms = NOW;
	row.message[0] = 'b';
	commit_alarm(b, &row);
	reopen_store(b);
	assert_load(b);
	assert_int_equal(b->nalarm, 1);
	assert_string_equal(b->alarm[0].name, "drain_stuck");
	assert_int_equal(b->alarm[0].gameserver, 7);
	assert_true(b->alarm[0].raised);
	assert_int_equal(b->alarm[0].at_utc_ms, NOW - 2);
	assert_string_equal(b->alarm[0].message, row.message);
	row.raised = false;
	commit_alarm(b, &row);
	assert_load(b);
	assert_int_equal(b->nalarm, 0);
}

static void
event_and_sample_are_written_as_given(void **state)
{
	struct bench *b = *state;
	struct event event = {.at_utc_ms = NOW,
			      .gameserver = 3,
			      .kind = "state",
			      .from = "starting",
			      .to = "available",
			      .reason = NULL};
	struct sample sample = {.at_utc_ms = NOW,
				.free = 1,
				.coming = 2,
				.count = {3, 4, 5, 6, 7, 8}};

	open_store(b);
	fill(event.detail, sizeof(event.detail), 'e');
	assert_commit(
	    b, (struct batch){.event = &event, .nevent = 1, .sample = &sample});
	assert_string_equal(
	    ask(b, "SELECT concat FROM (SELECT at_utc_ms || ' ' || gameserver "
		   "|| ' ' || kind || ' ' || was || ' ' || became || ' ' || "
		   "coalesce(reason, '-') || length(detail) AS concat "
		   "FROM event)"),
	    "1763830128000 3 state starting available -199");
	assert_string_equal(
	    ask(b, "SELECT at_utc_ms || ' ' || free || coming || launching || "
		   "starting || available || standby || stopping || gone "
		   "FROM sample"),
	    "1763830128000 12345678");
}

static void
batch_with_one_impossible_row_writes_nothing(void **state)
{
	struct bench *b = *state;
	const struct gameserver one = make_gameserver(1);

	open_store(b);
	assert_int_equal(commit_impossible(b), STORE_BROKEN);
	assert_non_null(strstr(b->err.msg, "FOREIGN KEY"));
	assert_load(b);
	assert_int_equal(b->nfleet + b->ngameserver + b->noperation, 0);
	assert_int_equal(commit_gameserver(b, &one), STORE_OK);
}

static void
old_rows_are_pruned_and_young_ones_stay(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_int_equal(commit_id(b, 1), STORE_OK);
	assert_int_equal(
	    meddle(b,
		   "WITH t(age) AS (VALUES (-1000), (1000))"
		   "INSERT INTO event SELECT NULL, 1763830128000 - 2592000000"
		   "  + age, 0, 'state', NULL, NULL, NULL, '' FROM t;"
		   "WITH t(age) AS (VALUES (-1000), (1000))"
		   "INSERT INTO sample SELECT 1763830128000 - 86400000 + age,"
		   "  0, 0, 0, 0, 0, 0, 0, 0 FROM t;"
		   "WITH t(age) AS (VALUES (-1000), (1000))"
		   "INSERT INTO gameserver SELECT 5 + age / 1000, 'gone',"
		   "  'died', 1763830128000 - 604800000 + age, 'launched', 1,"
		   "  '', '', '', '', 0, '', 'bad', 0, 0, 0, 0, 0, 0, 0, -1,"
		   "  0, 0, 0"
		   "  FROM t;"
		   "WITH t(age) AS (VALUES (-1000), (1000))"
		   "INSERT INTO operation SELECT age, 'stop', 5 + age / 1000,"
		   "  'dead', 'done', '', '', '', 1, 1763830128000 - 604800000"
		   "  + age, 1763830128000 - 604800000 + age FROM t;"
		   "INSERT INTO operation VALUES ('waits', 'stop', 1, 'dead',"
		   "  'pending', '', '', '', 1, 1, 0)"),
	    SQLITE_OK);
	for (int i = 0; i < STORE_PRUNE_EVERY; i++)
		assert_commit(b, (struct batch){.ngameserver = 0});
	assert_string_equal(ask(b, "SELECT count(*) FROM event"), "1");
	assert_string_equal(ask(b, "SELECT count(*) FROM sample"), "1");
	assert_string_equal(ask(b, "SELECT group_concat(id) FROM (SELECT id "
				   "FROM gameserver ORDER BY id)"),
			    "1,6");
	assert_string_equal(ask(b, "SELECT group_concat(id) FROM (SELECT id "
				   "FROM operation ORDER BY id)"),
			    "1000,waits");
}

static void
events_beyond_the_greatest_number_are_pruned(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_int_equal(
	    meddle(b, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		      "  FROM n WHERE i < 201500)"
		      "INSERT INTO event SELECT i, 1763830128000, 0, 'state',"
		      "  NULL, NULL, NULL, '' FROM n"),
	    SQLITE_OK);
	assert_commit(b, (struct batch){.ngameserver = 0});
	assert_string_equal(ask(b, "SELECT count(*) FROM event"), "200500");
	for (int i = 0; i < STORE_PRUNE_EVERY; i++)
		assert_commit(b, (struct batch){.ngameserver = 0});
	assert_string_equal(ask(b, "SELECT count(*) || ' ' || min(id) "
				   "FROM event"),
			    "200000 1501");
}

UNIT_MAIN(STORE_TEST(fleet_row_survives_a_restart),
	  STORE_TEST(no_fleet_row_is_loaded_before_the_first_commit),
	  STORE_TEST(operations_survive_a_restart_at_their_largest),
	  STORE_TEST(load_leaves_out_what_is_over_for_an_hour),
	  STORE_TEST(alarm_keeps_since_when_it_is_there_and_goes_when_over),
	  STORE_TEST(event_and_sample_are_written_as_given),
	  STORE_TEST(batch_with_one_impossible_row_writes_nothing),
	  STORE_TEST(old_rows_are_pruned_and_young_ones_stay),
	  STORE_TEST(events_beyond_the_greatest_number_are_pruned))
