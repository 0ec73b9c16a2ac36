/* SPDX-License-Identifier: MIT */
/*
 * Random fleets and policies for decide(), from fixed seeds: small and
 * plausible ones, where the rules meet, and wild ones with the extremes of
 * every number. And what is looked up in a decision about one.
 */
#ifndef GSM_SCALERD_DECIDE_SCENES_H
#define GSM_SCALERD_DECIDE_SCENES_H

#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/core/decide.h"
#include "tests/sim/rng.h"

enum {
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

static inline int64_t
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

static inline struct server_view
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

static inline struct policy
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
static inline void
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

static inline void
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
static inline void
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

static inline struct scene *
new_scene(void)
{
	struct scene *scene = malloc(sizeof(*scene));

	assert_non_null(scene);
	return scene;
}

/* ---- what is looked up in a decision ----------------------------------- */

static inline struct server_view *
server_of(struct scene *scene, int64_t id)
{
	for (size_t i = 0; i < scene->view.nserver; i++)
		if (scene->server[i].id == id)
			return &scene->server[i];
	return NULL;
}

static inline int64_t
count(const struct decision *out, enum action_kind kind)
{
	int64_t n = 0;

	for (size_t i = 0; i < out->naction; i++)
		n += out->action[i].kind == kind;
	return n;
}

static inline bool
has(const struct decision *out, enum action_kind kind, int64_t id)
{
	for (size_t i = 0; i < out->naction; i++)
		if (out->action[i].kind == kind && out->action[i].id == id)
			return true;
	return false;
}

static inline bool
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

#endif
