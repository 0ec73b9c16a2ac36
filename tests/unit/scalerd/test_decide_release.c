/* SPDX-License-Identifier: MIT */
/* Who is taken away, by the rules of docs/design.md section 5: the surplus,
 * what is proven empty, launches that came to nothing. */
#include "tests/unit/scalerd/decide_bench.h"

/* ---- capacity: releasing ----------------------------------------------- */

static inline void
add_surplus(struct bench *b)
{
	add(b, STATE_AVAILABLE, 9);
	add(b, STATE_AVAILABLE, 10);
}

TEST(a_lasting_surplus_sends_the_emptiest_to_standby)
{
	add_surplus(b);
	assert_int_equal(count(b, ACTION_STANDBY), 1);
	assert_int_equal(first(b, ACTION_STANDBY).id, 2);
	assert_int_equal(first(b, ACTION_STANDBY).reason, REASON_SURPLUS);
}

TEST(at_the_downscale_margin_nobody_is_released)
{
	add(b, STATE_AVAILABLE, 9);
	add(b, STATE_AVAILABLE, 9);
	assert_int_equal(count(b, ACTION_STANDBY), 0);
	assert_false(decide_is_surplus(&b->out, &b->policy));
}

TEST(a_short_surplus_releases_nobody)
{
	add_surplus(b);
	b->view.surplus_ms = MINUTE_MS - 1;
	assert_int_equal(count(b, ACTION_STANDBY), 0);
	assert_true(decide_is_surplus(&b->out, &b->policy));
}

TEST(of_two_alike_the_older_is_released)
{
	add(b, STATE_AVAILABLE, 10);
	add(b, STATE_AVAILABLE, 10);
	assert_int_equal(first(b, ACTION_STANDBY).id, 1);
}

TEST(one_a_turn_is_released)
{
	for (int i = 0; i < 8; i++)
		add(b, STATE_AVAILABLE, 10);
	assert_int_equal(count(b, ACTION_STANDBY), 1);
}

TEST(nobody_is_released_below_the_upscale_margin)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_AVAILABLE, 90);
	assert_int_equal(count(b, ACTION_STANDBY), 0);
}

TEST(min_servers_remain)
{
	b->policy.min_servers = 2;
	add_surplus(b);
	assert_int_equal(count(b, ACTION_STANDBY), 0);
}

TEST(a_bad_one_is_none_of_the_min_servers_that_remain)
{
	b->policy.server_capacity = 20;
	add(b, STATE_AVAILABLE, 20);
	add(b, STATE_AVAILABLE, 20)->health = HEALTH_BAD;
	assert_int_equal(count(b, ACTION_STANDBY), 0);
}

TEST(one_that_is_not_ours_is_never_released)
{
	add_surplus(b);
	b->server[0].ours = b->server[1].ours = false;
	assert_int_equal(count(b, ACTION_STANDBY), 0);
}

TEST(a_suspect_is_not_released)
{
	add_surplus(b);
	b->server[1].health = HEALTH_SUSPECT;
	assert_int_equal(first(b, ACTION_STANDBY).id, 1);
}

TEST(growing_and_releasing_are_judged_in_the_same_turn)
{
	/* MIN_SERVERS is short of one that serves; the surplus stays. */
	b->policy.min_servers = 3;
	add_surplus(b);
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
	assert_int_equal(count(b, ACTION_STANDBY), 0);
	/* Seats are no question of releasing, a starting one serves at once. */
	b->policy.min_servers = 1;
	add(b, STATE_STARTING, 10)->health = HEALTH_GOOD;
	assert_int_equal(count(b, ACTION_SERVE), 1);
	assert_int_equal(count(b, ACTION_STANDBY), 1);
}

/* ---- proof before a stop ----------------------------------------------- */

TEST(a_standby_is_stopped_when_proven_empty)
{
	add(b, STATE_AVAILABLE, 9);
	add_empty(b);
	assert_int_equal(first(b, ACTION_STOP).id, 2);
	assert_int_equal(first(b, ACTION_STOP).reason, REASON_PROVEN_EMPTY);
}

/* Takes one piece of the proof away and expects that nothing is stopped. */
typedef void spoil_fn(struct bench *b, struct server_view *s);

static void
check_not_stopped(struct bench *b, spoil_fn *spoil)
{
	add(b, STATE_AVAILABLE, 9);
	spoil(b, add_empty(b));
	assert_int_equal(count(b, ACTION_STOP), 0);
}

#define SPOILED_TEST(name, spoiled)                                            \
	static void name##_spoil(struct bench *b, struct server_view *s)       \
	{                                                                      \
		(void)b, (void)s;                                              \
		spoiled;                                                       \
	}                                                                      \
	TEST(name)                                                             \
	{                                                                      \
		check_not_stopped(b, name##_spoil);                            \
	}

SPOILED_TEST(one_answer_is_no_proof, s->proof_answers = PROOF_ANSWERS - 1)
SPOILED_TEST(one_whose_last_answer_is_no_proof_is_kept, s->proven = false)
SPOILED_TEST(a_stale_answer_is_no_proof,
	     s->asked_ms = NOW_MS - b->policy.fresh_ms - 1)
SPOILED_TEST(an_available_one_is_kept_however_empty, s->state = STATE_AVAILABLE)
SPOILED_TEST(one_that_is_not_ours_is_never_stopped, s->ours = false)
SPOILED_TEST(one_that_shares_its_host_is_kept, s->shares_host = true)
SPOILED_TEST(a_suspect_is_kept, s->health = HEALTH_SUSPECT)
SPOILED_TEST(a_bad_one_is_kept, s->health = HEALTH_BAD)
SPOILED_TEST(nothing_is_stopped_before_settled, b->view.settled = false)
SPOILED_TEST(nothing_is_stopped_before_the_first_list, b->view.listed = false)
SPOILED_TEST(nothing_is_stopped_on_a_doubtful_list,
	     b->view.list_doubtful = true)
SPOILED_TEST(nothing_is_stopped_beside_a_second_manager, b->view.frozen = true)

TEST(nobody_is_released_while_unsettled_doubtful_or_frozen)
{
	bool *const guards[] = {&b->view.listed, &b->view.settled,
				&b->view.list_doubtful, &b->view.frozen};

	add_surplus(b);
	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		assert_int_equal(count(b, ACTION_STANDBY), 1);
		*guards[i] = !*guards[i];
		assert_int_equal(count(b, ACTION_STANDBY), 0);
		*guards[i] = !*guards[i];
	}
}

/* ---- deadlines of launches --------------------------------------------- */

TEST(a_launch_past_its_deadline_is_stopped)
{
	add(b, STATE_LAUNCHING, 0)->deadline_over = true;
	assert_int_equal(first(b, ACTION_STOP).reason, REASON_LAUNCH_DEADLINE);
}

TEST(one_that_never_answered_in_its_grace_is_stopped)
{
	add(b, STATE_STARTING, 0)->deadline_over = true;
	assert_int_equal(first(b, ACTION_STOP).reason, REASON_START_GRACE);
}

TEST(a_deadline_ends_nothing_that_answered_well)
{
	struct server_view *s = add(b, STATE_STARTING, 5);

	s->deadline_over = s->heard = true;
	s->health = HEALTH_SUSPECT;
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(a_deadline_ends_nothing_that_was_adopted)
{
	struct server_view *s = add(b, STATE_STARTING, 0);

	s->deadline_over = true;
	s->origin = ORIGIN_ADOPTED;
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(one_that_was_found_and_never_runs_is_stopped)
{
	struct server_view *s = add(b, STATE_LAUNCHING, 0);

	s->deadline_over = true;
	s->origin = ORIGIN_ADOPTED;
	assert_int_equal(first(b, ACTION_STOP).reason, REASON_LAUNCH_DEADLINE);
}

TEST(one_that_was_found_and_never_runs_is_kept_in_a_dry_run)
{
	struct server_view *s = add(b, STATE_LAUNCHING, 0);

	s->deadline_over = true;
	s->origin = ORIGIN_ADOPTED;
	b->policy.reap = false;
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(our_own_launches_are_stopped_at_their_deadlines_in_a_dry_run_too)
{
	add(b, STATE_LAUNCHING, 0)->deadline_over = true;
	add(b, STATE_STARTING, 0)->deadline_over = true;
	b->policy.reap = false;
	assert_int_equal(count(b, ACTION_STOP), 2);
}

UNIT_MAIN(
    cmocka_unit_test(a_lasting_surplus_sends_the_emptiest_to_standby),
    cmocka_unit_test(at_the_downscale_margin_nobody_is_released),
    cmocka_unit_test(a_short_surplus_releases_nobody),
    cmocka_unit_test(of_two_alike_the_older_is_released),
    cmocka_unit_test(one_a_turn_is_released),
    cmocka_unit_test(nobody_is_released_below_the_upscale_margin),
    cmocka_unit_test(min_servers_remain),
    cmocka_unit_test(a_bad_one_is_none_of_the_min_servers_that_remain),
    cmocka_unit_test(one_that_is_not_ours_is_never_released),
    cmocka_unit_test(a_suspect_is_not_released),
    cmocka_unit_test(growing_and_releasing_are_judged_in_the_same_turn),
    cmocka_unit_test(a_standby_is_stopped_when_proven_empty),
    cmocka_unit_test(one_answer_is_no_proof),
    cmocka_unit_test(one_whose_last_answer_is_no_proof_is_kept),
    cmocka_unit_test(a_stale_answer_is_no_proof),
    cmocka_unit_test(an_available_one_is_kept_however_empty),
    cmocka_unit_test(one_that_is_not_ours_is_never_stopped),
    cmocka_unit_test(one_that_shares_its_host_is_kept),
    cmocka_unit_test(a_suspect_is_kept), cmocka_unit_test(a_bad_one_is_kept),
    cmocka_unit_test(nothing_is_stopped_before_settled),
    cmocka_unit_test(nothing_is_stopped_before_the_first_list),
    cmocka_unit_test(nothing_is_stopped_on_a_doubtful_list),
    cmocka_unit_test(nothing_is_stopped_beside_a_second_manager),
    cmocka_unit_test(nobody_is_released_while_unsettled_doubtful_or_frozen),
    cmocka_unit_test(a_launch_past_its_deadline_is_stopped),
    cmocka_unit_test(one_that_never_answered_in_its_grace_is_stopped),
    cmocka_unit_test(a_deadline_ends_nothing_that_answered_well),
    cmocka_unit_test(a_deadline_ends_nothing_that_was_adopted),
    cmocka_unit_test(one_that_was_found_and_never_runs_is_stopped),
    cmocka_unit_test(one_that_was_found_and_never_runs_is_kept_in_a_dry_run),
    cmocka_unit_test(
	our_own_launches_are_stopped_at_their_deadlines_in_a_dry_run_too))
