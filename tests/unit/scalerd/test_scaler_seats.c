/* SPDX-License-Identifier: MIT */
/* Slots, cells of the ledger and limits, as the store and the handlers see
 * them. */
#include "tests/unit/scalerd/scaler_bench.h"

/* ---- cells ------------------------------------------------------------- */

static void
available_one_has_an_open_cell_and_its_seats_as_credit(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(credit_of(b, &b->runner[i]), CAPACITY);
	assert_int_not_equal(bench_row(b, &b->runner[0])->row.slot,
			     bench_row(b, &b->runner[1])->row.slot);
	assert_int_equal(b->fleet.free, 3 * CAPACITY);
}

static void
cell_opens_only_after_the_commit(void **state)
{
	struct bench *b = *state;
	bool open = false;

	bench_add_runner(b, NULL);
	b->refused_state = STATE_AVAILABLE;
	bench_start(b);
	bench_run(b, 5000);
	for (int i = 0; i < SLOTS; i++)
		open |= b->cell[i].generation != 0 && !b->cell[i].closed;
	assert_false(open);
	b->refused_state = STATE_COUNT;
	bench_run(b, 1000);
	assert_false(cell_of(b, &b->runner[0])->closed);
}

static void
cell_closes_before_the_commit(void **state)
{
	struct bench *b = *state;
	int closed = 0;

	b->refused_state = STATE_STANDBY;
	bench_start_adopting(b, 4);
	RUN_UNTIL(b, b->err.msg[0] != '\0'); /* a commit was refused */
	for (int i = 0; i < 4; i++)
		closed += cell_of(b, &b->runner[i])->closed;
	assert_int_equal(closed, 1);
	assert_int_equal(bench_count(b, STATE_AVAILABLE), 4);
}

static void
limit_of_a_closed_cell_is_what_was_granted(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_adopting(b, 3);
	cell_of(b, r)->granted = 4;
	r->seen.leaving = true;
	RUN_UNTIL(b, cell_of(b, r)->closed);
	assert_int_equal(bench_row(b, r)->row.grant_limit, 4);
}

static void
suspect_keeps_its_cell_and_its_limit(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_adopting(b, 3);
	bench_set_answers(r, ANSWER_TIMEOUT, ANSWER_TIMEOUT);
	RUN_UNTIL(b, bench_row(b, r)->row.score == 3);
	assert_int_equal(credit_of(b, r), CAPACITY);
	assert_int_equal(b->fleet.free, 3 * CAPACITY);
}

static void
bad_one_has_a_closed_cell_until_it_is_good_again(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_adopting(b, 3);
	bench_silence(r);
	RUN_UNTIL(b, bench_row(b, r)->row.score == 0);
	assert_true(cell_of(b, r)->closed);
	bench_set_answers(r, ANSWER_GOOD, ANSWER_GOOD);
	RUN_UNTIL(b, !cell_of(b, r)->closed);
	assert_int_equal(credit_of(b, r), CAPACITY);
}

static void
one_that_comes_back_from_standby_has_credit_at_once(void **state)
{
	struct bench *b = *state;
	struct runner *r;

	b->config.join_grace_ms = 600000;
	bench_start_adopting(b, 4);
	RUN_UNTIL(b, bench_count(b, STATE_STANDBY) == 1);
	r = bench_only(b, STATE_STANDBY);
	bench_run(b, 5000);
	assert_int_equal(credit_of(b, r), 0);
	b->config.upscale_margin = 31;
	b->config.downscale_margin = 60;
	scaler_reconfigure(b->scaler, &b->config);
	bench_turn(b);
	assert_int_equal(bench_state(b, r), STATE_AVAILABLE);
	assert_int_equal(credit_of(b, r), CAPACITY);
	assert_int_equal(bench_calls(b, OP_LAUNCH), 0);
}

static void
long_polls_do_not_delay_the_credit_of_one_that_comes_back(void **state)
{
	struct bench *b = *state;
	struct runner *r;

	b->config.join_grace_ms = 600000;
	bench_start_adopting(b, 4);
	b->config.poll_interval_ms = 60000;
	scaler_reconfigure(b->scaler, &b->config);
	RUN_UNTIL(b, bench_count(b, STATE_STANDBY) == 1);
	r = bench_only(b, STATE_STANDBY);
	bench_run(b, 4 * HOLD_MS);
	b->config.upscale_margin = 31;
	b->config.downscale_margin = 60;
	scaler_reconfigure(b->scaler, &b->config);
	bench_turn(b);
	assert_int_equal(credit_of(b, r), CAPACITY);
}

/* ---- free -------------------------------------------------------------- */

static void
free_is_what_may_still_be_granted(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 3);
	cell_of(b, &b->runner[0])->granted = 7;
	cell_of(b, &b->runner[1])->granted = CAPACITY + 5; /* while stale */
	bench_turn(b);
	bench_step(b);
	bench_run(b, 600);
	assert_int_equal(b->fleet.free, 3 + 0 + CAPACITY);
}

static void
seats_that_were_granted_count_until_the_hold_is_over(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_adopting(b, 3);
	cell_of(b, r)->granted = 7;
	bench_run(b, HOLD_MS / 2);
	assert_int_equal(credit_of(b, r), 3);
	/* None of them came. */
	bench_run(b, 4 * HOLD_MS);
	assert_int_equal(credit_of(b, r), CAPACITY);
}

static void
emptiest_is_the_one_with_the_most_seats_whatever_its_credit(void **state)
{
	struct bench *b = *state;

	b->config.downscale_margin = 20;
	bench_add_runner(b, NULL)->seats = CAPACITY - 1;
	bench_add_runner(b, NULL);
	bench_add_runner(b, NULL)->seats = CAPACITY - 2;
	bench_start(b);
	bench_run(b, 3000);
	cell_of(b, &b->runner[1])->granted = 1;
	RUN_UNTIL(b, bench_count(b, STATE_STANDBY) == 1);
	assert_int_equal(bench_state(b, &b->runner[1]), STATE_STANDBY);
}

/* ---- slots ------------------------------------------------------------- */

static void
slot_is_free_again_when_the_commit_says_gone(void **state)
{
	struct bench *b = *state;
	struct runner *gone = &b->runner[0];
	int64_t slot, generation;

	bench_start_adopting(b, 2);
	slot = bench_row(b, gone)->row.slot;
	generation = bench_row(b, gone)->row.generation;
	gone->seen.ours = false; /* else it would be stopped */
	gone->hidden = true;
	RUN_UNTIL(b, bench_state(b, gone) == STATE_GONE);
	assert_int_equal(bench_row(b, gone)->row.slot, slot);
	assert_true(b->cell[slot].closed);
	bench_add_runner(b, NULL);
	RUN_UNTIL(b, b->nrow == 3 && b->row[2].row.slot >= 0);
	assert_int_equal(b->row[2].row.slot, slot);
	assert_true(b->row[2].row.generation > generation);
}

static void
slot_is_kept_while_the_commit_that_says_gone_fails(void **state)
{
	struct bench *b = *state;
	struct runner *gone = &b->runner[0];
	int64_t slot;

	bench_start_adopting(b, 2);
	slot = bench_row(b, gone)->row.slot;
	b->refused_state = STATE_GONE;
	gone->hidden = true;
	RUN_UNTIL(b, b->cell[slot].closed);
	bench_add_runner(b, NULL);
	bench_run(b, 5000);
	assert_int_equal(b->cell[slot].generation,
			 bench_row(b, gone)->row.generation);
}

static void
two_rows_with_one_slot_are_told_apart(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 2);
	b->row[1].row.slot = b->row[0].row.slot; /* edited by hand */
	bench_start(b);
	bench_run(b, 4000);
	assert_int_not_equal(b->row[0].row.slot, b->row[1].row.slot);
	assert_int_equal(credit_of(b, &b->runner[0]), CAPACITY);
	assert_int_equal(credit_of(b, &b->runner[1]), CAPACITY);
}

/* ---- what goes out ----------------------------------------------------- */

static void
handlers_are_told_after_each_commit(void **state)
{
	struct bench *b = *state;
	int nannounce, ncommit;

	bench_start_adopting(b, 1);
	nannounce = b->nannounce;
	ncommit = b->ncommit;
	bench_run(b, 5000);
	assert_true(b->ncommit > ncommit);
	assert_int_equal(b->nannounce - nannounce, b->ncommit - ncommit);
	b->result = STORE_BUSY;
	nannounce = b->nannounce;
	bench_run(b, 5000);
	assert_int_equal(b->nannounce, nannounce);
}

static void
allocation_and_hold_are_taken_over_at_sighup(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_adopting(b, 3);
	assert_int_equal(b->fleet.allocation, CONFIG_ALLOCATION_SPREAD);
	b->config.allocation = CONFIG_ALLOCATION_PACK;
	b->config.seat_hold_ms = 60000;
	scaler_reconfigure(b->scaler, &b->config);
	bench_turn(b);
	assert_int_equal(b->fleet.allocation, CONFIG_ALLOCATION_PACK);
	cell_of(b, r)->granted = 7;
	bench_run(b, 30000);
	assert_int_equal(credit_of(b, r), 3);
}

static void
joined_total_gives_departures_their_seats(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	b->config.seat_hold_ms = 60000;
	bench_add_runner(b, NULL);
	r->joined = 100;
	bench_start(b);
	bench_run(b, 70000);
	assert_int_equal(credit_of(b, r), CAPACITY);
	/* 8 were granted, 8 came, 3 have left. */
	cell_of(b, r)->granted = 8;
	r->seats = CAPACITY - 5;
	r->joined = 108;
	bench_run(b, 3000);
	assert_int_equal(credit_of(b, r), CAPACITY - 5);
}

/* While scalerd hung for `hung_ms` the state was stale, and the handlers
 * granted more than all limits; as many players left as came. */
static void
hang_until_the_limits_are_passed(struct bench *b, int64_t hung_ms)
{
	b->config.poll_interval_ms = 60000;
	bench_start_adopting(b, 3);
	bench_run(b, 5000);
	for (int i = 0; i < 3; i++)
		cell_of(b, &b->runner[i])->granted = 5 * CAPACITY;
	b->now_ms += hung_ms;
	bench_run(b, 4 * HOLD_MS);
}

static void
grants_beyond_the_limit_delay_no_credit_until_the_next_long_poll(void **state)
{
	struct bench *b = *state;

	hang_until_the_limits_are_passed(b, 40000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(credit_of(b, &b->runner[i]), CAPACITY);
}

/* All were asked as soon as it went on: too soon to know who arrived. */
static void
nor_until_the_one_after_a_question_that_came_too_soon(void **state)
{
	struct bench *b = *state;

	hang_until_the_limits_are_passed(b, 120000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(credit_of(b, &b->runner[i]), CAPACITY);
}

static void
full_one_is_not_asked_more_often(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];
	int nanswer;

	b->config.poll_interval_ms = 60000;
	bench_start_adopting(b, 3);
	bench_run(b, 5000);
	cell_of(b, r)->granted = CAPACITY;
	for (r->seats = 0; r->seats >= -1; r->seats--) {
		bench_run(b, 70000);
		nanswer = r->nanswer;
		bench_run(b, 180000);
		assert_in_range(r->nanswer - nanswer, 2, 4);
	}
}

UNIT_MAIN(
    SCALER_TEST(available_one_has_an_open_cell_and_its_seats_as_credit),
    SCALER_TEST(cell_opens_only_after_the_commit),
    SCALER_TEST(cell_closes_before_the_commit),
    SCALER_TEST(limit_of_a_closed_cell_is_what_was_granted),
    SCALER_TEST(suspect_keeps_its_cell_and_its_limit),
    SCALER_TEST(bad_one_has_a_closed_cell_until_it_is_good_again),
    SCALER_TEST(one_that_comes_back_from_standby_has_credit_at_once),
    SCALER_TEST(long_polls_do_not_delay_the_credit_of_one_that_comes_back),
    SCALER_TEST(free_is_what_may_still_be_granted),
    SCALER_TEST(seats_that_were_granted_count_until_the_hold_is_over),
    SCALER_TEST(emptiest_is_the_one_with_the_most_seats_whatever_its_credit),
    SCALER_TEST(slot_is_free_again_when_the_commit_says_gone),
    SCALER_TEST(slot_is_kept_while_the_commit_that_says_gone_fails),
    SCALER_TEST(two_rows_with_one_slot_are_told_apart),
    SCALER_TEST(handlers_are_told_after_each_commit),
    SCALER_TEST(allocation_and_hold_are_taken_over_at_sighup),
    SCALER_TEST(joined_total_gives_departures_their_seats),
    SCALER_TEST(
	grants_beyond_the_limit_delay_no_credit_until_the_next_long_poll),
    SCALER_TEST(nor_until_the_one_after_a_question_that_came_too_soon),
    SCALER_TEST(full_one_is_not_asked_more_often))
