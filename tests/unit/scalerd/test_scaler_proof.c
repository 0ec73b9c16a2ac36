/* SPDX-License-Identifier: MIT */
/* When nobody can be inside: proofs of emptiness, silence, gone and back. */
#include "tests/unit/scalerd/scaler_bench.h"

/* From a proof's earliest moment to the stop: two questions, jittered. */
enum { PROOFS_MS = 4000 };

/* The API's grants of before the commit arrive for so long. */
static int64_t
grace_ms(const struct bench *b)
{
	return b->config.join_grace_ms + GRANT_LAG_MS;
}

/* ---- gone and back ----------------------------------------------------- */

static void
gameserver_that_went_and_is_back_with_players_is_available(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_launched(b);
	r->seats = 5;
	r->ready_to_close = false;
	bench_run(b, 3000);
	bench_silence(r);
	r->hidden = true;
	RUN_UNTIL(b, bench_state(b, r) == STATE_GONE);
	r->hidden = false;
	RUN_UNTIL(b, bench_state(b, r) != STATE_GONE);
	assert_int_equal(bench_state(b, r), STATE_AVAILABLE);
}

static void
gameserver_that_went_and_is_back_with_players_is_never_stopped(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_launched(b);
	r->seats = 5;
	r->ready_to_close = false;
	bench_run(b, 3000);
	bench_silence(r);
	r->hidden = true;
	RUN_UNTIL(b, bench_state(b, r) == STATE_GONE);
	r->hidden = false;
	bench_run(b, 10 * b->config.start_grace_ms);
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	assert_int_equal(bench_state(b, r), STATE_AVAILABLE);
}

static void
gameserver_that_never_answered_and_is_back_starts_again(void **state)
{
	struct bench *b = *state;
	const struct runner *r = bench_lose_before_it_answers(b);

	assert_int_equal(bench_state(b, r), STATE_STARTING);
	assert_int_equal(bench_row(b, r)->row.origin, ORIGIN_LAUNCHED);
}

static void
start_grace_ends_one_that_never_answered_and_is_back(void **state)
{
	struct bench *b = *state;
	const struct runner *r = bench_lose_before_it_answers(b);
	const int64_t back_ms = b->now_ms;

	b->held[OP_STOP] = true;
	RUN_UNTIL(b, bench_state(b, r) == STATE_STOPPING);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_START_GRACE);
	assert_true(b->now_ms >= back_ms + b->config.start_grace_ms - 1000);
}

/* ---- proofs of emptiness ----------------------------------------------- */

static void
adopted_gameserver_with_fewer_free_seats_than_capacity_is_kept(void **state)
{
	struct bench *b = *state;
	const struct runner *r = bench_drain_adopted(b, CAPACITY - 1);

	bench_run(b, 5 * grace_ms(b));
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	assert_int_equal(bench_state(b, r), STATE_STANDBY);
}

static void
adopted_gameserver_with_capacity_free_seats_is_stopped(void **state)
{
	struct bench *b = *state;
	const struct runner *r = bench_drain_adopted(b, CAPACITY);

	b->held[OP_STOP] = true;
	bench_run(b, grace_ms(b) + PROOFS_MS);
	assert_int_equal(bench_calls(b, OP_STOP), 1);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_PROVEN_EMPTY);
}

/* A launched one in standby that reported one seat fewer than CAPACITY when
 * it was empty. */
static struct runner *
drain_launched(struct bench *b)
{
	b->config.min_servers = 4;
	b->held[OP_LAUNCH] = true;
	bench_start(b);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 4);
	b->held[OP_LAUNCH] = false;
	bench_answer_all(b);
	for (int i = 0; i < 4; i++)
		b->runner[i].seats = CAPACITY - 1;
	RUN_UNTIL(b, bench_count(b, STATE_AVAILABLE) == 4);
	bench_run(b, 3000);
	b->config.min_servers = 1;
	scaler_reconfigure(b->scaler, &b->config);
	RUN_UNTIL(b, bench_count(b, STATE_STANDBY) == 1);
	return bench_only(b, STATE_STANDBY);
}

static void
launched_gameserver_with_as_many_seats_as_it_ever_had_is_stopped(void **state)
{
	struct bench *b = *state;
	const struct runner *r = drain_launched(b);

	b->held[OP_STOP] = true;
	bench_run(b, grace_ms(b) + PROOFS_MS);
	assert_int_equal(bench_calls(b, OP_STOP), 1);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_PROVEN_EMPTY);
}

static void
launched_gameserver_with_fewer_seats_than_it_ever_had_is_kept(void **state)
{
	struct bench *b = *state;
	struct runner *r = drain_launched(b);

	r->seats = CAPACITY - 2;
	bench_run(b, 5 * grace_ms(b));
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	assert_int_equal(bench_state(b, r), STATE_STANDBY);
}

static void
gameserver_that_is_not_ready_to_close_is_kept(void **state)
{
	struct bench *b = *state;
	struct runner *r = bench_drain_adopted(b, CAPACITY);

	r->ready_to_close = false;
	bench_run(b, 5 * grace_ms(b));
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	assert_int_equal(bench_state(b, r), STATE_STANDBY);
}

static void
answer_that_is_our_own_trouble_changes_no_health(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_adopting(b, 3);
	bench_set_answers(r, ANSWER_LOCAL_ERROR, ANSWER_LOCAL_ERROR);
	r->nanswer = 0;
	bench_run(b, 20000);
	assert_true(r->nanswer > b->config.health_fall);
	assert_int_equal(
	    health_of(bench_row(b, r)->row.score, (struct health_rule){3, 2}),
	    HEALTH_GOOD);
}

static void
answer_that_is_our_own_trouble_breaks_a_chain_of_proofs(void **state)
{
	struct bench *b = *state;
	struct runner *r = bench_drain_adopted(b, CAPACITY);

	bench_set_answers(r, ANSWER_GOOD, ANSWER_LOCAL_ERROR);
	bench_run(b, 5 * grace_ms(b));
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	bench_set_answers(r, ANSWER_GOOD, ANSWER_GOOD);
	bench_run(b, PROOFS_MS);
	assert_int_equal(bench_calls(b, OP_STOP), 1);
}

static void
grace_of_standby_begins_with_the_commit_that_shows_it(void **state)
{
	struct bench *b = *state;
	const struct runner *r;
	int64_t stopped_ms;

	b->refused_state = STATE_STANDBY;
	bench_start_adopting(b, 4);
	bench_run(b, 2 * grace_ms(b));
	assert_int_equal(bench_count(b, STATE_STANDBY), 0);
	b->refused_state = STATE_COUNT;
	bench_step(b);
	r = bench_only(b, STATE_STANDBY);
	stopped_ms = bench_row(b, r)->state_ms + grace_ms(b);
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 1);
	assert_in_range(bench_last_call(b, OP_STOP)->ms, stopped_ms,
			stopped_ms + PROOFS_MS);
}

/* ---- silence ----------------------------------------------------------- */

/* One in standby with nobody inside falls silent before it can be stopped. */
static struct runner *
silence_an_empty_one(struct bench *b)
{
	struct runner *r = bench_drain_adopted(b, CAPACITY);

	b->config.max_servers = 4;
	scaler_reconfigure(b->scaler, &b->config);
	bench_set_answers(r, ANSWER_GOOD, ANSWER_LOCAL_ERROR);
	bench_run(b, grace_ms(b) + PROOFS_MS);
	assert_int_equal(bench_state(b, r), STATE_STANDBY);
	bench_silence(r);
	return r;
}

static void
empty_one_that_is_silent_for_dead_after_is_stopped(void **state)
{
	struct bench *b = *state;
	const struct runner *r = silence_an_empty_one(b);
	const int64_t dead_ms = b->now_ms + b->config.dead_after_ms;

	b->held[OP_STOP] = true;
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 1);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_DEAD);
	assert_in_range(b->now_ms, dead_ms - 2000, dead_ms + 5000);
}

static void
set_available(struct bench *b, enum answer_kind kind)
{
	for (size_t i = 0; i < b->nrunner; i++)
		if (bench_state(b, &b->runner[i]) == STATE_AVAILABLE)
			bench_set_answers(&b->runner[i], kind, kind);
}

/* The others fall silent too, for longer than DEAD_AFTER, and come back: the
 * empty one is stopped only when it was silent for DEAD_AFTER after that. */
static void
assert_dead_only_long_after_panic(struct bench *b, const struct runner *r)
{
	int64_t dead_ms;

	b->held[OP_STOP] = true;
	set_available(b, ANSWER_TIMEOUT);
	bench_run(b, 3 * b->config.dead_after_ms);
	assert_true(b->fleet.panic);
	set_available(b, ANSWER_GOOD);
	dead_ms = b->now_ms + b->config.dead_after_ms;
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 1);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_DEAD);
	assert_in_range(b->now_ms, dead_ms, dead_ms + 10000);
}

static void
silence_with_most_of_the_fleet_does_not_count(void **state)
{
	struct bench *b = *state;

	assert_dead_only_long_after_panic(b, silence_an_empty_one(b));
}

static void
silence_before_that_of_most_of_the_fleet_does_not_count(void **state)
{
	struct bench *b = *state;
	const struct runner *r = silence_an_empty_one(b);

	bench_run(b, b->config.dead_after_ms / 2);
	assert_dead_only_long_after_panic(b, r);
}

UNIT_MAIN(
    SCALER_TEST(gameserver_that_went_and_is_back_with_players_is_available),
    SCALER_TEST(gameserver_that_went_and_is_back_with_players_is_never_stopped),
    SCALER_TEST(gameserver_that_never_answered_and_is_back_starts_again),
    SCALER_TEST(start_grace_ends_one_that_never_answered_and_is_back),
    SCALER_TEST(adopted_gameserver_with_fewer_free_seats_than_capacity_is_kept),
    SCALER_TEST(adopted_gameserver_with_capacity_free_seats_is_stopped),
    SCALER_TEST(
	launched_gameserver_with_as_many_seats_as_it_ever_had_is_stopped),
    SCALER_TEST(launched_gameserver_with_fewer_seats_than_it_ever_had_is_kept),
    SCALER_TEST(gameserver_that_is_not_ready_to_close_is_kept),
    SCALER_TEST(answer_that_is_our_own_trouble_changes_no_health),
    SCALER_TEST(answer_that_is_our_own_trouble_breaks_a_chain_of_proofs),
    SCALER_TEST(grace_of_standby_begins_with_the_commit_that_shows_it),
    SCALER_TEST(empty_one_that_is_silent_for_dead_after_is_stopped),
    SCALER_TEST(silence_with_most_of_the_fleet_does_not_count),
    SCALER_TEST(silence_before_that_of_most_of_the_fleet_does_not_count))
