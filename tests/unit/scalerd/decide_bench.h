/* SPDX-License-Identifier: MIT */
/* A fleet of nobody, at rest, that a test of decide() fills and bends; and what
 * was decided about it. */
#ifndef GSM_SCALERD_DECIDE_BENCH_H
#define GSM_SCALERD_DECIDE_BENCH_H

#include "tests/unit/unit.h"

#include "scalerd/core/decide.h"

enum { SERVERS_MAX = 40, NOW_MS = 10000000, MINUTE_MS = 60000 };

/* A fleet of nobody, at rest: what a test does not change holds nothing
 * back. */
struct bench {
	struct server_view server[SERVERS_MAX];
	struct fleet_view view;
	struct policy policy;
	struct decision out;
};

static inline void
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
static inline struct server_view *
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
static inline struct server_view *
add_empty(struct bench *b)
{
	struct server_view *s = add(b, STATE_STANDBY, 10);

	s->proven = true;
	s->proof_answers = PROOF_ANSWERS;
	return s;
}

/* Silent for DEAD_AFTER, and nobody was there. */
static inline struct server_view *
add_dead(struct bench *b, enum state state)
{
	struct server_view *s = add(b, state, 10);

	s->health = HEALTH_BAD;
	s->proven = true;
	s->silent_ms = b->policy.dead_after_ms;
	return s;
}

static inline int64_t
count(struct bench *b, enum action_kind kind)
{
	int64_t n = 0;

	decide(&b->view, &b->policy, &b->out);
	for (size_t i = 0; i < b->out.naction; i++)
		n += b->out.action[i].kind == kind;
	return n;
}

/* The first action of that kind; its reason is REASON_NONE if there is none. */
static inline struct action
first(struct bench *b, enum action_kind kind)
{
	decide(&b->view, &b->policy, &b->out);
	for (size_t i = 0; i < b->out.naction; i++)
		if (b->out.action[i].kind == kind)
			return b->out.action[i];
	return (struct action){.kind = kind};
}

/* So many are launched, and that limit keeps from launching more. */
static inline void
check_limited(struct bench *b, int64_t launches, enum limit limit)
{
	assert_int_equal(count(b, ACTION_LAUNCH), launches);
	assert_int_equal(b->out.limited_by, limit);
}

/* A test on a bench of its own, `b`. */
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

#endif
