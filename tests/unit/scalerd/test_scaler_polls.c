/* SPDX-License-Identifier: MIT */
/* When gameservers are asked, in which lane, and what is written of their
 * answers. */
#include "tests/unit/scalerd/scaler_bench.h"

enum { SERVERS = 3 };

/* A step of the bench that shows each question to `look` before it is
 * answered. */
static void
step_looking(struct bench *b,
	     void (*look)(void *arg, const struct open_question *question),
	     void *arg)
{
	bench_turn(b);
	for (size_t i = 0; i < b->nquestion; i++)
		look(arg, &b->question[i]);
	b->now_ms += ANSWER_MS;
	bench_answer_all(b);
	b->now_ms += ANSWER_MS;
}

/* ---- when -------------------------------------------------------------- */

struct polls {
	int64_t last_ms[SERVERS]; /* 0: none yet */
	int64_t shortest_ms, longest_ms;
};

static void
note_poll(void *arg, const struct open_question *question)
{
	struct polls *polls = arg;
	int64_t *last_ms = &polls->last_ms[question->port - PORT_FIRST];
	const int64_t gap_ms = question->asked_ms - *last_ms;

	if (*last_ms != 0 && gap_ms < polls->shortest_ms)
		polls->shortest_ms = gap_ms;
	if (*last_ms != 0 && gap_ms > polls->longest_ms)
		polls->longest_ms = gap_ms;
	*last_ms = question->asked_ms;
}

static void
those_that_began_together_are_not_asked_together_for_long(void **state)
{
	enum { INTERVAL_MS = 10000, STEP_MS = 2 * ANSWER_MS };
	struct bench *b = *state;
	struct polls polls = {.shortest_ms = INT64_MAX};

	b->config.poll_interval_ms = INTERVAL_MS;
	bench_start_adopting(b, SERVERS);
	bench_run(b, INTERVAL_MS);
	while (b->now_ms < 1000000 + 20 * INTERVAL_MS)
		step_looking(b, note_poll, &polls);
	assert_int_not_equal(polls.last_ms[0], polls.last_ms[1]);
	assert_int_not_equal(polls.last_ms[0], polls.last_ms[2]);
	assert_int_not_equal(polls.last_ms[1], polls.last_ms[2]);
	assert_in_range(polls.shortest_ms,
			INTERVAL_MS - INTERVAL_MS / POLL_JITTER_DIV -
			    POLL_EARLY_MS,
			INTERVAL_MS - STEP_MS);
	assert_in_range(polls.longest_ms, INTERVAL_MS + STEP_MS,
			INTERVAL_MS + INTERVAL_MS / POLL_JITTER_DIV +
			    POLL_LATE_MS + STEP_MS);
}

/* ---- lanes ------------------------------------------------------------- */

struct lanes {
	int suspect[SERVERS], good[SERVERS];
};

static void
note_lane(void *arg, const struct open_question *question)
{
	struct lanes *lanes = arg;
	const int i = question->port - PORT_FIRST;

	if (question->suspect)
		lanes->suspect[i]++;
	else
		lanes->good[i]++;
}

static void
suspects_are_asked_in_their_own_lane_until_they_are_good(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[0];
	struct lanes lanes = {{0}, {0}};

	bench_start_adopting(b, SERVERS);
	bench_silence(r);
	RUN_UNTIL(b, bench_row(b, r)->row.score < 4);
	for (int i = 0; i < 100; i++)
		step_looking(b, note_lane, &lanes);
	assert_int_equal(lanes.good[0], 0);
	assert_true(lanes.suspect[0] > 0);
	assert_int_equal(lanes.suspect[1] + lanes.suspect[2], 0);
	assert_true(lanes.good[1] > 0 && lanes.good[2] > 0);
	bench_set_answers(r, ANSWER_GOOD, ANSWER_GOOD);
	bench_run(b, 30000);
	lanes = (struct lanes){{0}, {0}};
	for (int i = 0; i < 100; i++)
		step_looking(b, note_lane, &lanes);
	assert_int_equal(lanes.suspect[0], 0);
	assert_true(lanes.good[0] > 0);
}

/* ---- what is written --------------------------------------------------- */

static void
answers_that_change_nothing_are_not_written(void **state)
{
	enum { PERIODS = 3 };
	struct bench *b = *state;
	size_t nwritten;
	int ncommit;

	bench_start_adopting(b, SERVERS);
	nwritten = b->nwritten;
	ncommit = b->ncommit;
	bench_run(b, PERIODS * (int64_t)ANSWERED_WRITE_MS);
	/* The heartbeat is; and when each was last heard, now and then. */
	assert_true(b->ncommit - ncommit >= PERIODS * ANSWERED_WRITE_MS / 2000);
	assert_in_range(b->nwritten - nwritten, SERVERS,
			SERVERS * (PERIODS + 1));
}

static void
a_changed_answer_is_written_with_the_next_commit_and_no_other_row(void **state)
{
	struct bench *b = *state;
	struct runner *r = &b->runner[1];
	size_t nwritten;

	bench_start_adopting(b, SERVERS);
	RUN_UNTIL(b, bench_row(b, r)->row.seats == CAPACITY);
	r->seats = CAPACITY - 1;
	do {
		nwritten = b->nwritten;
		bench_step(b);
		bench_turn(b);
	} while (bench_row(b, r)->row.seats == CAPACITY);
	assert_int_equal(b->nwritten - nwritten, 1);
}

/* ---- late answers ------------------------------------------------------ */

static void
an_answer_that_took_long_gives_back_what_never_came(void **state)
{
	struct bench *b = *state;
	const struct runner *r = &b->runner[0];
	int64_t granted_ms;

	bench_start_adopting(b, 1);
	cell_of(b, r)->granted = 7;
	bench_turn(b);
	granted_ms = b->now_ms;
	/* A question that goes out when the hold is over... */
	while (b->nquestion == 0 || b->now_ms < granted_ms + HOLD_MS + 100) {
		bench_answer_all(b);
		b->now_ms += 2 * ANSWER_MS;
		bench_turn(b);
	}
	assert_int_equal(credit_of(b, r), CAPACITY - 7);
	/* ... and is answered when the samples do not reach back so far. */
	for (int i = 0; i < 3 * HOLD_MS / ANSWER_MS; i++) {
		b->now_ms += ANSWER_MS;
		bench_turn(b);
	}
	bench_answer_all(b);
	bench_turn(b);
	assert_int_equal(credit_of(b, r), CAPACITY);
}

UNIT_MAIN(
    SCALER_TEST(those_that_began_together_are_not_asked_together_for_long),
    SCALER_TEST(suspects_are_asked_in_their_own_lane_until_they_are_good),
    SCALER_TEST(answers_that_change_nothing_are_not_written),
    SCALER_TEST(
	a_changed_answer_is_written_with_the_next_commit_and_no_other_row),
    SCALER_TEST(an_answer_that_took_long_gives_back_what_never_came))
