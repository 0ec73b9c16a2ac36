/* SPDX-License-Identifier: MIT */
/* What the silent ones change, by the rules of docs/design.md section 5: the
 * dead, and panic. */
#include "tests/unit/scalerd/decide_bench.h"

/* ---- health: dead ------------------------------------------------------ */

TEST(a_dead_one_that_was_proven_empty_is_stopped)
{
	add(b, STATE_AVAILABLE, 9);
	add_dead(b, STATE_STANDBY);
	assert_int_equal(first(b, ACTION_STOP).reason, REASON_DEAD);
	assert_int_equal(first(b, ACTION_STOP).id, 2);
}

TEST(a_dead_one_that_may_have_players_is_kept_and_replaced)
{
	add(b, STATE_AVAILABLE, 3);
	add_dead(b, STATE_AVAILABLE)->proven = false;
	add_dead(b, STATE_STANDBY)->proven = false;
	add(b, STATE_AVAILABLE, 0);
	assert_int_equal(count(b, ACTION_STOP), 0);
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
}

TEST(a_dead_one_that_was_in_rotation_is_kept)
{
	add(b, STATE_AVAILABLE, 9);
	add_dead(b, STATE_AVAILABLE);
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(a_silent_one_is_kept_until_dead_after)
{
	add(b, STATE_AVAILABLE, 9);
	add_dead(b, STATE_STANDBY)->silent_ms--;
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(a_dead_one_is_kept_when_there_is_no_other)
{
	add_dead(b, STATE_STANDBY);
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(a_dead_one_is_kept_unless_half_of_the_others_answer)
{
	add_dead(b, STATE_STANDBY);
	add(b, STATE_AVAILABLE, 9);
	add(b, STATE_AVAILABLE, 9);
	add(b, STATE_AVAILABLE, 9)->health = HEALTH_UNKNOWN;
	add(b, STATE_AVAILABLE, 9)->health = HEALTH_UNKNOWN;
	assert_int_equal(count(b, ACTION_STOP), 1);
	b->server[1].health = HEALTH_UNKNOWN;
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(a_dead_one_that_is_not_ours_is_kept)
{
	add(b, STATE_AVAILABLE, 9);
	add_dead(b, STATE_STANDBY)->ours = false;
	assert_int_equal(count(b, ACTION_STOP), 0);
}

/* ---- health: panic ----------------------------------------------------- */

static void
add_panic(struct bench *b)
{
	add(b, STATE_AVAILABLE, 30)->health = HEALTH_SUSPECT;
	add(b, STATE_AVAILABLE, 30)->health = HEALTH_SUSPECT;
	add(b, STATE_AVAILABLE, 30);
}

TEST(more_than_half_suspect_is_panic)
{
	add_panic(b);
	decide(&b->view, &b->policy, &b->out);
	assert_true(b->out.panic);
}

TEST(half_suspect_is_no_panic)
{
	add_panic(b);
	add(b, STATE_STANDBY, 0);
	decide(&b->view, &b->policy, &b->out);
	assert_false(b->out.panic);
}

TEST(an_empty_fleet_is_no_panic)
{
	decide(&b->view, &b->policy, &b->out);
	assert_false(b->out.panic);
}

TEST(a_booting_one_is_no_part_of_a_panic)
{
	add(b, STATE_AVAILABLE, 9);
	add(b, STATE_STARTING, 0)->health = HEALTH_BAD;
	add(b, STATE_STARTING, 0)->health = HEALTH_BAD;
	decide(&b->view, &b->policy, &b->out);
	assert_false(b->out.panic);
}

TEST(in_panic_nothing_is_taken_away)
{
	add_panic(b);
	add(b, STATE_STANDBY, 0)->health = HEALTH_BAD;
	add_dead(b, STATE_STANDBY);
	add_empty(b);
	add(b, STATE_STARTING, 0)->deadline_over = true;
	assert_int_equal(count(b, ACTION_STANDBY), 0);
	assert_int_equal(count(b, ACTION_STOP), 0);
	assert_true(b->out.panic);
}

TEST(in_panic_one_launch_per_interval)
{
	b->policy.upscale_margin = 40;
	add(b, STATE_AVAILABLE, 0)->health = HEALTH_BAD;
	check_limited(b, 1, LIMIT_PANIC);
	b->view.last_launch_ms = NOW_MS - MINUTE_MS + 1;
	check_limited(b, 0, LIMIT_PANIC);
	b->view.last_launch_ms = NOW_MS - MINUTE_MS;
	check_limited(b, 1, LIMIT_PANIC);
}

TEST(in_panic_a_fleet_of_one_still_gets_its_replacement)
{
	add(b, STATE_AVAILABLE, 9)->health = HEALTH_BAD;
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
}

UNIT_MAIN(
    cmocka_unit_test(a_dead_one_that_was_proven_empty_is_stopped),
    cmocka_unit_test(a_dead_one_that_may_have_players_is_kept_and_replaced),
    cmocka_unit_test(a_silent_one_is_kept_until_dead_after),
    cmocka_unit_test(a_dead_one_that_was_in_rotation_is_kept),
    cmocka_unit_test(a_dead_one_is_kept_when_there_is_no_other),
    cmocka_unit_test(a_dead_one_is_kept_unless_half_of_the_others_answer),
    cmocka_unit_test(a_dead_one_that_is_not_ours_is_kept),
    cmocka_unit_test(more_than_half_suspect_is_panic),
    cmocka_unit_test(half_suspect_is_no_panic),
    cmocka_unit_test(an_empty_fleet_is_no_panic),
    cmocka_unit_test(a_booting_one_is_no_part_of_a_panic),
    cmocka_unit_test(in_panic_nothing_is_taken_away),
    cmocka_unit_test(in_panic_one_launch_per_interval),
    cmocka_unit_test(in_panic_a_fleet_of_one_still_gets_its_replacement))
