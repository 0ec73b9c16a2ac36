/* SPDX-License-Identifier: MIT */
#include "scalerd/scaler/scaler.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "scalerd/scaler/state.h"

static void
set_policy(struct scaler *s, const struct config *c)
{
	s->config = *c;
	s->policy = (struct policy){
	    .upscale_margin = c->upscale_margin,
	    .downscale_margin = c->downscale_margin,
	    .server_capacity = c->server_capacity,
	    .min_servers = c->min_servers,
	    .max_servers = c->max_servers,
	    .launches_per_turn = c->launches_per_turn,
	    .launches_per_hour = c->launches_per_hour,
	    .scale_down_delay_ms = c->scale_down_delay_ms,
	    .dead_after_ms = c->dead_after_ms,
	    .panic_launch_interval_ms = c->panic_launch_interval_ms,
	    .fresh_ms =
		c->poll_interval_ms + c->health_timeout_ms + FRESH_SLACK_MS,
	    .reap = c->reap == CONFIG_REAP_ON,
	    .health = {.fall = (int)c->health_fall,
		       .rise = (int)c->health_rise},
	};
}

void
scaler_observe(struct scaler *s)
{
	s->now = s->ports.clock.now(s->ports.clock.self);
}

void
scaler_turn_by(struct scaler *s, int64_t at_ms)
{
	if (s->due_ms > at_ms)
		s->due_ms = at_ms;
}

struct scaler *
scaler_new(const struct ports *ports, const struct config *config)
{
	struct scaler *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ports = *ports;
	s->fleet.next_id = 1;
	s->last_launch_ms = INT64_MIN;
	s->surplus_since_ms = -1;
	s->journal = journal_new();
	set_policy(s, config);
	if (slots_init(&s->slots, ports->ledger.nslot) && s->journal != NULL)
		return s;
	scaler_free(s);
	return NULL;
}

void
scaler_free(struct scaler *s)
{
	if (s == NULL)
		return;
	fleet_deinit(&s->fleet);
	slots_deinit(&s->slots);
	journal_free(s->journal);
	free(s->launched_ms);
	free(s);
}

void
scaler_reconfigure(struct scaler *s, const struct config *config)
{
	const struct health_rule before = s->policy.health;
	const bool reap_changed = s->config.reap != config->reap;

	set_policy(s, config);
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = s->fleet.member[i];
		const enum health health = health_of(m->row.score, before);

		m->row.score = health_score(health, s->policy.health);
		m->dirty = true; /* the same score is another word now */
		if (reap_changed)
			change_alarm_orphan(s, m);
		if (m->next_poll_ms > s->now.ms + config->poll_interval_ms)
			m->next_poll_ms = s->now.ms + config->poll_interval_ms;
	}
	scaler_turn_by(s, s->now.ms);
}

/* From here on everything is observed anew before anything is taken away. */
static void
unsettle(struct scaler *s)
{
	s->settled = false;
	s->surplus_since_ms = -1;
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = s->fleet.member[i];

		m->rounds = 0;
		m->proof_answers = 0;
		m->last_asked_ms = 0;
		m->silent_ms = 0;
	}
}

static void
note_time(struct scaler *s)
{
	const struct instant now = s->ports.clock.now(s->ports.clock.self);
	const int64_t boot_step = now.ms - s->turned_ms;
	const int64_t utc_step = now.utc_ms - s->turned_utc_ms;
	const int64_t drift = utc_step - boot_step;

	s->now = now;
	if (s->turned_ms != 0 &&
	    (boot_step > TURN_JUMP_MS || drift > TURN_JUMP_MS ||
	     drift < -TURN_JUMP_MS)) {
		log_warn("clock_jump", LOG_NUM("boottime_ms", boot_step),
			 LOG_NUM("utc_ms", utc_step));
		unsettle(s);
	}
	s->turned_ms = now.ms;
	s->turned_utc_ms = now.utc_ms;
}

/* Settled: each that can be asked has been, SETTLED_ROUNDS times since the
 * start or the last jump. Those that come later do not unsettle. */
static void
note_settled(struct scaler *s)
{
	if (s->settled || !s->listed)
		return;
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		const struct member *m = s->fleet.member[i];

		if ((m->row.state == STATE_STARTING ||
		     m->row.state == STATE_AVAILABLE ||
		     m->row.state == STATE_STANDBY) &&
		    m->rounds < SETTLED_ROUNDS)
			return;
	}
	s->settled = true;
	log_info("settled", LOG_NUM("gameservers", (int64_t)s->fleet.nmember));
}

static bool
decide_now(struct scaler *s)
{
	struct server_view *server =
	    calloc(s->fleet.nmember + 1, sizeof(*server));
	struct fleet_view view;

	if (server == NULL) {
		log_error("decide", LOG_TEXT("error", "out of memory"));
		return false;
	}
	view_build(s, server, &view);
	decide(&view, &s->policy, &s->decision);
	free(server);
	/* While most of the fleet is silent the silence is the network's, and
	 * when it ends some answer before others. */
	if (s->decision.panic)
		unsettle(s);
	if (!decide_is_surplus(&s->decision, &s->policy))
		s->surplus_since_ms = -1;
	else if (s->surplus_since_ms < 0)
		s->surplus_since_ms = s->now.ms;
	return true;
}

static void
note_action(struct scaler *s, const struct action *action)
{
	const struct decision *d = &s->decision;
	char which[32] = "";

	if (action->id != 0)
		snprintf(which, sizeof(which), " gameserver %" PRId64,
			 action->id);
	snprintf(s->last_action, sizeof(s->last_action),
		 "%s%s: %s (free %" PRId64 ", coming %" PRId64
		 ", margins %" PRId64 "..%" PRId64 ")",
		 action_name(action->kind), which, reason_name(action->reason),
		 d->free, d->coming, s->policy.upscale_margin,
		 s->policy.downscale_margin);
	s->last_action_utc_ms = s->now.utc_ms;
}

/* A launch is out of time: a failed one, with what an operator can look at. */
static void
fail_overdue(struct scaler *s, const struct member *m, enum reason reason)
{
	const struct intent *launch =
	    fleet_pending(&s->fleet, m->row.id, OP_LAUNCH);
	char detail[DETAIL_SIZE];

	if (reason == REASON_START_GRACE)
		snprintf(detail, sizeof(detail),
			 "no good health answer within START_GRACE: look at "
			 "HEALTH_URL, the gameserver and the network to "
			 "%.80s",
			 m->row.address);
	else
		snprintf(detail, sizeof(detail),
			 "not running within LAUNCH_DEADLINE%s%s",
			 launch == NULL ? "" : ", last phase: ",
			 launch == NULL ? "" : launch->row.phase);
	change_launch_failed(s, m->entered_ms, detail);
}

static void
apply(struct scaler *s, const struct action *action)
{
	static const enum state target[ACTION_COUNT] = {
	    [ACTION_BACK] = STATE_AVAILABLE,
	    [ACTION_STANDBY] = STATE_STANDBY,
	    [ACTION_SERVE] = STATE_AVAILABLE,
	};
	struct member *m;

	if (action->kind == ACTION_LAUNCH) {
		/* The decision knew nothing of failures among its own. */
		if (s->now.ms >= s->launch_not_before_ms &&
		    change_launch(s, action->reason))
			note_action(s, action);
		return;
	}
	note_action(s, action);
	m = fleet_find(&s->fleet, action->id);
	if (action->kind == ACTION_STOP) {
		if (action->reason == REASON_LAUNCH_DEADLINE ||
		    action->reason == REASON_START_GRACE)
			fail_overdue(s, m, action->reason);
		change_stop(s, m, action->reason, s->last_action);
		return;
	}
	change_state(s, m, target[action->kind], action->reason,
		     s->last_action);
}

/* What holds the scaler back, said once for as long as it does. */
static void
note_limits(struct scaler *s)
{
	static const struct {
		enum limit limit;
		const char *message;
	} said[] = {
	    {LIMIT_MAX_SERVERS, "more gameservers are wanted than MAX_SERVERS"},
	    {LIMIT_PER_HOUR, "more launches are wanted than LAUNCHES_PER_HOUR"},
	};
	const char *limited = NULL;

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (s->decision.limited_by == said[i].limit)
			limited = said[i].message;
	journal_alarm(s->journal, ALARM_LIMITED, 0, s->now.utc_ms, limited);
	journal_alarm(
	    s->journal, ALARM_PANIC, 0, s->now.utc_ms,
	    s->decision.panic
		? "most of the fleet does not answer: nothing is stopped"
		: NULL);
	if (s->now.ms >= s->frozen_until_ms)
		journal_alarm(s->journal, ALARM_SECOND_MANAGER, 0,
			      s->now.utc_ms, NULL);
}

/* Silent for long, and kept: nobody knows whether somebody plays there. */
static void
note_silence(struct scaler *s)
{
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		const struct member *m = s->fleet.member[i];

		if ((m->row.state == STATE_AVAILABLE ||
		     m->row.state == STATE_STANDBY) &&
		    m->silent_ms >= s->config.dead_after_ms && !m->proven)
			journal_alarm(s->journal, ALARM_DEAD_WITH_PLAYERS,
				      m->row.id, s->now.utc_ms,
				      "silent for DEAD_AFTER; kept, for a "
				      "player may have "
				      "come after its last answer");
	}
}

static void
note_drains(struct scaler *s)
{
	const int64_t deadline = s->config.drain_deadline_ms;

	for (size_t i = 0; i < s->fleet.nmember; i++) {
		const struct member *m = s->fleet.member[i];
		const bool late =
		    m->row.state == STATE_STANDBY &&
		    s->now.utc_ms - m->row.since_utc_ms >= deadline;

		if (late || deadline == 0 || m->row.state == STATE_AVAILABLE)
			journal_alarm(
			    s->journal, ALARM_DRAIN_DEADLINE, m->row.id,
			    s->now.utc_ms,
			    late ? "standby for longer than DRAIN_DEADLINE"
				 : NULL);
	}
}

enum turn_result
scaler_turn(struct scaler *s, struct err *err)
{
	enum turn_result result;

	note_time(s);
	note_settled(s);
	seats_observe(s);
	/* What is decided must be recorded before anything else is. */
	if (!s->uncommitted && decide_now(s)) {
		for (size_t i = 0; i < s->decision.naction; i++)
			apply(s, &s->decision.action[i]);
		note_limits(s);
		note_drains(s);
		note_silence(s);
	}
	seats_prepare(s);
	result = record(s, err);
	if (result != TURN_OK)
		return result;
	if (!s->uncommitted)
		act_operations(s);
	act_list(s);
	act_questions(s);
	fleet_prune(&s->fleet, s->now.ms - GONE_KEEP_MS);
	s->due_ms = act_next_ms(s);
	return TURN_OK;
}

int64_t
scaler_due_ms(const struct scaler *s)
{
	return s->due_ms;
}
