/* SPDX-License-Identifier: MIT */
/* What must hold for every decision, on random fleets. */
#include "tests/unit/scalerd/decide_scenes.h"

#include <inttypes.h>

enum { VIEWS = 20000 };

/* Says which fleet it was: `make_scene` with that seed shows it again. */
#define CHECK(scene, condition)                                                \
	do {                                                                   \
		if (!(condition))                                              \
			fail_msg("seed %" PRIu64 ": %s", (scene)->seed,        \
				 #condition);                                  \
	} while (0)

typedef void check_fn(struct scene *scene);

static void
for_all(check_fn *check)
{
	struct scene *scene = new_scene();

	for (uint64_t seed = 1; seed <= VIEWS; seed++) {
		make_scene(scene, seed);
		decide(&scene->view, &scene->policy, &scene->out);
		check(scene);
	}
	free(scene);
}

#define PROPERTY(name)                                                         \
	static void name##_check(struct scene *scene);                         \
	static void name(void **state)                                         \
	{                                                                      \
		(void)state;                                                   \
		for_all(name##_check);                                         \
	}                                                                      \
	static void name##_check(struct scene *scene)

/* ---- order ------------------------------------------------------------- */

static void
shuffle(struct scene *scene, uint64_t seed)
{
	struct rng rng;

	rng_seed(&rng, seed);
	for (size_t i = scene->view.nserver; i > 1; i--) {
		const size_t j = (size_t)rng_range(&rng, 0, (int64_t)i - 1);
		const struct server_view t = scene->server[i - 1];

		scene->server[i - 1] = scene->server[j];
		scene->server[j] = t;
	}
}

PROPERTY(the_order_of_the_rows_changes_nothing)
{
	struct decision again;

	shuffle(scene, ~scene->seed);
	decide(&scene->view, &scene->policy, &again);
	CHECK(scene, are_equal(&scene->out, &again));
}

PROPERTY(actions_are_sorted_and_name_a_gameserver_once)
{
	for (size_t i = 1; i < scene->out.naction; i++) {
		const struct action *a = &scene->out.action[i - 1];
		const struct action *b = &scene->out.action[i];

		CHECK(scene, a->kind <= b->kind);
		if (a->kind == b->kind && a->kind != ACTION_LAUNCH)
			CHECK(scene, a->id < b->id);
		for (size_t j = 0; j < i; j++)
			CHECK(scene, b->kind == ACTION_LAUNCH ||
					 scene->out.action[j].id != b->id);
	}
}

PROPERTY(every_action_is_a_possible_move)
{
	static const enum state to[ACTION_COUNT] = {
	    [ACTION_STOP] = STATE_STOPPING,
	    [ACTION_BACK] = STATE_AVAILABLE,
	    [ACTION_STANDBY] = STATE_STANDBY,
	    [ACTION_SERVE] = STATE_AVAILABLE};

	for (size_t i = 0; i < scene->out.naction; i++) {
		const struct action *a = &scene->out.action[i];
		const struct server_view *s = server_of(scene, a->id);

		CHECK(scene, a->reason != REASON_NONE);
		CHECK(scene, (a->kind == ACTION_LAUNCH) == (s == NULL));
		if (s != NULL)
			CHECK(scene, state_may_become(s->state, to[a->kind]));
	}
}

/* ---- what is taken away ------------------------------------------------ */

static bool
is_proven(const struct scene *scene, const struct server_view *s)
{
	return s->state == STATE_STANDBY && s->proven &&
	       s->proof_answers >= PROOF_ANSWERS && s->health == HEALTH_GOOD &&
	       !s->shares_host &&
	       scene->view.now_ms - s->asked_ms <= scene->policy.fresh_ms;
}

static bool
is_dead(const struct scene *scene, const struct server_view *s)
{
	return s->health == HEALTH_BAD &&
	       s->silent_ms >= scene->policy.dead_after_ms && s->proven &&
	       s->state == STATE_STANDBY;
}

static bool
is_overdue(const struct scene *scene, const struct server_view *s)
{
	return s->deadline_over && !s->heard &&
	       ((s->state == STATE_LAUNCHING &&
		 (s->origin == ORIGIN_LAUNCHED || scene->policy.reap)) ||
		(s->state == STATE_STARTING && s->origin == ORIGIN_LAUNCHED));
}

PROPERTY(nothing_is_stopped_without_proof)
{
	for (size_t i = 0; i < scene->out.naction; i++) {
		const struct action *a = &scene->out.action[i];
		const struct server_view *s = server_of(scene, a->id);

		if (a->kind != ACTION_STOP)
			continue;
		CHECK(scene, s->ours);
		if (a->reason == REASON_PROVEN_EMPTY)
			CHECK(scene, is_proven(scene, s));
		else if (a->reason == REASON_DEAD)
			CHECK(scene, is_dead(scene, s));
		else
			CHECK(scene, is_overdue(scene, s));
	}
}

PROPERTY(one_that_may_have_players_is_never_stopped)
{
	for (size_t i = 0; i < scene->view.nserver; i++) {
		const struct server_view *s = &scene->server[i];

		if (s->heard && !s->proven)
			CHECK(scene, !has(&scene->out, ACTION_STOP, s->id));
	}
}

PROPERTY(what_is_proven_is_stopped_or_brought_back)
{
	const struct fleet_view *v = &scene->view;

	if (!v->listed || v->list_doubtful || !v->settled || v->frozen ||
	    scene->out.panic || scene->out.naction == DECIDE_ACTIONS_MAX)
		return;
	for (size_t i = 0; i < v->nserver; i++) {
		const struct server_view *s = &scene->server[i];

		if (s->ours && is_proven(scene, s))
			CHECK(scene, has(&scene->out, ACTION_STOP, s->id) ||
					 has(&scene->out, ACTION_BACK, s->id));
	}
}

PROPERTY(nothing_is_taken_away_in_doubt)
{
	const struct fleet_view *v = &scene->view;

	if (v->listed && !v->list_doubtful && v->settled && !v->frozen &&
	    !scene->out.panic)
		return;
	CHECK(scene, count(&scene->out, ACTION_STOP) == 0);
	CHECK(scene, count(&scene->out, ACTION_STANDBY) == 0);
}

PROPERTY(a_release_leaves_the_upscale_margin_and_min_servers)
{
	const struct decision *out = &scene->out;

	CHECK(scene, count(out, ACTION_STANDBY) <= 1);
	for (size_t i = 0; i < out->naction; i++) {
		const struct server_view *s;

		if (out->action[i].kind != ACTION_STANDBY)
			continue;
		s = server_of(scene, out->action[i].id);
		CHECK(scene, s->ours && s->state == STATE_AVAILABLE);
		CHECK(scene,
		      out->free - s->credit >= scene->policy.upscale_margin);
		CHECK(scene, out->free > scene->policy.downscale_margin);
		CHECK(scene, out->serving - 1 >= scene->policy.min_servers);
		CHECK(scene, count(out, ACTION_BACK) == 0);
	}
}

PROPERTY(the_emptiest_is_released)
{
	const struct decision *out = &scene->out;
	const struct server_view *released = NULL;

	for (size_t i = 0; i < out->naction; i++)
		if (out->action[i].kind == ACTION_STANDBY)
			released = server_of(scene, out->action[i].id);
	for (size_t i = 0; released != NULL && i < scene->view.nserver; i++) {
		const struct server_view *s = &scene->server[i];

		if (s->state == STATE_AVAILABLE && s->ours &&
		    s->health == HEALTH_GOOD && !s->host_leaving)
			CHECK(scene, s->seats <= released->seats);
	}
}

/* ---- what is added ----------------------------------------------------- */

PROPERTY(standby_comes_back_before_a_launch)
{
	const struct decision *out = &scene->out;

	if (count(out, ACTION_LAUNCH) == 0)
		return;
	for (size_t i = 0; i < scene->view.nserver; i++) {
		const struct server_view *s = &scene->server[i];

		if (s->state == STATE_STANDBY && s->health == HEALTH_GOOD &&
		    !s->host_leaving && s->credit > 0)
			CHECK(scene, has(out, ACTION_BACK, s->id));
	}
}

PROPERTY(launches_stay_within_every_limit)
{
	const struct policy *p = &scene->policy;
	const struct fleet_view *v = &scene->view;
	const int64_t n = count(&scene->out, ACTION_LAUNCH);

	CHECK(scene, n <= scene->out.wanted);
	if (n == 0)
		return;
	CHECK(scene, scene->out.live + n <= p->max_servers);
	CHECK(scene, n <= p->launches_per_turn);
	CHECK(scene, v->launched_last_hour + n <= p->launches_per_hour);
	CHECK(scene, v->listed && !v->list_doubtful && !v->frozen);
	CHECK(scene, v->now_ms >= v->launch_not_before_ms);
	if (scene->out.panic)
		CHECK(scene, n == 1 && (v->last_launch_ms == INT64_MIN ||
					v->now_ms - v->last_launch_ms >=
					    p->panic_launch_interval_ms));
}

PROPERTY(as_much_is_launched_as_is_wanted_or_a_limit_is_named)
{
	const int64_t n = count(&scene->out, ACTION_LAUNCH);

	if (scene->out.naction < DECIDE_ACTIONS_MAX)
		CHECK(scene, (n == scene->out.wanted) ==
				 (scene->out.limited_by == LIMIT_NONE));
}

PROPERTY(what_comes_back_may_come_back)
{
	for (size_t i = 0; i < scene->out.naction; i++) {
		const struct action *a = &scene->out.action[i];
		const struct server_view *s = server_of(scene, a->id);

		if (a->kind == ACTION_BACK)
			CHECK(scene, s->state == STATE_STANDBY &&
					 s->health == HEALTH_GOOD &&
					 !s->host_leaving);
	}
}

/* ---- over several turns ------------------------------------------------ */

static void
apply_one(struct scene *scene, const struct action *a)
{
	static const enum state to[ACTION_COUNT] = {
	    [ACTION_STOP] = STATE_STOPPING,
	    [ACTION_BACK] = STATE_AVAILABLE,
	    [ACTION_STANDBY] = STATE_STANDBY,
	    [ACTION_SERVE] = STATE_AVAILABLE};
	struct fleet_view *v = &scene->view;
	struct server_view *s = server_of(scene, a->id);

	if (s != NULL) {
		s->state = to[a->kind];
		s->proof_answers = 0;
		return;
	}
	CHECK(scene, v->nserver < SERVERS_MAX + LAUNCHED_MAX);
	scene->server[v->nserver] =
	    (struct server_view){.id = (int64_t)v->nserver + 1,
				 .state = STATE_LAUNCHING,
				 .origin = ORIGIN_LAUNCHED,
				 .ours = true};
	v->nserver++;
	v->launched_last_hour++;
	v->last_launch_ms = v->now_ms;
}

/* With nothing new to see, the scaler comes to rest; nobody goes to standby
 * and back on the way. */
PROPERTY(applying_the_decisions_comes_to_rest)
{
	bool released[SERVERS_MAX + LAUNCHED_MAX + 1] = {false};
	const size_t turns_max =
	    2 * scene->view.nserver + (size_t)scene->policy.max_servers + 2;

	for (size_t turn = 0; scene->out.naction > 0; turn++) {
		CHECK(scene, turn < turns_max);
		for (size_t i = 0; i < scene->out.naction; i++) {
			const struct action *a = &scene->out.action[i];

			released[a->id] |= a->kind == ACTION_STANDBY;
			if (a->kind == ACTION_BACK)
				CHECK(scene, !released[a->id]);
			apply_one(scene, a);
		}
		decide(&scene->view, &scene->policy, &scene->out);
	}
}

/* ---- extremes ---------------------------------------------------------- */

/* Built with -fsanitize=undefined this shows that no number overflows. */
static void
extreme_numbers_break_no_rule(void **state)
{
	struct scene *scene = new_scene();

	(void)state;
	for (uint64_t seed = 1; seed <= VIEWS; seed++) {
		make_wild(scene, seed);
		decide(&scene->view, &scene->policy, &scene->out);
		CHECK(scene, scene->out.free >= 0 && scene->out.coming >= 0);
		CHECK(scene, scene->out.naction <= DECIDE_ACTIONS_MAX);
		if (count(&scene->out, ACTION_LAUNCH) > 0)
			CHECK(scene,
			      scene->policy.max_servers -
				      count(&scene->out, ACTION_LAUNCH) >=
				  scene->out.live);
		one_that_may_have_players_is_never_stopped_check(scene);
		nothing_is_taken_away_in_doubt_check(scene);
		the_order_of_the_rows_changes_nothing_check(scene);
	}
	free(scene);
}

UNIT_MAIN(
    cmocka_unit_test(the_order_of_the_rows_changes_nothing),
    cmocka_unit_test(actions_are_sorted_and_name_a_gameserver_once),
    cmocka_unit_test(every_action_is_a_possible_move),
    cmocka_unit_test(nothing_is_stopped_without_proof),
    cmocka_unit_test(one_that_may_have_players_is_never_stopped),
    cmocka_unit_test(what_is_proven_is_stopped_or_brought_back),
    cmocka_unit_test(nothing_is_taken_away_in_doubt),
    cmocka_unit_test(a_release_leaves_the_upscale_margin_and_min_servers),
    cmocka_unit_test(the_emptiest_is_released),
    cmocka_unit_test(standby_comes_back_before_a_launch),
    cmocka_unit_test(launches_stay_within_every_limit),
    cmocka_unit_test(as_much_is_launched_as_is_wanted_or_a_limit_is_named),
    cmocka_unit_test(what_comes_back_may_come_back),
    cmocka_unit_test(applying_the_decisions_comes_to_rest),
    cmocka_unit_test(extreme_numbers_break_no_rule))
