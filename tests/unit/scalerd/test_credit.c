/* SPDX-License-Identifier: MIT */
#include "scalerd/core/credit.h"

#include "tests/sim/rng.h"
#include "tests/unit/unit.h"

enum { HOLD = 1000, NO_JOINED = -1 };

/* A figure of `granted` from long ago, and an answer of `seats` to go on. */
static struct credit
after_answer(int64_t seats, int64_t joined, int64_t granted)
{
	struct credit c = {.limit = 0};

	credit_sample(&c, 0, granted, HOLD);
	credit_answer(&c, HOLD, seats, joined, granted, HOLD);
	assert_true(c.known);
	return c;
}

static void
a_first_answer_gives_its_seats_beyond_what_has_arrived(void **state)
{
	struct credit c = {.limit = 0};

	(void)state;
	credit_sample(&c, 0, 3, HOLD);
	credit_answer(&c, HOLD, 10, NO_JOINED, 5, HOLD);
	assert_int_equal(c.limit, 13);
	assert_int_equal(credit_free(&c, 5), 8);
}

static void
without_a_sample_old_enough_there_is_no_new_credit(void **state)
{
	struct credit c = {.limit = 0};

	(void)state;
	credit_sample(&c, 0, 5, HOLD);
	credit_answer(&c, HOLD - 1, 10, NO_JOINED, 5, HOLD);
	assert_false(c.known);
	assert_int_equal(credit_free(&c, 5), 0);
	credit_answer(&c, HOLD, 10, NO_JOINED, 5, HOLD);
	assert_int_equal(credit_free(&c, 5), 10);
}

static void
the_newest_sample_that_is_old_enough_counts(void **state)
{
	struct credit c = {.limit = 0};

	(void)state;
	credit_sample(&c, 0, 1, HOLD);
	credit_sample(&c, 500, 4, HOLD);
	credit_sample(&c, 1000, 9, HOLD);
	credit_answer(&c, 1999, 10, NO_JOINED, 9, HOLD);
	assert_int_equal(c.limit, 14);
}

static void
samples_are_a_sixteenth_of_the_hold_apart_and_the_oldest_go(void **state)
{
	enum { GAP = 100, LONG_HOLD = 16 * GAP };
	struct credit c = {.limit = 0};

	(void)state;
	for (int64_t ms = 0; ms <= 10 * LONG_HOLD; ms++)
		credit_sample(&c, ms, ms, LONG_HOLD);
	assert_int_equal(c.nsample, CREDIT_SAMPLES);
	for (int i = 0; i < CREDIT_SAMPLES; i++) {
		const int at = (c.newest + CREDIT_SAMPLES - i) % CREDIT_SAMPLES;

		assert_int_equal(c.sample[at].ms, 10 * LONG_HOLD - i * GAP);
		assert_int_equal(c.sample[at].granted, c.sample[at].ms);
	}
}

static void
an_answer_that_took_long_counts_with_the_figure_of_its_question(void **state)
{
	struct credit c = {.limit = 0};

	(void)state;
	for (int64_t ms = 0; ms <= 30 * HOLD; ms += 50) {
		credit_sample(&c, ms, ms == 0 ? 2 : 7, HOLD);
		if (ms == HOLD)
			credit_ask(&c, ms, HOLD);
	}
	credit_answer(&c, HOLD, 10, NO_JOINED, 7, HOLD);
	assert_true(c.known);
	assert_int_equal(c.limit, 12);
}

static void
a_hold_of_nothing_counts_all_that_was_granted_when_it_was_asked(void **state)
{
	struct credit c = {.limit = 0};

	(void)state;
	credit_sample(&c, 500, 4, 0);
	credit_answer(&c, 500, 10, NO_JOINED, 6, 0);
	assert_int_equal(c.limit, 14);
}

static void
players_who_arrive_take_no_credit_back(void **state)
{
	struct credit c = after_answer(10, NO_JOINED, 0);

	(void)state;
	/* 6 granted, 4 of them have arrived. */
	credit_answer(&c, HOLD, 6, NO_JOINED, 6, HOLD);
	assert_int_equal(c.limit, 10);
	assert_int_equal(credit_free(&c, 6), 4);
}

static void
a_rise_of_the_seats_frees_as_many(void **state)
{
	struct credit c = after_answer(2, NO_JOINED, 0);

	(void)state;
	credit_answer(&c, HOLD, 0, NO_JOINED, 2, HOLD);
	assert_int_equal(credit_free(&c, 2), 0);
	credit_answer(&c, HOLD, 3, NO_JOINED, 2, HOLD);
	assert_int_equal(credit_free(&c, 2), 3);
}

static void
walk_ins_take_credit_away(void **state)
{
	struct credit c = after_answer(10, NO_JOINED, 0);

	(void)state;
	credit_answer(&c, HOLD, 4, NO_JOINED, 1, HOLD);
	assert_int_equal(c.limit, 5);
}

static void
grants_older_than_the_hold_that_never_came_are_given_again(void **state)
{
	struct credit c = after_answer(10, NO_JOINED, 0);

	(void)state;
	credit_sample(&c, 5000, 10, HOLD);
	credit_answer(&c, 5999, 10, NO_JOINED, 10, HOLD);
	assert_int_equal(credit_free(&c, 10), 0);
	credit_answer(&c, 6000, 10, NO_JOINED, 10, HOLD);
	assert_int_equal(credit_free(&c, 10), 10);
}

static void
joined_total_tells_departures_from_arrivals(void **state)
{
	struct credit c = after_answer(10, 100, 0);

	(void)state;
	/* 10 granted and come, 4 have left since. */
	credit_answer(&c, HOLD, 4, 110, 10, HOLD);
	assert_int_equal(c.limit, 14);
}

static void
a_joined_total_that_fell_says_nothing(void **state)
{
	struct credit c = after_answer(10, 100, 0);

	(void)state;
	/* It began anew, and one of 2 has come since. */
	credit_answer(&c, HOLD, 9, 1, 2, HOLD);
	assert_int_equal(c.limit, 10);
	credit_answer(&c, HOLD, 9, 3, 4, HOLD);
	assert_int_equal(c.limit, 12);
}

static void
a_joined_total_that_is_no_longer_reported_is_not_used(void **state)
{
	struct credit c = after_answer(10, 100, 0);

	(void)state;
	credit_answer(&c, HOLD, 4, NO_JOINED, 10, HOLD);
	assert_int_equal(c.limit, 10);
	credit_answer(&c, HOLD, 4, 120, 10, HOLD);
	assert_int_equal(c.limit, 10);
}

static void
the_limit_is_never_below_what_was_granted(void **state)
{
	struct credit c = after_answer(-5, NO_JOINED, 7);

	(void)state;
	assert_int_equal(c.limit, 7);
	assert_int_equal(credit_free(&c, 7), 0);
	/* More was granted than the limit: while the state was stale. */
	assert_int_equal(credit_free(&c, 9), 0);
	credit_answer(&c, HOLD, -5, NO_JOINED, 9, HOLD);
	assert_int_equal(c.limit, 9);
}

static void
what_was_forgotten_begins_with_the_next_answer(void **state)
{
	struct credit c = after_answer(10, NO_JOINED, 2);

	(void)state;
	credit_forget(&c, 4);
	assert_int_equal(credit_free(&c, 4), 0);
	/* Not what is left of the limit from before. */
	credit_sample(&c, 5000, 4, HOLD);
	credit_answer(&c, 5000 + HOLD, 1, NO_JOINED, 4, HOLD);
	assert_int_equal(c.limit, 5);
}

static void
a_count_that_fell_gives_no_credit_for_what_is_missing(void **state)
{
	struct credit c = {.limit = 0};

	(void)state;
	credit_sample(&c, 0, INT64_C(1) << 40, HOLD);
	credit_answer(&c, HOLD, 3, NO_JOINED, 2, HOLD);
	assert_int_equal(c.limit, 5);
}

/* ---- whatever happens -------------------------------------------------- */

enum {
	TICK = 10,
	TICKS = 5000,
	SEEDS = 300,
	GRANTS_MAX = 512, /* on the way at one time */
	QUIET_TICKS = 6000,
};

/* A gameserver, the players on their way to it, and what polls it. */
struct scene {
	struct rng rng;
	struct credit credit;
	int64_t now, hold, poll, latency, next_poll;
	int64_t capacity, players, granted, joined, walk_ins, turned_away;
	int64_t arrives[GRANTS_MAX]; /* when; 0: nobody */
	int64_t asked, heard, told;  /* the open question: asked, heard by the
					gameserver, told; asked 0: none */
	int64_t seats, told_joined;
	bool lost, counts_joined, has_walk_ins;
	int64_t busy; /* arrivals, percent of the ticks */
};

static void
join(struct scene *s)
{
	s->players++;
	s->joined++;
}

static void
grant(struct scene *s)
{
	int64_t *place = &s->arrives[s->granted % GRANTS_MAX];

	if (credit_free(&s->credit, s->granted) == 0)
		return;
	assert_int_equal(*place, 0);
	s->granted++;
	if (rng_percent(&s->rng, 90))
		*place = s->now + rng_range(&s->rng, 0, s->hold);
}

static void
players_move(struct scene *s)
{
	for (int i = 0; i < GRANTS_MAX; i++) {
		if (s->arrives[i] == 0 || s->arrives[i] > s->now)
			continue;
		s->arrives[i] = 0;
		if (s->players == s->capacity)
			s->turned_away++;
		else
			join(s);
	}
	if (s->players > 0 && rng_percent(&s->rng, 5))
		s->players--;
	if (s->has_walk_ins && s->players < s->capacity &&
	    rng_percent(&s->rng, 1)) {
		s->walk_ins++;
		join(s);
	}
}

static void
ask(struct scene *s)
{
	credit_ask(&s->credit, s->now, s->hold);
	s->asked = s->now;
	s->heard = s->asked + rng_range(&s->rng, 0, s->latency);
	s->told = s->heard + rng_range(&s->rng, 0, s->latency);
	s->lost = rng_percent(&s->rng, 5);
	s->next_poll = s->now + s->poll;
}

static void
poll(struct scene *s)
{
	if (s->asked == 0 && s->now >= s->next_poll)
		ask(s);
	if (s->asked != 0 && s->now - s->heard < TICK && s->now >= s->heard) {
		s->seats = s->capacity - s->players;
		s->told_joined = s->counts_joined ? s->joined : NO_JOINED;
	}
	if (s->asked != 0 && s->now >= s->told) {
		if (!s->lost)
			credit_answer(&s->credit, s->asked, s->seats,
				      s->told_joined, s->granted, s->hold);
		s->asked = 0;
	}
	/* Turns are not regular. */
	if (rng_percent(&s->rng, 20))
		credit_sample(&s->credit, s->now, s->granted, s->hold);
}

static void
live(struct scene *s, int ticks)
{
	for (int i = 0; i < ticks; i++, s->now += TICK) {
		/* As much at one instant as there can be. */
		const int64_t n = rng_range(&s->rng, 1, 1 + s->capacity / 4);

		players_move(s);
		poll(s);
		for (int64_t k = 0; k < n; k++)
			if (rng_percent(&s->rng, (int)s->busy))
				grant(s);
		assert_true(s->players <= s->capacity);
		assert_true(s->turned_away <= s->walk_ins);
	}
}

static void
live_seed(uint64_t seed)
{
	static struct scene s;

	s = (struct scene){.now = TICK};
	rng_seed(&s.rng, seed);
	s.hold = rng_range(&s.rng, 0, 20) * 100;
	s.poll = rng_range(&s.rng, 1, 60) * 100;
	s.latency = rng_range(&s.rng, 0, 2) * 500;
	s.capacity = rng_range(&s.rng, 1, 100);
	s.busy = rng_range(&s.rng, 1, 60);
	s.counts_joined = rng_percent(&s.rng, 50);
	s.has_walk_ins = rng_percent(&s.rng, 50);
	live(&s, TICKS);
	assert_true(s.granted > 0);
	/* Nobody comes or leaves: all free seats become credit again. */
	s.busy = 0;
	s.has_walk_ins = false;
	live(&s, QUIET_TICKS);
	assert_int_equal(s.players, 0);
	assert_int_equal(credit_free(&s.credit, s.granted), s.capacity);
}

static void
nobody_is_turned_away_but_for_walk_ins(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		live_seed(seed);
}

UNIT_MAIN(
    cmocka_unit_test(a_first_answer_gives_its_seats_beyond_what_has_arrived),
    cmocka_unit_test(without_a_sample_old_enough_there_is_no_new_credit),
    cmocka_unit_test(the_newest_sample_that_is_old_enough_counts),
    cmocka_unit_test(
	samples_are_a_sixteenth_of_the_hold_apart_and_the_oldest_go),
    cmocka_unit_test(
	an_answer_that_took_long_counts_with_the_figure_of_its_question),
    cmocka_unit_test(
	a_hold_of_nothing_counts_all_that_was_granted_when_it_was_asked),
    cmocka_unit_test(players_who_arrive_take_no_credit_back),
    cmocka_unit_test(a_rise_of_the_seats_frees_as_many),
    cmocka_unit_test(walk_ins_take_credit_away),
    cmocka_unit_test(
	grants_older_than_the_hold_that_never_came_are_given_again),
    cmocka_unit_test(joined_total_tells_departures_from_arrivals),
    cmocka_unit_test(a_joined_total_that_fell_says_nothing),
    cmocka_unit_test(a_joined_total_that_is_no_longer_reported_is_not_used),
    cmocka_unit_test(the_limit_is_never_below_what_was_granted),
    cmocka_unit_test(what_was_forgotten_begins_with_the_next_answer),
    cmocka_unit_test(a_count_that_fell_gives_no_credit_for_what_is_missing),
    cmocka_unit_test(nobody_is_turned_away_but_for_walk_ins))
