/* SPDX-License-Identifier: MIT */
/* More answers between two turns than one commit takes. */
#define BENCH_RUNNERS 2200
#include "tests/unit/scalerd/scaler_bench.h"

enum { SEATS_LEFT = 3 };

static void
answer_all(struct bench *b, int64_t seats)
{
	for (size_t i = 0; i < b->nrow; i++) {
		const struct answer answer = {.gameserver = b->row[i].row.id,
					      .kind = ANSWER_GOOD,
					      .asked_ms = b->now_ms,
					      .seats = seats,
					      .joined = -1};

		scaler_answered(b->scaler, &answer);
	}
}

/* A settled fleet whose questions are all answered at the same moment. */
static void
answer_all_at_once(struct bench *b)
{
	b->config.max_servers = RUNNERS_MAX;
	b->config.downscale_margin = INT64_C(2) * RUNNERS_MAX * CAPACITY;
	bench_start_adopting(b, RUNNERS_MAX - 1);
	b->list_held = true;
	answer_all(b, SEATS_LEFT);
	b->nwritten = 0;
}

static size_t
count_written(const struct bench *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->nrow; i++)
		n += b->row[i].row.seats == SEATS_LEFT;
	return n;
}

static void
one_commit_takes_a_bounded_number_of_answers(void **state)
{
	struct bench *b = *state;

	answer_all_at_once(b);
	bench_turn(b);
	assert_int_equal(b->nwritten, RECORD_ANSWERED_MAX);
	assert_int_equal(count_written(b), RECORD_ANSWERED_MAX);
}

static void
the_other_answers_are_written_by_the_next_turn_which_comes_at_once(void **state)
{
	struct bench *b = *state;

	answer_all_at_once(b);
	bench_turn(b);
	assert_int_equal(scaler_due_ms(b->scaler), b->now_ms + TURN_GAP_MS);
	bench_turn(b);
	assert_int_equal(count_written(b), b->nrow);
	assert_true(scaler_due_ms(b->scaler) > b->now_ms + TURN_GAP_MS);
}

static void
answers_that_waited_are_written_with_a_later_change(void **state)
{
	struct bench *b = *state;
	struct answer answer = {
	    .kind = ANSWER_GOOD, .seats = SEATS_LEFT - 1, .joined = -1};
	const struct gameserver *last;

	answer_all_at_once(b);
	bench_turn(b);
	last = &b->row[b->nrow - 1].row;
	answer.gameserver = last->id;
	answer.asked_ms = b->now_ms;
	scaler_answered(b->scaler, &answer);
	bench_turn(b);
	assert_int_equal(last->seats, SEATS_LEFT - 1);
	assert_int_equal(count_written(b), b->nrow - 1);
}

static void
no_answer_waits_for_ever_while_more_come_than_are_written(void **state)
{
	struct bench *b = *state;
	size_t nold = 0;

	answer_all_at_once(b);
	bench_turn(b);
	answer_all(b, SEATS_LEFT - 1);
	bench_turn(b);
	for (size_t i = 0; i < b->nrow; i++)
		nold += b->row[i].row.seats == CAPACITY;
	assert_int_equal(nold, 0);
	assert_int_equal(b->nwritten, 2 * RECORD_ANSWERED_MAX);
}

/* Cells that are open though what is written of their gameserver is not yet
 * that a player may be sent there. */
static size_t
count_open_too_soon(const struct bench *b, size_t *nopen)
{
	const struct health_rule rule = {.fall = (int)b->config.health_fall,
					 .rise = (int)b->config.health_rise};
	size_t n = 0;

	*nopen = 0;
	for (size_t i = 0; i < b->nrow; i++) {
		const struct gameserver *row = &b->row[i].row;

		if (row->slot < 0 || b->cell[row->slot].closed)
			continue;
		(*nopen)++;
		n += health_of(row->score, rule) != HEALTH_GOOD;
	}
	return n;
}

static void
no_cell_opens_before_the_row_that_allows_it_is_written(void **state)
{
	struct bench *b = *state;
	size_t nopen;

	b->config.max_servers = RUNNERS_MAX;
	b->config.downscale_margin = INT64_C(2) * RUNNERS_MAX * CAPACITY;
	for (int i = 0; i < RUNNERS_MAX; i++)
		bench_add_runner(b, NULL);
	bench_start(b);
	RUN_UNTIL(b, b->nrow == RUNNERS_MAX);
	bench_turn(b);
	assert_int_equal(count_open_too_soon(b, &nopen), 0);
	assert_int_equal(nopen, RECORD_ANSWERED_MAX);
	bench_turn(b);
	assert_int_equal(count_open_too_soon(b, &nopen), 0);
	assert_int_equal(nopen, RUNNERS_MAX);
}

UNIT_MAIN(
    SCALER_TEST(one_commit_takes_a_bounded_number_of_answers),
    SCALER_TEST(
	the_other_answers_are_written_by_the_next_turn_which_comes_at_once),
    SCALER_TEST(answers_that_waited_are_written_with_a_later_change),
    SCALER_TEST(no_answer_waits_for_ever_while_more_come_than_are_written),
    SCALER_TEST(no_cell_opens_before_the_row_that_allows_it_is_written))
