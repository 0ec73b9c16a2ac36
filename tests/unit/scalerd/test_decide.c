/* SPDX-License-Identifier: MIT */
/* Each rule of docs/design.md section 5, on the smallest fleet that shows it.
 */
#include "scalerd/core/decide.h"

#include "tests/unit/unit.h"

enum { SERVERS_MAX = 40, NOW_MS = 10000000, MINUTE_MS = 60000 };

/* A fleet of nobody, at rest: what a test does not change holds nothing
 * back. */
struct bench {
	struct server_view server[SERVERS_MAX];
	struct fleet_view view;
	struct policy policy;
	struct decision out;
};

static void
set_up(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->policy = (struct policy){
	    .upscale_margin = 4,
	    .downscale_margin = 18,
	    .server_capacity = 10,
	    .min_servers = 1,
	    .max_servers = 20,
	    .launches_per_turn = 10,
	    .launches_per_hour = 100,
	    .scale_down_delay_ms = MINUTE_MS,
	    .dead_after_ms = 10 * MINUTE_MS,
	    .panic_launch_interval_ms = MINUTE_MS,
	    .fresh_ms = 5000,
	    .reap = true,
	    .health = {.fall = 3, .rise = 2},
	};
	b->view = (struct fleet_view){
	    .server = b->server,
	    .now_ms = NOW_MS,
	    .listed = true,
	    .settled = true,
	    .surplus_ms = MINUTE_MS,
	    .last_launch_ms = INT64_MIN,
	};
}

/* One more, in good health and ours. */
static struct server_view *
add(struct bench *b, enum state state, int64_t seats)
{
	struct server_view *s = &b->server[b->view.nserver++];

	*s = (struct server_view){
	    .id = (int64_t)b->view.nserver,
	    .state = state,
	    .health = HEALTH_GOOD,
	    .origin = ORIGIN_LAUNCHED,
	    .ours = true,
	    .heard = true,
	    .seats = seats,
	    .credit = seats > 0 ? seats : 0,
	    .asked_ms = NOW_MS - 1000,
	};
	if (state == STATE_LAUNCHING || state == STATE_STARTING) {
		s->health = HEALTH_UNKNOWN;
		s->heard = false;
	}
	return s;
}

/* A standby gameserver with every proof that it is empty. */
static struct server_view *
add_empty(struct bench *b)
{
	struct server_view *s = add(b, STATE_STANDBY, 10);

	s->proven = true;
	s->proof_answers = PROOF_ANSWERS;
	return s;
}

/* Silent for DEAD_AFTER, and nobody was there. */
static struct server_view *
add_dead(struct bench *b, enum state state)
{
	struct server_view *s = add(b, state, 10);

	s->health = HEALTH_BAD;
	s->proven = true;
	s->silent_ms = b->policy.dead_after_ms;
	return s;
}

static int64_t
count(struct bench *b, enum action_kind kind)
{
	int64_t n = 0;

	decide(&b->view, &b->policy, &b->out);
	for (size_t i = 0; i < b->out.naction; i++)
		n += b->out.action[i].kind == kind;
	return n;
}

/* The first action of that kind; its reason is REASON_NONE if there is none. */
static struct action
first(struct bench *b, enum action_kind kind)
{
	decide(&b->view, &b->policy, &b->out);
	for (size_t i = 0; i < b->out.naction; i++)
		if (b->out.action[i].kind == kind)
			return b->out.action[i];
	return (struct action){.kind = kind};
}

#define TEST(name)                                                             \
	static void name##_on(struct bench *b);                                \
	static void name(void **state)                                         \
	{                                                                      \
		struct bench b;                                                \
		(void)state;                                                   \
		set_up(&b);                                                    \
		name##_on(&b);                                                 \
	}                                                                      \
	static void name##_on(struct bench *b)

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

static void
check_limited(struct bench *b, int64_t launches, enum limit limit)
{
	assert_int_equal(count(b, ACTION_LAUNCH), launches);
	assert_int_equal(b->out.limited_by, limit);
}

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

/* ---- capacity: releasing ----------------------------------------------- */

static void
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
	our_own_launches_are_stopped_at_their_deadlines_in_a_dry_run_too),
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
    cmocka_unit_test(in_panic_a_fleet_of_one_still_gets_its_replacement),
    cmocka_unit_test(every_action_and_limit_has_its_own_name))
