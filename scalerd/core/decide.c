/* SPDX-License-Identifier: MIT */
#include "scalerd/core/decide.h"

#include <assert.h>

enum { BACK_MAX = 16 }; /* brought back by one decision: keeps it linear */

static const char *const action_names[ACTION_COUNT] = {
    [ACTION_STOP] = "stop",       [ACTION_BACK] = "back",
    [ACTION_STANDBY] = "standby", [ACTION_SERVE] = "serve",
    [ACTION_LAUNCH] = "launch",
};

static const char *const limit_names[LIMIT_COUNT] = {
    [LIMIT_NONE] = "",
    [LIMIT_MAX_SERVERS] = "max_servers",
    [LIMIT_PER_TURN] = "launches_per_turn",
    [LIMIT_PER_HOUR] = "launches_per_hour",
    [LIMIT_BACKOFF] = "backoff",
    [LIMIT_PANIC] = "panic",
    [LIMIT_LIST] = "list",
    [LIMIT_FROZEN] = "frozen",
};

/* What one pass over the fleet adds up. */
struct tally {
	int64_t rotation; /* available, in rotation */
	int64_t asked;    /* available and standby: those that panic counts */
	int64_t failing;  /* of these, suspect or bad */
	int64_t good;     /* of these, good */
};

const char *
action_name(enum action_kind kind)
{
	assert(kind < ACTION_COUNT);
	return action_names[kind];
}

const char *
limit_name(enum limit limit)
{
	assert(limit < LIMIT_COUNT);
	return limit_names[limit];
}

static int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return a < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static int64_t
sub(int64_t a, int64_t b)
{
	int64_t difference;

	if (__builtin_sub_overflow(a, b, &difference))
		return a < 0 ? INT64_MIN : INT64_MAX;
	return difference;
}

static void
count_coming(const struct policy *policy, struct decision *out)
{
	out->coming = add(out->coming, policy->server_capacity);
	out->serving++;
}

static void
count_rotation(const struct server_view *s, struct tally *tally,
	       struct decision *out)
{
	out->free = add(out->free, s->credit);
	out->serving++;
	tally->rotation++;
}

static void
count_available(const struct server_view *s, const struct policy *policy,
		struct tally *tally, struct decision *out)
{
	if (s->host_leaving)
		return;
	if (s->health == HEALTH_UNKNOWN)
		/* Found running, not heard yet: it is capacity until it fails,
		 * or a restart without a database would buy a second fleet. */
		count_coming(policy, out);
	else if (s->health != HEALTH_BAD)
		count_rotation(s, tally, out);
}

/* A machine that no operation is at work on: nothing may ever come of it. */
static bool
is_orphan(const struct server_view *s)
{
	return s->state == STATE_LAUNCHING && s->origin == ORIGIN_ADOPTED;
}

static void
count_server(const struct server_view *s, const struct policy *policy,
	     struct tally *tally, struct decision *out)
{
	if (s->state == STATE_GONE)
		return;
	out->live++;
	if (s->state == STATE_AVAILABLE || s->state == STATE_STANDBY) {
		tally->asked++;
		tally->good += s->health == HEALTH_GOOD;
		tally->failing +=
		    s->health == HEALTH_SUSPECT || s->health == HEALTH_BAD;
	}
	if (s->state == STATE_AVAILABLE)
		count_available(s, policy, tally, out);
	else if (s->host_leaving)
		return;
	else if (s->state == STATE_STARTING && s->health == HEALTH_GOOD)
		count_rotation(s, tally, out);
	else if ((s->state == STATE_LAUNCHING || s->state == STATE_STARTING) &&
		 !s->deadline_over && !is_orphan(s))
		count_coming(policy, out);
}

static bool
comes_before(const struct action *a, const struct action *b)
{
	return a->kind != b->kind ? a->kind < b->kind : a->id < b->id;
}

/* Keeps the actions sorted, so that neither their order nor what a full list
 * drops depends on the order of the rows. */
static void
act(struct decision *out, enum action_kind kind, enum reason reason, int64_t id)
{
	struct action new = {.kind = kind, .reason = reason, .id = id};
	size_t i = out->naction;

	if (i == DECIDE_ACTIONS_MAX) {
		if (!comes_before(&new, &out->action[i - 1]))
			return;
		i--;
	} else {
		out->naction++;
	}
	for (; i > 0 && comes_before(&new, &out->action[i - 1]); i--)
		out->action[i] = out->action[i - 1];
	out->action[i] = new;
}

static bool
is_chosen(const struct decision *out, enum action_kind kind, int64_t id)
{
	for (size_t i = 0; i < out->naction; i++)
		if (out->action[i].kind == kind && out->action[i].id == id)
			return true;
	return false;
}

/* The emptier one, or the older of two alike. */
static bool
is_emptier(const struct server_view *s, const struct server_view *than)
{
	if (than == NULL || s->seats != than->seats)
		return than == NULL || s->seats > than->seats;
	return s->id < than->id;
}

/* The emptiest standby gameserver that may come back and is not chosen yet. */
static const struct server_view *
find_back(const struct fleet_view *view, const struct decision *out,
	  bool seats_matter)
{
	const struct server_view *best = NULL;

	for (size_t i = 0; i < view->nserver; i++) {
		const struct server_view *s = &view->server[i];

		if (s->state != STATE_STANDBY || s->health != HEALTH_GOOD ||
		    s->host_leaving || (seats_matter && s->credit <= 0))
			continue;
		if (is_emptier(s, best) && !is_chosen(out, ACTION_BACK, s->id))
			best = s;
	}
	return best;
}

static int64_t
launches_for(int64_t seats, const struct policy *policy)
{
	if (seats <= 0)
		return 0;
	return (seats - 1) / policy->server_capacity + 1;
}

static void
launch(const struct fleet_view *view, const struct policy *policy,
       enum reason reason, struct decision *out)
{
	const bool panic_pause = view->last_launch_ms != INT64_MIN &&
				 sub(view->now_ms, view->last_launch_ms) <
				     policy->panic_launch_interval_ms;
	const bool has_list = view->listed && !view->list_doubtful;
	const bool in_backoff = view->now_ms < view->launch_not_before_ms;
	const struct {
		enum limit limit;
		int64_t allowed;
	} bounds[] = {
	    {LIMIT_PER_TURN, policy->launches_per_turn},
	    {LIMIT_PER_TURN, (int64_t)(DECIDE_ACTIONS_MAX - out->naction)},
	    {LIMIT_PER_HOUR,
	     sub(policy->launches_per_hour, view->launched_last_hour)},
	    {LIMIT_MAX_SERVERS, sub(policy->max_servers, out->live)},
	    {LIMIT_PANIC, !out->panic   ? INT64_MAX
			  : panic_pause ? 0
					: 1},
	    {LIMIT_BACKOFF, in_backoff ? 0 : INT64_MAX},
	    {LIMIT_LIST, has_list ? INT64_MAX : 0},
	    {LIMIT_FROZEN, view->frozen ? 0 : INT64_MAX},
	};
	int64_t n = out->wanted;

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (n > 0 && n > bounds[i].allowed) {
			n = bounds[i].allowed > 0 ? bounds[i].allowed : 0;
			out->limited_by = bounds[i].limit;
		}
	for (; n > 0; n--)
		act(out, ACTION_LAUNCH, reason, 0);
}

/* Short of seats or of gameservers: standby ones come back first, the rest is
 * launched. */
static void
grow(const struct fleet_view *view, const struct policy *policy,
     struct decision *out)
{
	int64_t seats =
	    sub(policy->upscale_margin, add(out->free, out->coming));
	int64_t servers = sub(policy->min_servers, out->serving);
	const enum reason reason =
	    servers > 0 ? REASON_BELOW_MIN : REASON_BELOW_MARGIN;

	for (int n = 0; seats > 0 || servers > 0; n++) {
		const struct server_view *s =
		    find_back(view, out, servers <= 0);

		if (s == NULL)
			break;
		if (n == BACK_MAX)
			return;
		act(out, ACTION_BACK, reason, s->id);
		seats = sub(seats, s->credit);
		servers = sub(servers, 1);
	}
	out->wanted = launches_for(seats, policy);
	if (servers > out->wanted)
		out->wanted = servers;
	launch(view, policy, reason, out);
}

/* A surplus: the emptiest gameserver stops taking new players, one a turn. */
static void
release(const struct fleet_view *view, const struct policy *policy,
	const struct tally *tally, struct decision *out)
{
	const struct server_view *best = NULL;

	if (!decide_is_surplus(out, policy) ||
	    view->surplus_ms < policy->scale_down_delay_ms ||
	    tally->rotation <= policy->min_servers)
		return;
	for (size_t i = 0; i < view->nserver; i++) {
		const struct server_view *s = &view->server[i];

		if (s->state == STATE_AVAILABLE && s->health == HEALTH_GOOD &&
		    s->ours && !s->host_leaving && is_emptier(s, best))
			best = s;
	}
	if (best != NULL &&
	    sub(out->free, best->credit) >= policy->upscale_margin)
		act(out, ACTION_STANDBY, REASON_SURPLUS, best->id);
}

/* Nobody plays there, nobody is on the way, and it says so itself. */
static bool
is_proven_empty(const struct server_view *s, const struct fleet_view *view,
		const struct policy *policy)
{
	return s->state == STATE_STANDBY && s->health == HEALTH_GOOD &&
	       s->proven && s->proof_answers >= PROOF_ANSWERS &&
	       !s->shares_host &&
	       sub(view->now_ms, s->asked_ms) <= policy->fresh_ms;
}

/* Silent for long while others answer, and nobody can be inside: nothing was
 * granted since the proof that it gave last. One that was in rotation when it
 * fell silent may have a player who came after its last answer. */
static bool
is_dead(const struct server_view *s, const struct policy *policy,
	const struct tally *tally)
{
	const int64_t others = tally->asked - 1;

	return s->state == STATE_STANDBY && s->health == HEALTH_BAD &&
	       s->proven && s->silent_ms >= policy->dead_after_ms &&
	       others > 0 && tally->good * 2 >= others && !s->shares_host;
}

/* Out of time and never answered well: our own recorded launch, and what never
 * ran since we know it. What was found running may have players. */
static bool
is_overdue(const struct server_view *s, const struct policy *policy)
{
	if (!s->deadline_over || s->heard)
		return false;
	if (s->origin == ORIGIN_LAUNCHED)
		return s->state == STATE_LAUNCHING ||
		       s->state == STATE_STARTING;
	return is_orphan(s) && policy->reap;
}

static enum reason
stop_reason(const struct server_view *s, const struct fleet_view *view,
	    const struct policy *policy, const struct tally *tally)
{
	if (is_overdue(s, policy))
		return s->state == STATE_LAUNCHING ? REASON_LAUNCH_DEADLINE
						   : REASON_START_GRACE;
	if (is_proven_empty(s, view, policy))
		return REASON_PROVEN_EMPTY;
	return is_dead(s, policy, tally) ? REASON_DEAD : REASON_NONE;
}

static void
stop(const struct fleet_view *view, const struct policy *policy,
     const struct tally *tally, struct decision *out)
{
	for (size_t i = 0; i < view->nserver; i++) {
		const struct server_view *s = &view->server[i];
		enum reason reason = REASON_NONE;

		if (s->ours)
			reason = stop_reason(s, view, policy, tally);
		if (reason != REASON_NONE &&
		    !is_chosen(out, ACTION_BACK, s->id))
			act(out, ACTION_STOP, reason, s->id);
	}
}

static void
serve(const struct fleet_view *view, struct decision *out)
{
	for (size_t i = 0; i < view->nserver; i++) {
		const struct server_view *s = &view->server[i];

		if (s->state == STATE_STARTING && s->health == HEALTH_GOOD)
			act(out, ACTION_SERVE, REASON_ANSWERED, s->id);
	}
}

void
decide(const struct fleet_view *view, const struct policy *policy,
       struct decision *out)
{
	struct tally tally = {0};

	*out = (struct decision){.limited_by = LIMIT_NONE};
	for (size_t i = 0; i < view->nserver; i++)
		count_server(&view->server[i], policy, &tally, out);
	out->panic = tally.failing * 2 > tally.asked;
	serve(view, out);
	grow(view, policy, out);
	if (!view->settled || !view->listed || view->list_doubtful ||
	    view->frozen || out->panic)
		return;
	release(view, policy, &tally, out);
	stop(view, policy, &tally, out);
}

bool
decide_is_surplus(const struct decision *decision, const struct policy *policy)
{
	return decision->free > policy->downscale_margin;
}
