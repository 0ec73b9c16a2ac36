/* SPDX-License-Identifier: MIT */
/*
 * What must hold for every decision, on random fleets from fixed seeds: small
 * and plausible ones, where the rules meet, and wild ones with the extremes
 * of every number.
 */
#include "scalerd/core/decide.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tests/sim/rng.h"
#include "tests/unit/unit.h"

enum {
	VIEWS = 20000,
	PLAUSIBLE_MAX = 12, /* gameservers of most fleets */
	SERVERS_MAX = 200,  /* of some: more than a decision's actions */
	LAUNCHED_MAX = 200, /* room for what the decisions launch */
};

struct scene {
	struct server_view server[SERVERS_MAX + LAUNCHED_MAX];
	struct fleet_view view;
	struct policy policy;
	struct decision out;
	uint64_t seed;
};

/* ---- random fleets ----------------------------------------------------- */

static int64_t
wild(struct rng *rng)
{
	static const int64_t extremes[] = {INT64_MIN,
					   INT64_MIN + 1,
					   -1,
					   0,
					   1,
					   INT64_MAX - 1,
					   INT64_MAX,
					   INT64_C(1) << 62,
					   -(INT64_C(1) << 62)};
	const int64_t n = sizeof(extremes) / sizeof(extremes[0]);

	return extremes[rng_range(rng, 0, n - 1)];
}

static struct server_view
any_server(struct rng *rng, int64_t id, int64_t now_ms)
{
	const enum health health =
	    rng_percent(rng, 60)
		? HEALTH_GOOD
		: (enum health)rng_range(rng, 0, HEALTH_COUNT - 1);

	return (struct server_view){
	    .id = id,
	    .state = (enum state)rng_range(rng, 0, STATE_COUNT - 1),
	    .health = health,
	    .origin = (enum origin)rng_range(rng, 0, ORIGIN_COUNT - 1),
	    .ours = rng_percent(rng, 80),
	    .heard = health == HEALTH_GOOD || health == HEALTH_SUSPECT ||
		     rng_percent(rng, 50),
	    .proven = rng_percent(rng, 50),
	    .host_leaving = rng_percent(rng, 10),
	    .shares_host = rng_percent(rng, 10),
	    .deadline_over = rng_percent(rng, 30),
	    .seats = rng_range(rng, -5, 20),
	    .credit = rng_range(rng, 0, 20),
	    .proof_answers = rng_range(rng, 0, 3),
	    .asked_ms = now_ms - rng_range(rng, 0, 10000),
	    .silent_ms = rng_range(rng, 0, 2) * 60000,
	};
}

static struct policy
any_policy(struct rng *rng)
{
	struct policy policy = {
	    .upscale_margin = rng_range(rng, 0, 40),
	    .server_capacity = rng_range(rng, 1, 20),
	    .min_servers = rng_range(rng, 0, 5),
	    .launches_per_turn = rng_range(rng, 1, 8),
	    .launches_per_hour = rng_range(rng, 1, 100),
	    .scale_down_delay_ms = 60000,
	    .dead_after_ms = 60000,
	    .panic_launch_interval_ms = 60000,
	    .fresh_ms = 5000,
	    .health = {.fall = 3, .rise = 2},
	};

	policy.downscale_margin = policy.upscale_margin +
				  policy.server_capacity + 1 +
				  rng_range(rng, 0, 20);
	policy.max_servers = policy.min_servers + rng_range(rng, 0, 15);
	policy.reap = rng_range(rng, 0, 1) == 1;
	return policy;
}

/* More actions than one decision holds. */
static void
crowd(struct scene *scene, struct rng *rng)
{
	static const enum state states[] = {STATE_STANDBY, STATE_STANDBY,
					    STATE_STARTING};

	for (size_t i = 0; i < scene->view.nserver; i++) {
		struct server_view *s = &scene->server[i];

		s->state = states[rng_range(rng, 0, 2)];
		s->health = HEALTH_GOOD;
		s->ours = s->heard = s->proven = true;
		s->proof_answers = PROOF_ANSWERS;
	}
}

static void
make_scene(struct scene *scene, uint64_t seed)
{
	struct rng rng;
	int64_t n;

	rng_seed(&rng, seed);
	memset(scene, 0, sizeof(*scene));
	scene->seed = seed;
	n = rng_range(&rng, 0, PLAUSIBLE_MAX);
	if (rng_percent(&rng, 5))
		n = rng_range(&rng, 0, SERVERS_MAX);
	scene->policy = any_policy(&rng);
	scene->view = (struct fleet_view){
	    .server = scene->server,
	    .nserver = (size_t)n,
	    .now_ms = rng_range(&rng, 1000000, 2000000),
	    .listed = rng_percent(&rng, 90),
	    .list_doubtful = rng_percent(&rng, 10),
	    .settled = rng_percent(&rng, 90),
	    .frozen = rng_percent(&rng, 5),
	    .surplus_ms = rng_range(&rng, 0, 120000),
	    .launched_last_hour = rng_range(&rng, 0, 20),
	};
	scene->view.launch_not_before_ms =
	    rng_percent(&rng, 90) ? 0 : scene->view.now_ms + 1;
	scene->view.last_launch_ms =
	    rng_percent(&rng, 50)
		? INT64_MIN
		: scene->view.now_ms - rng_range(&rng, 0, 120000);
	for (int64_t i = 0; i < n; i++)
		scene->server[i] = any_server(&rng, i + 1, scene->view.now_ms);
	if (n > DECIDE_ACTIONS_MAX && rng_percent(&rng, 50))
		crowd(scene, &rng);
}

/* Any number may be an extreme one. */
static void
make_wild(struct scene *scene, uint64_t seed)
{
	struct policy *p = &scene->policy;
	struct fleet_view *v = &scene->view;
	struct rng rng;

	make_scene(scene, seed);
	rng_seed(&rng, ~seed);
	int64_t *const numbers[] = {&p->upscale_margin,
				    &p->downscale_margin,
				    &p->min_servers,
				    &p->max_servers,
				    &p->launches_per_turn,
				    &p->launches_per_hour,
				    &p->scale_down_delay_ms,
				    &p->dead_after_ms,
				    &p->panic_launch_interval_ms,
				    &p->fresh_ms,
				    &v->now_ms,
				    &v->surplus_ms,
				    &v->launched_last_hour,
				    &v->launch_not_before_ms,
				    &v->last_launch_ms};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (rng_percent(&rng, 40))
			*numbers[i] = wild(&rng);
	if (rng_percent(&rng, 40))
		p->server_capacity =
		    rng_percent(&rng, 50) ? INT64_MAX : INT64_C(1) << 62;
	for (size_t i = 0; i < v->nserver; i++) {
		struct server_view *s = &scene->server[i];

		if (rng_percent(&rng, 50))
			s->seats = wild(&rng);
		s->credit = wild(&rng) & INT64_MAX;
		if (rng_percent(&rng, 50))
			s->asked_ms = wild(&rng);
		if (rng_percent(&rng, 50))
			s->silent_ms = wild(&rng);
	}
}

static struct scene *
new_scene(void)
{
	struct scene *scene = malloc(sizeof(*scene));

	assert_non_null(scene);
	return scene;
}

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

/* ---- what is looked up in a decision ----------------------------------- */

static struct server_view *
server_of(struct scene *scene, int64_t id)
{
	for (size_t i = 0; i < scene->view.nserver; i++)
		if (scene->server[i].id == id)
			return &scene->server[i];
	return NULL;
}

static int64_t
count(const struct decision *out, enum action_kind kind)
{
	int64_t n = 0;

	for (size_t i = 0; i < out->naction; i++)
		n += out->action[i].kind == kind;
	return n;
}

static bool
has(const struct decision *out, enum action_kind kind, int64_t id)
{
	for (size_t i = 0; i < out->naction; i++)
		if (out->action[i].kind == kind && out->action[i].id == id)
			return true;
	return false;
}

static bool
are_equal(const struct decision *a, const struct decision *b)
{
	if (a->free != b->free || a->coming != b->coming ||
	    a->serving != b->serving || a->live != b->live ||
	    a->panic != b->panic || a->limited_by != b->limited_by ||
	    a->wanted != b->wanted || a->naction != b->naction)
		return false;
	for (size_t i = 0; i < a->naction; i++)
		if (a->action[i].kind != b->action[i].kind ||
		    a->action[i].reason != b->action[i].reason ||
		    a->action[i].id != b->action[i].id)
			return false;
	return true;
}

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
