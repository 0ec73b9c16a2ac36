/* SPDX-License-Identifier: MIT */
/* How many there are to be, by the rules of docs/design.md section 5, each on
 * the smallest fleet that shows it. */
#include "tests/unit/scalerd/decide_bench.h"

/* ---- capacity: what counts --------------------------------------------- */

TEST(an_overfull_gameserver_hides_no_seat_of_another)
{
	add(b, STATE_AVAILABLE, 6);
	add(b, STATE_AVAILABLE, -50);
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
	assert_int_equal(b->out.free, 6);
}

TEST(a_suspect_counts_with_its_last_seats)
{
	add(b, STATE_AVAILABLE, 3);
	add(b, STATE_AVAILABLE, 3)->health = HEALTH_SUSPECT;
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
	assert_int_equal(b->out.free, 6);
}

TEST(a_bad_one_does_not_count_and_is_replaced)
{
	add(b, STATE_AVAILABLE, 3);
	add(b, STATE_AVAILABLE, 9)->health = HEALTH_BAD;
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
	assert_int_equal(b->out.free, 3);
	assert_int_equal(b->out.live, 2);
}

TEST(one_whose_host_leaves_does_not_count_and_is_replaced)
{
	add(b, STATE_AVAILABLE, 9)->host_leaving = true;
	assert_int_equal(first(b, ACTION_LAUNCH).reason, REASON_BELOW_MIN);
	assert_int_equal(b->out.free, 0);
}

TEST(those_that_boot_count_as_coming_and_cause_no_second_launch)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_LAUNCHING, 0);
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
	assert_int_equal(b->out.coming, 10);
	b->server[1].state = STATE_STARTING;
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
	assert_int_equal(b->out.coming, 10);
}

TEST(a_launch_whose_task_just_ends_is_coming_until_it_has_failed)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_LAUNCHING, 0)->host_leaving = true;
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
	b->server[1].state = STATE_STARTING;
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
}

TEST(one_past_its_deadline_is_no_longer_coming)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_LAUNCHING, 0)->deadline_over = true;
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
	assert_int_equal(b->out.coming, 0);
}

TEST(one_that_was_found_before_it_ran_is_not_waited_for)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_LAUNCHING, 0)->origin = ORIGIN_ADOPTED;
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
	assert_int_equal(b->out.coming, 0);
}

TEST(standby_and_stopping_have_no_free_seats)
{
	add(b, STATE_AVAILABLE, 5);
	add(b, STATE_STANDBY, 9);
	add(b, STATE_STOPPING, 9);
	add(b, STATE_GONE, 9);
	decide(&b->view, &b->policy, &b->out);
	assert_int_equal(b->out.free, 5);
	assert_int_equal(b->out.serving, 1);
	assert_int_equal(b->out.live, 3);
}

/* ---- capacity: growing ------------------------------------------------- */

TEST(an_empty_fleet_gets_its_first_gameserver)
{
	assert_int_equal(first(b, ACTION_LAUNCH).reason, REASON_BELOW_MIN);
	assert_int_equal(b->out.naction, 1);
	assert_int_equal(b->out.action[0].id, 0);
}

TEST(at_the_upscale_margin_nothing_is_launched)
{
	add(b, STATE_AVAILABLE, 4);
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
	assert_int_equal(b->out.wanted, 0);
}

TEST(one_seat_below_the_upscale_margin_launches_one)
{
	add(b, STATE_AVAILABLE, 3);
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
	assert_int_equal(first(b, ACTION_LAUNCH).reason, REASON_BELOW_MARGIN);
}

TEST(a_deficit_is_launched_at_once_rounded_up)
{
	b->policy.upscale_margin = 31;
	add(b, STATE_AVAILABLE, 10);
	assert_int_equal(count(b, ACTION_LAUNCH), 3);
}

TEST(below_min_servers_it_launches_whatever_the_seats)
{
	b->policy.min_servers = 3;
	add(b, STATE_AVAILABLE, 15);
	assert_int_equal(count(b, ACTION_LAUNCH), 2);
	assert_int_equal(first(b, ACTION_LAUNCH).reason, REASON_BELOW_MIN);
}

TEST(bad_ones_do_not_count_towards_min_servers)
{
	b->policy.min_servers = 2;
	add(b, STATE_AVAILABLE, 10);
	add(b, STATE_AVAILABLE, 10)->health = HEALTH_BAD;
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
}

TEST(standby_comes_back_before_anything_is_launched)
{
	struct action back;

	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_STANDBY, 7);
	back = first(b, ACTION_BACK);
	assert_int_equal(back.id, 2);
	assert_int_equal(back.reason, REASON_BELOW_MARGIN);
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
}

TEST(the_emptiest_standby_comes_back_first)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_STANDBY, 5);
	add(b, STATE_STANDBY, 9);
	assert_int_equal(first(b, ACTION_BACK).id, 3);
	assert_int_equal(count(b, ACTION_BACK), 1);
}

TEST(what_standby_can_not_cover_is_launched)
{
	b->policy.upscale_margin = 25;
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_STANDBY, 7);
	assert_int_equal(count(b, ACTION_BACK), 1);
	assert_int_equal(count(b, ACTION_LAUNCH), 2);
}

TEST(a_full_standby_does_not_come_back_for_seats)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_STANDBY, 0);
	assert_int_equal(count(b, ACTION_BACK), 0);
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
}

TEST(a_standby_that_is_not_good_does_not_come_back)
{
	static const enum health not_good[] = {HEALTH_UNKNOWN, HEALTH_SUSPECT,
					       HEALTH_BAD};

	for (size_t i = 0; i < 3; i++) {
		set_up(b);
		add(b, STATE_AVAILABLE, 0);
		add(b, STATE_STANDBY, 9)->health = not_good[i];
		assert_int_equal(count(b, ACTION_BACK), 0);
		assert_int_equal(count(b, ACTION_LAUNCH), 1);
	}
}

TEST(a_standby_whose_host_leaves_does_not_come_back)
{
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_STANDBY, 9)->host_leaving = true;
	assert_int_equal(count(b, ACTION_BACK), 0);
	assert_int_equal(count(b, ACTION_LAUNCH), 1);
}

TEST(one_that_is_brought_back_is_not_stopped_in_the_same_turn)
{
	add(b, STATE_AVAILABLE, 0);
	add_empty(b);
	assert_int_equal(count(b, ACTION_BACK), 1);
	assert_int_equal(count(b, ACTION_STOP), 0);
}

TEST(a_starting_one_serves_with_its_first_good_answer)
{
	struct server_view *s = add(b, STATE_STARTING, 10);

	assert_int_equal(count(b, ACTION_SERVE), 0);
	s->health = HEALTH_GOOD;
	s->heard = true;
	assert_int_equal(first(b, ACTION_SERVE).id, 1);
	assert_int_equal(first(b, ACTION_SERVE).reason, REASON_ANSWERED);
	assert_int_equal(count(b, ACTION_LAUNCH), 0);
}

/* ---- capacity: limits -------------------------------------------------- */

TEST(max_servers_bounds_launches)
{
	b->policy.upscale_margin = 100;
	b->policy.max_servers = 3;
	add(b, STATE_AVAILABLE, 0);
	check_limited(b, 2, LIMIT_MAX_SERVERS);
	assert_int_equal(b->out.wanted, 10);
}

TEST(everything_that_is_not_gone_counts_towards_max_servers)
{
	b->policy.max_servers = 5;
	add(b, STATE_AVAILABLE, 0);
	add(b, STATE_STANDBY, 0);
	add(b, STATE_STOPPING, 0);
	add(b, STATE_LAUNCHING, 0)->deadline_over = true;
	add(b, STATE_AVAILABLE, 0)->ours = false;
	add(b, STATE_GONE, 0);
	check_limited(b, 0, LIMIT_MAX_SERVERS);
}

TEST(more_adopted_ones_than_max_servers_only_stop_the_launches)
{
	b->policy.max_servers = 1;
	add(b, STATE_AVAILABLE, 0)->ours = false;
	add(b, STATE_AVAILABLE, 0)->ours = false;
	check_limited(b, 0, LIMIT_MAX_SERVERS);
	assert_int_equal(b->out.naction, 0);
}

TEST(launches_per_turn_bounds_launches)
{
	b->policy.upscale_margin = 100;
	b->policy.launches_per_turn = 2;
	check_limited(b, 2, LIMIT_PER_TURN);
}

TEST(launches_per_hour_bounds_launches)
{
	b->policy.upscale_margin = 100;
	b->policy.launches_per_hour = 5;
	b->view.launched_last_hour = 4;
	check_limited(b, 1, LIMIT_PER_HOUR);
	b->view.launched_last_hour = 9;
	check_limited(b, 0, LIMIT_PER_HOUR);
}

TEST(nothing_is_launched_while_launches_fail)
{
	b->view.launch_not_before_ms = NOW_MS + 1;
	check_limited(b, 0, LIMIT_BACKOFF);
	b->view.launch_not_before_ms = NOW_MS;
	check_limited(b, 1, LIMIT_NONE);
}

TEST(nothing_is_launched_before_the_first_complete_list)
{
	b->view.listed = false;
	check_limited(b, 0, LIMIT_LIST);
}

TEST(nothing_is_launched_while_the_list_is_doubtful)
{
	b->view.list_doubtful = true;
	check_limited(b, 0, LIMIT_LIST);
}

TEST(nothing_is_launched_beside_a_second_manager)
{
	b->view.frozen = true;
	check_limited(b, 0, LIMIT_FROZEN);
}

TEST(an_unsettled_scaler_launches_all_the_same)
{
	b->view.settled = false;
	check_limited(b, 1, LIMIT_NONE);
}

TEST(a_want_within_the_limits_is_not_called_limited)
{
	b->policy.launches_per_turn = 1;
	check_limited(b, 1, LIMIT_NONE);
}

/* ---- names ------------------------------------------------------------- */

TEST(every_action_and_limit_has_its_own_name)
{
	(void)b;
	for (int i = 0; i < ACTION_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(
			    action_name((enum action_kind)i),
			    action_name((enum action_kind)j));
	for (int i = 0; i < LIMIT_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(limit_name((enum limit)i),
						limit_name((enum limit)j));
}

UNIT_MAIN(
    cmocka_unit_test(an_overfull_gameserver_hides_no_seat_of_another),
    cmocka_unit_test(a_suspect_counts_with_its_last_seats),
    cmocka_unit_test(a_bad_one_does_not_count_and_is_replaced),
    cmocka_unit_test(one_whose_host_leaves_does_not_count_and_is_replaced),
    cmocka_unit_test(
	those_that_boot_count_as_coming_and_cause_no_second_launch),
    cmocka_unit_test(
	a_launch_whose_task_just_ends_is_coming_until_it_has_failed),
    cmocka_unit_test(one_past_its_deadline_is_no_longer_coming),
    cmocka_unit_test(one_that_was_found_before_it_ran_is_not_waited_for),
    cmocka_unit_test(standby_and_stopping_have_no_free_seats),
    cmocka_unit_test(an_empty_fleet_gets_its_first_gameserver),
    cmocka_unit_test(at_the_upscale_margin_nothing_is_launched),
    cmocka_unit_test(one_seat_below_the_upscale_margin_launches_one),
    cmocka_unit_test(a_deficit_is_launched_at_once_rounded_up),
    cmocka_unit_test(below_min_servers_it_launches_whatever_the_seats),
    cmocka_unit_test(bad_ones_do_not_count_towards_min_servers),
    cmocka_unit_test(standby_comes_back_before_anything_is_launched),
    cmocka_unit_test(the_emptiest_standby_comes_back_first),
    cmocka_unit_test(what_standby_can_not_cover_is_launched),
    cmocka_unit_test(a_full_standby_does_not_come_back_for_seats),
    cmocka_unit_test(a_standby_that_is_not_good_does_not_come_back),
    cmocka_unit_test(a_standby_whose_host_leaves_does_not_come_back),
    cmocka_unit_test(one_that_is_brought_back_is_not_stopped_in_the_same_turn),
    cmocka_unit_test(a_starting_one_serves_with_its_first_good_answer),
    cmocka_unit_test(max_servers_bounds_launches),
    cmocka_unit_test(everything_that_is_not_gone_counts_towards_max_servers),
    cmocka_unit_test(more_adopted_ones_than_max_servers_only_stop_the_launches),
    cmocka_unit_test(launches_per_turn_bounds_launches),
    cmocka_unit_test(launches_per_hour_bounds_launches),
    cmocka_unit_test(nothing_is_launched_while_launches_fail),
    cmocka_unit_test(nothing_is_launched_before_the_first_complete_list),
    cmocka_unit_test(nothing_is_launched_while_the_list_is_doubtful),
    cmocka_unit_test(nothing_is_launched_beside_a_second_manager),
    cmocka_unit_test(an_unsettled_scaler_launches_all_the_same),
    cmocka_unit_test(a_want_within_the_limits_is_not_called_limited),
    cmocka_unit_test(every_action_and_limit_has_its_own_name))
