/* SPDX-License-Identifier: MIT */
/* What is recorded before it is done, and a second manager. */
#include "tests/unit/scalerd/scaler_bench.h"

/* ---- a second manager -------------------------------------------------- */

/* Somebody else launches with our mark while one of ours is standby. */
static void
freeze(struct bench *b)
{
	bench_drain_adopted(b, CAPACITY);
	bench_add_runner(b, "00000000000000000000000000000bad");
	RUN_UNTIL(b, bench_has_alarm(b, ALARM_SECOND_MANAGER));
}

static void
want_more(struct bench *b)
{
	b->config.min_servers = 7;
	scaler_reconfigure(b->scaler, &b->config);
}

static void
nothing_is_stopped_while_frozen(void **state)
{
	struct bench *b = *state;

	freeze(b);
	bench_run(b, FREEZE_MS - 2000);
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	bench_run(b, 4000);
	assert_int_equal(bench_calls(b, OP_STOP), 1);
}

static void
nothing_is_launched_while_frozen(void **state)
{
	struct bench *b = *state;

	freeze(b);
	want_more(b);
	bench_run(b, FREEZE_MS - 2000);
	assert_int_equal(bench_calls(b, OP_LAUNCH), 0);
	bench_run(b, 4000);
	assert_int_equal(bench_calls(b, OP_LAUNCH), 2);
}

static void
restart_does_not_end_the_freeze(void **state)
{
	struct bench *b = *state;

	freeze(b);
	want_more(b);
	bench_run(b, FREEZE_MS / 2);
	bench_start(b);
	bench_run(b, FREEZE_MS - 2000);
	assert_int_equal(b->ncall, 0);
	assert_true(bench_has_alarm(b, ALARM_SECOND_MANAGER));
}

/* ---- what is recorded before it is done -------------------------------- */

static void
suspect_that_a_new_rule_calls_bad_is_written_with_the_next_commit(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];
	const struct health_rule before = {3, 2}, after = {1, 2};

	bench_start_adopting(b, 3);
	bench_silence(r);
	RUN_UNTIL(b, health_of(bench_row(b, r)->row.score, before) ==
			 HEALTH_SUSPECT);
	assert_int_not_equal(health_of(bench_row(b, r)->row.score, after),
			     HEALTH_BAD);
	b->config.health_fall = after.fall;
	scaler_reconfigure(b->scaler, &b->config);
	bench_turn(b);
	assert_int_equal(health_of(bench_row(b, r)->row.score, after),
			 HEALTH_BAD);
}

/* One launch is wanted and decided, but the store does not take it. */
static void
refuse_a_launch(struct bench *b)
{
	bench_start_adopting(b, 1);
	b->result = STORE_BUSY;
	b->config.min_servers = 2;
	scaler_reconfigure(b->scaler, &b->config);
	bench_run(b, 5000);
}

static void
no_call_goes_out_for_an_operation_whose_commit_was_refused(void **state)
{
	struct bench *b = *state;

	refuse_a_launch(b);
	assert_int_equal(b->ncall, 0);
}

static void
call_goes_out_after_the_commit_that_takes_its_operation(void **state)
{
	struct bench *b = *state;

	refuse_a_launch(b);
	b->result = STORE_OK;
	bench_turn(b);
	assert_int_equal(b->ncall, 1);
	assert_int_equal(b->noperation, 1);
	assert_string_equal(b->call[0].operation, b->operation[0].id);
}

static void
nothing_is_decided_while_a_decision_is_not_recorded(void **state)
{
	struct bench *b = *state;

	refuse_a_launch(b);
	b->config.min_servers = 5;
	scaler_reconfigure(b->scaler, &b->config);
	bench_run(b, 5000);
	b->result = STORE_OK;
	bench_turn(b);
	assert_int_equal(b->noperation, 1);
}

static void
commit_that_fails_is_alarmed_with_the_next_that_works(void **state)
{
	struct bench *b = *state;
	bool said = false;

	refuse_a_launch(b);
	b->result = STORE_OK;
	bench_turn(b);
	for (size_t i = 0; i < b->nalarm; i++)
		said |= strcmp(b->alarm[i].name,
			       alarm_name(ALARM_COMMIT_FAILING)) == 0;
	assert_true(said);
	bench_step(b);
	bench_step(b);
	assert_false(bench_has_alarm(b, ALARM_COMMIT_FAILING));
}

/* Two launches in one turn, the first of which takes so long. */
static void
launch_two(struct bench *b, int64_t call_takes_ms)
{
	bench_start_adopting(b, 1);
	b->call_takes_ms = call_takes_ms;
	b->config.min_servers = 3;
	scaler_reconfigure(b->scaler, &b->config);
	bench_turn(b);
	assert_int_equal(b->noperation, 2);
}

static void
no_call_goes_out_late_when_somebody_else_writes(void **state)
{
	struct bench *b = *state;

	b->not_writer = true;
	launch_two(b, WRITER_CHECK_MS + 1);
	assert_int_equal(b->ncall, 1);
	assert_int_equal(b->writer_checks, 1);
}

static void
call_goes_out_late_while_this_is_the_writer(void **state)
{
	struct bench *b = *state;

	launch_two(b, WRITER_CHECK_MS + 1);
	assert_int_equal(b->ncall, 2);
	assert_int_equal(b->writer_checks, 1);
}

static void
commit_of_just_now_proves_the_writer(void **state)
{
	struct bench *b = *state;

	b->not_writer = true;
	launch_two(b, WRITER_CHECK_MS);
	assert_int_equal(b->ncall, 2);
	assert_int_equal(b->writer_checks, 0);
}

/* A turn that has a launch to record, with that answer of the store. */
static enum turn_result
turn_with(struct bench *b, enum store_result result)
{
	bench_start_adopting(b, 1);
	want_more(b);
	b->result = result;
	return scaler_turn(b->scaler, &b->err);
}

static void
lost_store_is_passed_up_and_nothing_goes_out(void **state)
{
	struct bench *b = *state;

	assert_int_equal(turn_with(b, STORE_LOST), TURN_LOST);
	assert_string_equal(b->err.msg, "the bench said no");
	assert_int_equal(b->ncall, 0);
}

static void
broken_store_is_passed_up_and_nothing_goes_out(void **state)
{
	struct bench *b = *state;

	assert_int_equal(turn_with(b, STORE_BROKEN), TURN_BROKEN);
	assert_string_equal(b->err.msg, "the bench said no");
	assert_int_equal(b->ncall, 0);
}

static void
store_that_lost_its_past_gets_everything_again_in_the_same_turn(void **state)
{
	struct bench *b = *state;

	b->config.max_servers = 3;
	b->config.min_servers = 4;
	b->held[OP_LAUNCH] = true;
	bench_add_runner(b, NULL);
	bench_start(b);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 2);
	bench_run(b, 2000);
	assert_true(bench_has_alarm(b, ALARM_LIMITED));
	b->now_ms += TURN_INTERVAL_MS;
	b->result = STORE_RESET;
	bench_turn(b);
	assert_int_equal(b->result, STORE_OK);
	assert_int_equal(b->nrow, 3);
	assert_int_equal(b->noperation, 2);
	assert_true(bench_has_alarm(b, ALARM_LIMITED));
}

UNIT_MAIN(
    SCALER_TEST(nothing_is_stopped_while_frozen),
    SCALER_TEST(nothing_is_launched_while_frozen),
    SCALER_TEST(restart_does_not_end_the_freeze),
    SCALER_TEST(
	suspect_that_a_new_rule_calls_bad_is_written_with_the_next_commit),
    SCALER_TEST(no_call_goes_out_for_an_operation_whose_commit_was_refused),
    SCALER_TEST(call_goes_out_after_the_commit_that_takes_its_operation),
    SCALER_TEST(nothing_is_decided_while_a_decision_is_not_recorded),
    SCALER_TEST(commit_that_fails_is_alarmed_with_the_next_that_works),
    SCALER_TEST(no_call_goes_out_late_when_somebody_else_writes),
    SCALER_TEST(call_goes_out_late_while_this_is_the_writer),
    SCALER_TEST(commit_of_just_now_proves_the_writer),
    SCALER_TEST(lost_store_is_passed_up_and_nothing_goes_out),
    SCALER_TEST(broken_store_is_passed_up_and_nothing_goes_out),
    SCALER_TEST(
	store_that_lost_its_past_gets_everything_again_in_the_same_turn))
