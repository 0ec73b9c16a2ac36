/* SPDX-License-Identifier: MIT */
/* What becomes of cells and limits when scalerd begins anew, and when the
 * ledger is lost or not as it was left. */
#include "tests/unit/scalerd/scaler_bench.h"

static void
restart_with_the_same_ledger_withdraws_nothing(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];
	int64_t generation;

	bench_start_adopting(b, 3);
	generation = bench_row(b, r)->row.generation;
	cell_of(b, r)->granted = 4; /* while nobody looked */
	bench_start(b);
	for (int i = 0; i < 40; i++) {
		bench_step(b);
		assert_int_equal(bench_row(b, r)->row.generation, generation);
		assert_true(credit_of(b, r) >= 6);
	}
	assert_int_equal(bench_calls(b, OP_LAUNCH), 0);
}

static void
restarts_before_a_limit_is_known_launch_nothing(void **state)
{
	struct bench *b = *state;

	bench_add_runner(b, NULL);
	for (int i = 0; i < 6; i++) {
		bench_start(b);
		bench_run(b, 500);
	}
	assert_int_equal(bench_state(b, &b->runner[0]), STATE_AVAILABLE);
	assert_int_equal(bench_calls(b, OP_LAUNCH), 0);
}

/* Whatever the ledger's loss is, nobody is launched for it. */
static void
check_begun_anew(struct bench *b, const struct runner *r, int64_t generation)
{
	assert_true(bench_row(b, r)->row.generation > generation);
	assert_int_equal(cell_of(b, r)->granted, 0);
	assert_int_equal(credit_of(b, r), 0);
	bench_run(b, HOLD_MS / 2);
	assert_int_equal(credit_of(b, r), 0);
	RUN_UNTIL(b, credit_of(b, r) == CAPACITY);
	assert_int_equal(bench_calls(b, OP_LAUNCH), 0);
	assert_int_equal(bench_count(b, STATE_AVAILABLE), 3);
}

static void
restart_with_another_ledger_begins_anew(void **state)
{
	struct bench *b = *state;
	const struct runner *r = &b->runner[0];
	int64_t generation;

	bench_start_adopting(b, 3);
	generation = b->fleet.last_generation;
	b->epoch++;
	bench_start(b);
	bench_turn(b);
	assert_int_equal(b->fleet.ledger_epoch, b->epoch);
	check_begun_anew(b, r, generation);
}

static void
ledger_that_is_renewed_begins_anew(void **state)
{
	struct bench *b = *state;
	const struct runner *r = &b->runner[0];
	int64_t generation;

	bench_start_adopting(b, 3);
	generation = b->fleet.last_generation;
	b->ledger_lost = true;
	bench_turn(b);
	assert_int_equal(b->fleet.ledger_epoch, b->epoch);
	check_begun_anew(b, r, generation);
}

static void
long_polls_do_not_delay_the_credit_of_a_renewed_ledger(void **state)
{
	struct bench *b = *state;

	b->config.poll_interval_ms = 60000;
	bench_start_adopting(b, 3);
	bench_run(b, 5000);
	b->ledger_lost = true;
	bench_turn(b);
	bench_run(b, 4 * HOLD_MS);
	assert_int_equal(credit_of(b, &b->runner[0]), CAPACITY);
}

static void
question_that_was_open_at_the_loss_does_not_delay_it_either(void **state)
{
	struct bench *b = *state;

	b->config.poll_interval_ms = 60000;
	bench_start_adopting(b, 3);
	bench_run(b, 5000);
	for (b->nquestion = 0; b->nquestion == 0; b->now_ms += ANSWER_MS)
		bench_turn(b);
	b->ledger_lost = true;
	bench_turn(b);
	bench_answer_all(b);
	bench_run(b, 4 * HOLD_MS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(credit_of(b, &b->runner[i]), CAPACITY);
}

static void
cell_that_is_not_as_it_was_left_begins_anew(void **state)
{
	struct bench *b = *state;
	const struct runner *r = &b->runner[0];
	int64_t generation;

	bench_start_adopting(b, 3);
	cell_of(b, r)->granted = 5;
	bench_step(b);
	generation = bench_row(b, r)->row.generation;
	cell_of(b, r)->granted = 3; /* it only grows */
	bench_turn(b);
	check_begun_anew(b, r, generation);
	generation = bench_row(b, r)->row.generation;
	cell_of(b, r)->generation += 1000;
	bench_turn(b);
	check_begun_anew(b, r, generation);
	generation = bench_row(b, r)->row.generation;
	cell_of(b, r)->granted = (INT64_C(1) << LEDGER_GRANTED_BITS) - 1;
	bench_turn(b);
	check_begun_anew(b, r, generation);
}

static void
cell_that_somebody_opened_is_closed_again(void **state)
{
	struct bench *b = *state;
	struct runner *r;

	b->config.join_grace_ms = 600000;
	r = bench_drain_adopted(b, CAPACITY);
	cell_of(b, r)->closed = false;
	bench_turn(b);
	assert_true(cell_of(b, r)->closed);
}

static void
generations_go_on_after_a_restart(void **state)
{
	struct bench *b = *state;
	int64_t last;

	bench_start_adopting(b, 2);
	last = b->fleet.last_generation;
	b->nrow = 0; /* pruned */
	bench_start(b);
	bench_run(b, 4000);
	assert_int_equal(b->nrow, 2);
	for (int i = 0; i < 2; i++)
		assert_true(b->row[i].row.generation > last);
}

static void
shortage_is_summed_over_ledgers_and_restarts(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 1);
	b->shortage = 5;
	bench_run(b, 2000);
	assert_int_equal(b->fleet.shortage, 5);
	b->ledger_lost = true;
	bench_turn(b);
	b->shortage = 2;
	bench_run(b, 2000);
	assert_int_equal(b->fleet.shortage, 7);
	bench_start(b);
	bench_run(b, 2000);
	assert_int_equal(b->fleet.shortage, 7);
	b->shortage = UINT64_MAX; /* garbage */
	bench_run(b, 2000);
	assert_int_equal(b->fleet.shortage, 7);
}

UNIT_MAIN(
    SCALER_TEST(restart_with_the_same_ledger_withdraws_nothing),
    SCALER_TEST(restarts_before_a_limit_is_known_launch_nothing),
    SCALER_TEST(restart_with_another_ledger_begins_anew),
    SCALER_TEST(ledger_that_is_renewed_begins_anew),
    SCALER_TEST(long_polls_do_not_delay_the_credit_of_a_renewed_ledger),
    SCALER_TEST(question_that_was_open_at_the_loss_does_not_delay_it_either),
    SCALER_TEST(cell_that_is_not_as_it_was_left_begins_anew),
    SCALER_TEST(cell_that_somebody_opened_is_closed_again),
    SCALER_TEST(generations_go_on_after_a_restart),
    SCALER_TEST(shortage_is_summed_over_ledgers_and_restarts))
