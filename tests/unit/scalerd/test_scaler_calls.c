/* SPDX-License-Identifier: MIT */
/* Calls to the provider, and what their answers tell. */
#include "tests/unit/scalerd/scaler_bench.h"

/* ---- calls and their answers ------------------------------------------- */

/* A launch in flight for so long that it is given up. */
static struct call *
abandon_launch(struct bench *b)
{
	b->held[OP_LAUNCH] = b->held[OP_STOP] = true;
	bench_start(b);
	RUN_UNTIL(b, bench_count(b, STATE_STOPPING) == 1);
	return &b->call[0];
}

static void
stop_waits_for_the_launch_in_flight(void **state)
{
	struct bench *b = *state;
	struct call *launch = abandon_launch(b);

	bench_run(b, b->config.launch_deadline_ms / 2);
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	bench_answer_call(b, launch, STEP_UNKNOWN, NULL);
	bench_turn(b);
	assert_int_equal(bench_calls(b, OP_STOP), 1);
	assert_int_equal(bench_last_call(b, OP_STOP)->gameserver,
			 launch->gameserver);
}

static void
launch_that_is_given_up_is_replaced_only_after_the_backoff(void **state)
{
	struct bench *b = *state;
	int64_t given_up_ms;

	abandon_launch(b);
	given_up_ms = b->now_ms;
	assert_int_equal(bench_count(b, STATE_LAUNCHING), 0);
	RUN_UNTIL(b, bench_count(b, STATE_LAUNCHING) == 1);
	assert_true(b->now_ms - given_up_ms >= BACKOFF_FIRST_MS);
}

static void
launch_that_is_stopped_is_recorded_as_abandoned(void **state)
{
	struct bench *b = *state;
	const struct call *launch = abandon_launch(b);

	assert_string_equal(b->operation[0].id, launch->operation);
	assert_int_equal(b->operation[0].result, OP_ABANDONED);
}

static void
launch_in_flight_that_was_abandoned_is_not_called_again(void **state)
{
	struct bench *b = *state;
	struct call *launch = abandon_launch(b);
	const int64_t gameserver = launch->gameserver;

	bench_answer_call(b, launch, STEP_UNKNOWN, NULL);
	bench_run(b, b->config.launch_deadline_ms / 2);
	for (size_t i = 1; i < b->ncall; i++)
		assert_true(b->call[i].kind == OP_STOP ||
			    b->call[i].gameserver != gameserver);
}

static void
abandoned_launch_that_comes_back_late_gives_the_stop_its_ref(void **state)
{
	struct bench *b = *state;
	struct call *launch = abandon_launch(b);
	const struct sighting seen = {.ref = "late", .ours = true};

	bench_answer_call(b, launch, STEP_DONE, &seen);
	bench_turn(b);
	assert_string_equal(bench_last_call(b, OP_STOP)->ref, "late");
}

/* A launch that was called, and a restart before its answer. */
static void
restart_in_a_launch(struct bench *b)
{
	b->held[OP_LAUNCH] = true;
	bench_start(b);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 1);
	b->ncall = 0;
	bench_start(b);
}

static void
operation_of_before_the_restart_waits_for_a_complete_list(void **state)
{
	struct bench *b = *state;

	restart_in_a_launch(b);
	b->list_fails = true;
	bench_run(b, 10000);
	assert_int_equal(b->ncall, 0);
	b->list_fails = false;
	bench_run(b, 2000);
	assert_int_equal(b->ncall, 1);
	assert_string_equal(b->call[0].operation, b->operation[0].id);
}

static void
operation_of_before_the_restart_that_the_list_shows_is_done(void **state)
{
	struct bench *b = *state;

	restart_in_a_launch(b);
	bench_add_runner(b, b->operation[0].id);
	bench_run(b, 10000);
	assert_int_equal(b->ncall, 0);
	assert_int_equal(b->operation[0].result, OP_DONE);
}

static void
unknown_outcome_is_retried_with_growing_waits(void **state)
{
	struct bench *b = *state;
	int64_t wait_ms = RETRY_FIRST_MS;

	b->outcome[OP_LAUNCH] = STEP_UNKNOWN;
	b->config.launch_deadline_ms = 600000;
	bench_start(b);
	RUN_UNTIL(b, b->ncall == 10);
	for (size_t i = 1; i < b->ncall; i++) {
		assert_string_equal(b->call[i].operation, b->call[0].operation);
		assert_in_range(b->call[i].ms - b->call[i - 1].ms, wait_ms,
				wait_ms + 3 * ANSWER_MS);
		wait_ms =
		    wait_ms * 2 < RETRY_MAX_MS ? wait_ms * 2 : RETRY_MAX_MS;
	}
}

static void
refused_stop_is_kept_and_alarmed(void **state)
{
	struct bench *b = *state;
	const struct runner *r = bench_drain_adopted(b, CAPACITY);

	b->outcome[OP_STOP] = STEP_REFUSED;
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 3);
	assert_int_equal(bench_state(b, r), STATE_STOPPING);
	assert_int_equal(b->operation[0].result, OP_PENDING);
	assert_true(bench_has_alarm(b, ALARM_STOP_FAILING));
}

static void
failed_prepare_is_one_failed_launch_however_many_were_wanted(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 1);
	b->prepare_fails = true;
	b->config.min_servers = 1 + b->config.launches_per_turn;
	scaler_reconfigure(b->scaler, &b->config);
	bench_run(b, TURN_INTERVAL_MS / 2 + 2 * ANSWER_MS);
	assert_int_equal(b->fleet.launch_failures, 1);
	assert_int_equal(b->nrow, 1);
}

/* ---- what a step tells ------------------------------------------------- */

/* A launch whose first answer is open. */
static struct call *
begin_launch(struct bench *b)
{
	b->held[OP_LAUNCH] = true;
	bench_start(b);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 1);
	return bench_last_call(b, OP_LAUNCH);
}

static void
sighting_of_a_step_is_committed_with_the_phase_that_comes_next(void **state)
{
	struct bench *b = *state;
	struct call *launch = begin_launch(b);
	const struct sighting seen = {.instance = "i-made", .ours = true};
	const int before = b->ncommit;

	bench_answer_call(b, launch, STEP_NEXT, &seen);
	bench_turn(b);
	assert_int_equal(b->ncommit, before + 1);
	assert_string_equal(b->operation[0].phase, "next");
	assert_string_equal(b->row[0].row.instance, "i-made");
}

static void
sighting_of_a_step_counts_whatever_its_result(void **state)
{
	static const enum step_result results[] = {STEP_WAIT, STEP_UNKNOWN,
						   STEP_REFUSED};
	struct bench *b = *state;
	struct call *launch = begin_launch(b);

	b->held[OP_STOP] = true;
	for (int i = 0; i < 3; i++) {
		struct sighting seen = {.ours = true};

		snprintf(seen.instance, sizeof(seen.instance), "i-%d", i);
		bench_answer_call(b, launch, results[i], &seen);
		bench_turn(b);
		assert_string_equal(b->row[0].row.instance, seen.instance);
		if (results[i] != STEP_REFUSED)
			RUN_UNTIL(b, bench_last_call(b, OP_LAUNCH)->open);
		launch = bench_last_call(b, OP_LAUNCH);
	}
}

/* A launch that is refused for so long. Returns when that was. */
static int64_t
refuse_for(struct bench *b, int64_t wait_ms)
{
	b->outcome[OP_LAUNCH] = STEP_REFUSED;
	b->wait_ms = wait_ms;
	bench_start(b);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 1);
	return b->now_ms;
}

static void
refused_launch_holds_back_the_next_for_as_long_as_it_says(void **state)
{
	struct bench *b = *state;
	const int64_t refused_ms = refuse_for(b, 120000);

	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 2);
	assert_in_range(bench_last_call(b, OP_LAUNCH)->ms, refused_ms + 119900,
			refused_ms + 125000);
}

static void
restart_does_not_shorten_the_wait_of_a_refused_launch(void **state)
{
	struct bench *b = *state;
	const int64_t refused_ms = refuse_for(b, 600000);

	bench_run(b, 10000);
	bench_start(b);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 2);
	assert_in_range(bench_last_call(b, OP_LAUNCH)->ms, refused_ms + 599900,
			refused_ms + 605000);
}

static void
refused_launch_that_says_no_wait_is_held_back_as_usual(void **state)
{
	struct bench *b = *state;
	const int64_t refused_ms = refuse_for(b, 0);

	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 2);
	assert_in_range(bench_last_call(b, OP_LAUNCH)->ms,
			refused_ms + BACKOFF_FIRST_MS,
			refused_ms + 2 * BACKOFF_FIRST_MS);
}

static void
refused_launch_can_not_hold_back_launches_for_ever(void **state)
{
	struct bench *b = *state;
	const int64_t refused_ms = refuse_for(b, INT64_MAX);

	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 2);
	assert_in_range(bench_last_call(b, OP_LAUNCH)->ms,
			refused_ms + HOLD_MAX_MS - 100,
			refused_ms + HOLD_MAX_MS + 5000);
}

UNIT_MAIN(
    SCALER_TEST(stop_waits_for_the_launch_in_flight),
    SCALER_TEST(launch_that_is_given_up_is_replaced_only_after_the_backoff),
    SCALER_TEST(launch_that_is_stopped_is_recorded_as_abandoned),
    SCALER_TEST(launch_in_flight_that_was_abandoned_is_not_called_again),
    SCALER_TEST(abandoned_launch_that_comes_back_late_gives_the_stop_its_ref),
    SCALER_TEST(operation_of_before_the_restart_waits_for_a_complete_list),
    SCALER_TEST(operation_of_before_the_restart_that_the_list_shows_is_done),
    SCALER_TEST(unknown_outcome_is_retried_with_growing_waits),
    SCALER_TEST(refused_stop_is_kept_and_alarmed),
    SCALER_TEST(failed_prepare_is_one_failed_launch_however_many_were_wanted),
    SCALER_TEST(sighting_of_a_step_is_committed_with_the_phase_that_comes_next),
    SCALER_TEST(sighting_of_a_step_counts_whatever_its_result),
    SCALER_TEST(refused_launch_holds_back_the_next_for_as_long_as_it_says),
    SCALER_TEST(restart_does_not_shorten_the_wait_of_a_refused_launch),
    SCALER_TEST(refused_launch_that_says_no_wait_is_held_back_as_usual),
    SCALER_TEST(refused_launch_can_not_hold_back_launches_for_ever))
