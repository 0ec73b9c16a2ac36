/* SPDX-License-Identifier: MIT */
/* Rows of gameservers: what is written of them, and what comes back. */
#include "tests/unit/scalerd/store_bench.h"

#include "scalerd/edge/store_private.h"

static void
largest_gameserver(struct gameserver *row)
{
	*row = (struct gameserver){.id = INT64_MAX,
				   .state = STATE_STANDBY,
				   .reason = REASON_SURPLUS,
				   .since_utc_ms = NOW - 5,
				   .origin = ORIGIN_ADOPTED,
				   .ours = true,
				   .port = 65535,
				   .score = 3,
				   .heard = true,
				   .seats = -7,
				   .most_seats = INT64_MAX,
				   .ready_to_close = true,
				   .answered_utc_ms = NOW - 6,
				   .host_leaving = true,
				   .slot = 65535,
				   .generation = INT64_C(1) << 23,
				   .grant_limit = INT64_C(1) << 40};
	fill(row->mark, sizeof(row->mark), 'm');
	fill(row->ref, sizeof(row->ref), 'r');
	fill(row->instance, sizeof(row->instance), 'i');
	fill(row->ip, sizeof(row->ip), 'p');
	fill(row->address, sizeof(row->address), 'a');
}

static void
assert_same_gameserver(const struct gameserver *a, const struct gameserver *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->since_utc_ms, b->since_utc_ms);
	assert_int_equal(a->origin, b->origin);
	assert_int_equal(a->ours, b->ours);
	assert_string_equal(a->mark, b->mark);
	assert_string_equal(a->ref, b->ref);
	assert_string_equal(a->instance, b->instance);
	assert_string_equal(a->ip, b->ip);
	assert_int_equal(a->port, b->port);
	assert_string_equal(a->address, b->address);
	assert_int_equal(a->score, b->score);
	assert_int_equal(a->heard, b->heard);
	assert_int_equal(a->seats, b->seats);
	assert_int_equal(a->most_seats, b->most_seats);
	assert_int_equal(a->ready_to_close, b->ready_to_close);
	assert_int_equal(a->answered_utc_ms, b->answered_utc_ms);
	assert_int_equal(a->host_leaving, b->host_leaving);
	assert_int_equal(a->slot, b->slot);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->grant_limit, b->grant_limit);
}

static void
gameservers_survive_a_restart_at_their_largest(void **state)
{
	struct bench *b = *state;
	struct gameserver large, plain = make_gameserver(1);
	const struct gameserver *rows[] = {&plain, &large};

	open_store(b);
	largest_gameserver(&large);
	assert_commit(b, (struct batch){.gameserver = rows, .ngameserver = 2});
	reopen_store(b);
	assert_load(b);
	assert_int_equal(b->ngameserver, 2);
	assert_same_gameserver(&b->gameserver[0], &plain);
	assert_same_gameserver(&b->gameserver[1], &large);
}

static void
row_of_a_known_id_is_replaced(void **state)
{
	struct bench *b = *state;
	struct gameserver large;
	struct operation op = make_operation("op", 1);

	open_store(b);
	assert_int_equal(commit_id(b, 1), STORE_OK);
	assert_int_equal(commit_operation(b, &op), STORE_OK);
	largest_gameserver(&large);
	large.id = 1;
	op.phase[0] = 'x';
	assert_int_equal(commit_gameserver(b, &large), STORE_OK);
	assert_int_equal(commit_operation(b, &op), STORE_OK);
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
	assert_same_gameserver(&b->gameserver[0], &large);
	assert_int_equal(b->noperation, 1);
	assert_string_equal(b->operation[0].phase, "x");
}

/* All that the store takes of an answer. */
static void
take_answer(struct gameserver *row, const struct gameserver *answered)
{
	row->score = answered->score;
	row->heard = answered->heard;
	row->seats = answered->seats;
	row->most_seats = answered->most_seats;
	row->ready_to_close = answered->ready_to_close;
	row->answered_utc_ms = answered->answered_utc_ms;
	row->grant_limit = answered->grant_limit;
}

static void
answered_row_changes_by_its_answer_only(void **state)
{
	struct bench *b = *state;
	struct gameserver row = make_gameserver(1), large;
	const struct gameserver *rows[] = {&large};

	open_store(b);
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	largest_gameserver(&large);
	large.id = 1;
	large.score = 0;
	assert_commit(b, (struct batch){.gameserver = rows,
					.ngameserver = 1,
					.nanswered = 1});
	take_answer(&row, &large);
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
	assert_same_gameserver(&b->gameserver[0], &row);
	assert_string_equal(ask(b, "SELECT health || rev FROM gameserver"),
			    "bad2");
}

static void
answered_row_that_somebody_deleted_is_written_whole(void **state)
{
	struct bench *b = *state;
	const struct gameserver row = make_gameserver(1);
	const struct gameserver *rows[] = {&row};

	open_store(b);
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	assert_int_equal(sqlite3_exec(b->store->db, "DELETE FROM gameserver",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	assert_commit(b, (struct batch){.gameserver = rows,
					.ngameserver = 1,
					.nanswered = 1});
	assert_load(b);
	assert_int_equal(b->ngameserver, 1);
	assert_same_gameserver(&b->gameserver[0], &row);
}

static void
rev_counts_the_commits_that_change_a_gameserver(void **state)
{
	struct bench *b = *state;
	const struct gameserver one = make_gameserver(1);
	const struct gameserver two = make_gameserver(2);
	const struct gameserver *both[] = {&one, &two};

	open_store(b);
	assert_commit(b, (struct batch){.ngameserver = 0});
	assert_string_equal(ask(b, "SELECT rev FROM api_v1_fleet"), "0");
	assert_commit(b, (struct batch){.gameserver = both, .ngameserver = 2});
	assert_commit(b, (struct batch){.ngameserver = 0});
	assert_commit(b, (struct batch){.gameserver = both, .ngameserver = 1});
	reopen_store(b);
	assert_string_equal(ask(b, "SELECT rev FROM api_v1_fleet"), "2");
	assert_string_equal(ask(b, "SELECT group_concat(id || ':' || rev) "
				   "FROM gameserver"),
			    "1:2,2:1");
}

static void
rev_stays_when_a_commit_fails(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_int_equal(commit_impossible(b), STORE_BROKEN);
	assert_string_equal(ask(b, "SELECT rev FROM fleet_state"), "0");
}

static void
edited_row_that_fits_no_struct_is_named(void **state)
{
	struct bench *b = *state;

	open_store(b);
	assert_int_equal(commit_id(b, 17), STORE_OK);
	assert_int_equal(
	    meddle(b, "UPDATE gameserver SET ip = format('%060d', 1)"),
	    SQLITE_OK);
	assert_false(load(b));
	assert_non_null(strstr(b->err.msg, "row '17' has an impossible ip"));
}

static void
stored_health_is_the_word_of_the_score(void **state)
{
	struct bench *b = *state;
	struct gameserver row = make_gameserver(1);

	open_store(b);
	row.score = 3;
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	assert_string_equal(ask(b, "SELECT health FROM gameserver"), "suspect");
	b->config.health_rise = 1;
	store_reconfigure(b->store, &b->config);
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	assert_string_equal(ask(b, "SELECT health FROM gameserver"), "good");
}

static void
word_counts_when_the_thresholds_changed(void **state)
{
	struct bench *b = *state;
	struct gameserver row = make_gameserver(1); /* score 4 of 4: good */

	open_store(b);
	assert_int_equal(commit_gameserver(b, &row), STORE_OK);
	b->config.health_fall = 10;
	reopen_store(b);
	assert_load(b);
	assert_int_equal(b->gameserver[0].score,
			 health_score(HEALTH_GOOD, (struct health_rule){
						       .fall = 10, .rise = 2}));
}

UNIT_MAIN(STORE_TEST(gameservers_survive_a_restart_at_their_largest),
	  STORE_TEST(row_of_a_known_id_is_replaced),
	  STORE_TEST(answered_row_changes_by_its_answer_only),
	  STORE_TEST(answered_row_that_somebody_deleted_is_written_whole),
	  STORE_TEST(rev_counts_the_commits_that_change_a_gameserver),
	  STORE_TEST(rev_stays_when_a_commit_fails),
	  STORE_TEST(edited_row_that_fits_no_struct_is_named),
	  STORE_TEST(stored_health_is_the_word_of_the_score),
	  STORE_TEST(word_counts_when_the_thresholds_changed))
