/* SPDX-License-Identifier: MIT */
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

/* Three that this scaler launched, serving. */
static void
start_launched(struct bench *b)
{
	b->config.min_servers = 3;
	bench_start(b);
	RUN_UNTIL(b, bench_count(b, STATE_AVAILABLE) == 3);
	bench_run(b, EARLY_DEATH_MS);
}

static void
gameserver_that_went_and_is_back_with_players_is_available(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	start_launched(b);
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

	start_launched(b);
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

/* One that was launched and runs, but does not answer, goes and is back. */
static struct runner *
lose_before_it_answers(struct bench *b)
{
	struct runner *r = &b->runner[3];

	start_launched(b);
	b->held[OP_LAUNCH] = true;
	b->config.min_servers = 4;
	scaler_reconfigure(b->scaler, &b->config);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 4);
	b->held[OP_LAUNCH] = false;
	bench_answer_all(b);
	bench_silence(r);
	RUN_UNTIL(b, bench_state(b, r) == STATE_STARTING);
	r->hidden = true;
	RUN_UNTIL(b, bench_state(b, r) == STATE_GONE);
	r->hidden = false;
	RUN_UNTIL(b, bench_state(b, r) != STATE_GONE);
	return r;
}

static void
gameserver_that_never_answered_and_is_back_starts_again(void **state)
{
	struct bench *b = *state;
	const struct runner *r = lose_before_it_answers(b);

	assert_int_equal(bench_state(b, r), STATE_STARTING);
	assert_int_equal(bench_row(b, r)->row.origin, ORIGIN_LAUNCHED);
}

static void
start_grace_ends_one_that_never_answered_and_is_back(void **state)
{
	struct bench *b = *state;
	const struct runner *r = lose_before_it_answers(b);
	const int64_t back_ms = b->now_ms;

	b->held[OP_STOP] = true;
	RUN_UNTIL(b, bench_state(b, r) == STATE_STOPPING);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_START_GRACE);
	assert_true(b->now_ms >= back_ms + b->config.start_grace_ms - 1000);
}

/* ---- proofs of emptiness ----------------------------------------------- */

/* Four with that many seats each, one too many: the one in standby. */
static struct runner *
drain_adopted(struct bench *b, int64_t seats)
{
	for (int i = 0; i < 4; i++)
		bench_add_runner(b, NULL)->seats = seats;
	b->config.downscale_margin = 4 * seats - 1;
	bench_start(b);
	RUN_UNTIL(b, bench_count(b, STATE_STANDBY) == 1);
	return bench_only(b, STATE_STANDBY);
}

static void
adopted_gameserver_with_fewer_free_seats_than_capacity_is_kept(void **state)
{
	struct bench *b = *state;
	const struct runner *r = drain_adopted(b, CAPACITY - 1);

	bench_run(b, 5 * grace_ms(b));
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	assert_int_equal(bench_state(b, r), STATE_STANDBY);
}

static void
adopted_gameserver_with_capacity_free_seats_is_stopped(void **state)
{
	struct bench *b = *state;
	const struct runner *r = drain_adopted(b, CAPACITY);

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
	struct runner *r = drain_adopted(b, CAPACITY);

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
	struct runner *r = drain_adopted(b, CAPACITY);

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
	assert_non_null(r);
	stopped_ms = bench_row(b, r)->state_ms + grace_ms(b);
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 1);
	assert_in_range(bench_last_call(b, OP_STOP)->ms, stopped_ms,
			stopped_ms + PROOFS_MS);
}

/* ---- a second manager -------------------------------------------------- */

/* Somebody else launches with our mark while one of ours is standby. */
static void
freeze(struct bench *b)
{
	drain_adopted(b, CAPACITY);
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
	const struct runner *r = drain_adopted(b, CAPACITY);

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

/* ---- the list ---------------------------------------------------------- */

/* Answers one list without it. */
static void
miss_once(struct bench *b, struct runner *r)
{
	const int before = b->nlist;

	r->hidden = true;
	RUN_UNTIL(b, b->nlist > before);
	r->hidden = false;
}

static bool
was_told(const struct bench *b, const struct gameserver *row)
{
	for (size_t i = 0; i < b->nknown; i++)
		if (strcmp(b->known[i].mark, row->mark) == 0 &&
		    strcmp(b->known[i].ref, row->ref) == 0)
			return true;
	return false;
}

static void
list_is_told_of_every_row_that_is_not_gone(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[1];
	int before;

	bench_start_adopting(b, 2);
	r->hidden = true;
	b->held[OP_LAUNCH] = true;
	b->config.min_servers = 3;
	scaler_reconfigure(b->scaler, &b->config);
	RUN_UNTIL(b, bench_state(b, r) == STATE_GONE &&
			 bench_count(b, STATE_LAUNCHING) == 2);
	before = b->nlist;
	RUN_UNTIL(b, b->nlist == before + 2);
	assert_int_equal(b->nknown, 3);
	for (size_t i = 0; i < b->nrow; i++)
		assert_int_equal(was_told(b, &b->row[i].row),
				 b->row[i].row.state != STATE_GONE);
}

/* The provider says that it ended: what is left of it is stopped. */
static void
assert_stopped_when_ended(struct bench *b, struct runner *r)
{
	b->held[OP_STOP] = true;
	r->seen.running = false;
	r->seen.gone = true;
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 1);
	assert_int_equal(bench_state(b, r), STATE_STOPPING);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_DIED);
}

static void
available_one_that_the_provider_calls_ended_is_stopped(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 3);
	assert_stopped_when_ended(b, &b->runner[0]);
}

static void
standby_one_that_the_provider_calls_ended_is_stopped(void **state)
{
	struct bench *b = *state;

	assert_stopped_when_ended(b, drain_adopted(b, CAPACITY - 1));
}

static void
starting_one_that_the_provider_calls_ended_is_stopped(void **state)
{
	struct bench *b = *state;

	assert_stopped_when_ended(b, lose_before_it_answers(b));
}

static void
one_list_that_misses_a_gameserver_changes_nothing(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];

	bench_start_adopting(b, 3);
	for (int i = 0; i < 5; i++) {
		const int before = b->nlist;

		miss_once(b, r);
		RUN_UNTIL(b, b->nlist == before + 2);
		bench_turn(b);
		assert_int_equal(bench_state(b, r), STATE_AVAILABLE);
	}
	assert_int_equal(b->nrow, 3);
}

static void
absent_rounds_of_lists_that_miss_a_gameserver_end_it(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];
	int before;

	bench_start_adopting(b, 3);
	before = b->nlist;
	r->hidden = true;
	RUN_UNTIL(b, b->nlist == before + 2);
	bench_turn(b);
	assert_int_equal(bench_state(b, r), STATE_GONE);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_DIED);
}

static void
empty_list_ends_only_those_that_do_not_answer(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 3);
	bench_silence(&b->runner[0]);
	for (int i = 0; i < 3; i++)
		b->runner[i].hidden = true;
	bench_run(b, 20000);
	assert_int_equal(bench_state(b, &b->runner[0]), STATE_GONE);
	assert_int_equal(bench_count(b, STATE_AVAILABLE), 2);
}

/* ---- silence ----------------------------------------------------------- */

/* One in standby with nobody inside falls silent before it can be stopped. */
static struct runner *
silence_an_empty_one(struct bench *b)
{
	struct runner *r = drain_adopted(b, CAPACITY);

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

/* ---- time -------------------------------------------------------------- */

static void
turn_is_due_and_beats_at_least_every_interval(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	b->list_held = true;
	for (int i = 0; i < 100; i++) {
		bench_turn(b);
		assert_in_range(scaler_due_ms(b->scaler),
				b->now_ms + TURN_GAP_MS,
				b->now_ms + TURN_INTERVAL_MS);
		assert_in_range(b->fleet.heartbeat_ms,
				b->now_ms - TURN_INTERVAL_MS / 2, b->now_ms);
		b->now_ms = scaler_due_ms(b->scaler);
	}
}

static void
turn_is_not_due_before_the_gap_however_much_is_overdue(void **state)
{
	struct bench *b = *state;

	bench_start_adopting(b, 3);
	b->prober_full = true;
	bench_run(b, 5000);
	bench_turn(b);
	assert_int_equal(scaler_due_ms(b->scaler), b->now_ms + TURN_GAP_MS);
}

/* The least that any of them has answered since `before`. */
static int
rounds_since(const struct bench *b, const int before[RUNNERS_MAX])
{
	int least = INT32_MAX;

	for (size_t i = 0; i < b->nrunner; i++)
		if (b->runner[i].nanswer - before[i] < least)
			least = b->runner[i].nanswer - before[i];
	return least;
}

static void
note_rounds(const struct bench *b, int before[RUNNERS_MAX])
{
	for (size_t i = 0; i < b->nrunner; i++)
		before[i] = b->runner[i].nanswer;
}

static void
no_standby_for_two_rounds_after_a_late_turn(void **state)
{
	struct bench *b = *state;
	int before[RUNNERS_MAX] = {0};

	b->config.scale_down_delay_ms = 0;
	bench_start_adopting(b, 3);
	note_rounds(b, before);
	b->config.downscale_margin = 25;
	scaler_reconfigure(b->scaler, &b->config);
	b->now_ms += TURN_JUMP_MS + 1;
	do {
		bench_step(b);
		assert_int_equal(bench_count(b, STATE_STANDBY), 0);
	} while (rounds_since(b, before) < SETTLED_ROUNDS);
	bench_step(b);
	assert_int_equal(bench_count(b, STATE_STANDBY), 1);
}

static void
turn_that_is_hardly_late_unsettles_nothing(void **state)
{
	struct bench *b = *state;

	b->config.scale_down_delay_ms = 0;
	bench_start_adopting(b, 3);
	b->config.downscale_margin = 25;
	scaler_reconfigure(b->scaler, &b->config);
	b->now_ms += TURN_JUMP_MS - 2 * ANSWER_MS;
	bench_step(b);
	assert_int_equal(bench_count(b, STATE_STANDBY), 1);
}

static void
no_stop_for_two_rounds_after_a_late_turn(void **state)
{
	struct bench *b = *state;
	int before[RUNNERS_MAX] = {0};

	bench_start_adopting(b, 1);
	b->held[OP_LAUNCH] = true;
	b->config.min_servers = 2;
	scaler_reconfigure(b->scaler, &b->config);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 1);
	note_rounds(b, before);
	b->now_ms += b->config.launch_deadline_ms;
	do {
		bench_step(b);
		assert_int_equal(bench_count(b, STATE_STOPPING), 0);
	} while (rounds_since(b, before) < SETTLED_ROUNDS);
	bench_step(b);
	assert_int_equal(bench_count(b, STATE_STOPPING), 1);
}

static void
ids_are_never_used_again_after_a_restart(void **state)
{
	struct bench *b = *state;
	int64_t last_id;

	bench_start_adopting(b, 3);
	last_id = b->fleet.last_id;
	assert_int_equal(last_id, 3);
	for (int i = 0; i < 3; i++) {
		bench_silence(&b->runner[i]);
		b->runner[i].hidden = true;
	}
	b->config.min_servers = 0;
	b->config.upscale_margin = 0;
	scaler_reconfigure(b->scaler, &b->config);
	RUN_UNTIL(b, bench_count(b, STATE_GONE) == 3);
	b->now_ms += 2 * HOUR_MS; /* the gone rows are not loaded any more */
	b->config.min_servers = 1;
	bench_start(b);
	RUN_UNTIL(b, b->ncall > 0);
	assert_int_equal(b->call[0].gameserver, last_id + 1);
}

#define SCALER_TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

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
	store_that_lost_its_past_gets_everything_again_in_the_same_turn),
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
    SCALER_TEST(refused_launch_can_not_hold_back_launches_for_ever),
    SCALER_TEST(list_is_told_of_every_row_that_is_not_gone),
    SCALER_TEST(available_one_that_the_provider_calls_ended_is_stopped),
    SCALER_TEST(standby_one_that_the_provider_calls_ended_is_stopped),
    SCALER_TEST(starting_one_that_the_provider_calls_ended_is_stopped),
    SCALER_TEST(one_list_that_misses_a_gameserver_changes_nothing),
    SCALER_TEST(absent_rounds_of_lists_that_miss_a_gameserver_end_it),
    SCALER_TEST(empty_list_ends_only_those_that_do_not_answer),
    SCALER_TEST(empty_one_that_is_silent_for_dead_after_is_stopped),
    SCALER_TEST(silence_with_most_of_the_fleet_does_not_count),
    SCALER_TEST(silence_before_that_of_most_of_the_fleet_does_not_count),
    SCALER_TEST(turn_is_due_and_beats_at_least_every_interval),
    SCALER_TEST(turn_is_not_due_before_the_gap_however_much_is_overdue),
    SCALER_TEST(no_standby_for_two_rounds_after_a_late_turn),
    SCALER_TEST(turn_that_is_hardly_late_unsettles_nothing),
    SCALER_TEST(no_stop_for_two_rounds_after_a_late_turn),
    SCALER_TEST(ids_are_never_used_again_after_a_restart))
