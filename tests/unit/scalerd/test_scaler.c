/* SPDX-License-Identifier: MIT */
/* The list, and time. */
#include "tests/unit/scalerd/scaler_bench.h"

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

	assert_stopped_when_ended(b, bench_drain_adopted(b, CAPACITY - 1));
}

static void
starting_one_that_the_provider_calls_ended_is_stopped(void **state)
{
	struct bench *b = *state;

	assert_stopped_when_ended(b, bench_lose_before_it_answers(b));
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

UNIT_MAIN(SCALER_TEST(list_is_told_of_every_row_that_is_not_gone),
	  SCALER_TEST(available_one_that_the_provider_calls_ended_is_stopped),
	  SCALER_TEST(standby_one_that_the_provider_calls_ended_is_stopped),
	  SCALER_TEST(starting_one_that_the_provider_calls_ended_is_stopped),
	  SCALER_TEST(one_list_that_misses_a_gameserver_changes_nothing),
	  SCALER_TEST(absent_rounds_of_lists_that_miss_a_gameserver_end_it),
	  SCALER_TEST(empty_list_ends_only_those_that_do_not_answer),
	  SCALER_TEST(turn_is_due_and_beats_at_least_every_interval),
	  SCALER_TEST(turn_is_not_due_before_the_gap_however_much_is_overdue),
	  SCALER_TEST(no_standby_for_two_rounds_after_a_late_turn),
	  SCALER_TEST(turn_that_is_hardly_late_unsettles_nothing),
	  SCALER_TEST(no_stop_for_two_rounds_after_a_late_turn),
	  SCALER_TEST(ids_are_never_used_again_after_a_restart))
