/* SPDX-License-Identifier: MIT */
/* When the next turn is due after what was observed. */
#include "tests/unit/scalerd/scaler_bench.h"

/* A settled fleet of three, just asked. */
static void
ask_three(struct bench *b)
{
	bench_start_adopting(b, 3);
	b->list_held = true;
	bench_turn(b);
	while (b->nquestion < 3) {
		b->now_ms = scaler_due_ms(b->scaler);
		bench_turn(b);
	}
}

static void
answers_that_tell_nothing_new_make_no_turn(void **state)
{
	struct bench *b = *state;

	ask_three(b);
	bench_answer_all(b);
	assert_true(scaler_due_ms(b->scaler) > b->now_ms + 2 * TURN_GAP_MS);
}

static void
answer_with_other_seats_is_decided_on_at_once(void **state)
{
	struct bench *b = *state;

	ask_three(b);
	b->runner[1].seats--;
	bench_answer_all(b);
	assert_int_equal(scaler_due_ms(b->scaler), b->now_ms);
}

static void
failed_answer_is_decided_on_at_once(void **state)
{
	struct bench *b = *state;

	ask_three(b);
	b->runner[1].answers[0] = b->runner[1].answers[1] = ANSWER_TIMEOUT;
	bench_answer_all(b);
	assert_int_equal(scaler_due_ms(b->scaler), b->now_ms);
}

static void
answer_of_one_in_standby_is_decided_on_at_once(void **state)
{
	struct bench *b = *state;

	b->config.join_grace_ms = 60000;
	bench_start_adopting(b, 4);
	RUN_UNTIL(b, bench_count(b, STATE_STANDBY) == 1);
	b->list_held = true;
	RUN_UNTIL(b, b->nquestion == 0);
	bench_turn(b);
	while (b->nquestion < 4) {
		b->now_ms = scaler_due_ms(b->scaler);
		bench_turn(b);
	}
	bench_answer_all(b);
	assert_int_equal(scaler_due_ms(b->scaler), b->now_ms);
}

static void
list_and_end_of_a_process_are_decided_on_at_once(void **state)
{
	struct bench *b = *state;

	ask_three(b);
	scaler_nudged(b->scaler);
	assert_int_equal(scaler_due_ms(b->scaler), b->now_ms);
	bench_turn(b);
	b->now_ms++;
	bench_answer_list(b);
	assert_int_equal(scaler_due_ms(b->scaler), b->now_ms);
}

/* A turn exactly when it is due, and the answers at once. Returns how many. */
static int
run_when_due(struct bench *b, int64_t ms)
{
	const int64_t end_ms = b->now_ms + ms;
	int turns = 0;

	for (; b->now_ms < end_ms; turns++) {
		const int64_t earliest_ms = b->now_ms + TURN_GAP_MS;

		bench_turn(b);
		b->now_ms++;
		bench_answer_all(b);
		b->now_ms = scaler_due_ms(b->scaler);
		if (b->now_ms < earliest_ms)
			b->now_ms = earliest_ms;
	}
	return turns;
}

static void
ten_that_nobody_plays_on_are_asked_in_time_in_few_turns(void **state)
{
	struct bench *b = *state;
	int before[RUNNERS_MAX] = {0};

	b->config.downscale_margin = 1000;
	bench_start_adopting(b, 10);
	for (size_t i = 0; i < b->nrunner; i++)
		before[i] = b->runner[i].nanswer;
	/* Two a second of these are for the list, which is due so often here,
	 * and what it brings. */
	assert_in_range(run_when_due(b, 60000), 60, 60 * 8);
	for (size_t i = 0; i < b->nrunner; i++)
		assert_in_range(b->runner[i].nanswer - before[i], 60000 / 1200,
				60000 / 800);
}

static void
those_that_are_asked_a_little_apart_come_together(void **state)
{
	enum { SERVERS = 10, APART_MS = 250 };
	struct bench *b = *state;
	struct open_question question[SERVERS];

	b->config.downscale_margin = 1000;
	bench_start_adopting(b, SERVERS);
	b->list_held = true;
	RUN_UNTIL(b, b->nquestion == 0);
	while (b->nquestion < SERVERS) {
		b->now_ms = scaler_due_ms(b->scaler);
		bench_turn(b);
	}
	memcpy(question, b->question, sizeof(question));
	b->nquestion = 0;
	/* So late that each is asked again when it has answered. */
	b->now_ms += 2 * b->config.poll_interval_ms;
	for (size_t i = 0; i < SERVERS; i++) {
		if (i == SERVERS / 2)
			b->now_ms += APART_MS;
		bench_answer_question(b, &question[i]);
		bench_turn(b);
		bench_answer_all(b);
	}
	run_when_due(b, 10000);
	assert_in_range(run_when_due(b, 60000), 60, 60 * 3 / 2);
}

UNIT_MAIN(SCALER_TEST(answers_that_tell_nothing_new_make_no_turn),
	  SCALER_TEST(answer_with_other_seats_is_decided_on_at_once),
	  SCALER_TEST(failed_answer_is_decided_on_at_once),
	  SCALER_TEST(answer_of_one_in_standby_is_decided_on_at_once),
	  SCALER_TEST(list_and_end_of_a_process_are_decided_on_at_once),
	  SCALER_TEST(ten_that_nobody_plays_on_are_asked_in_time_in_few_turns),
	  SCALER_TEST(those_that_are_asked_a_little_apart_come_together))
