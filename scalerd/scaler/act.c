/* SPDX-License-Identifier: MIT */
/* Calls go out here: only for operations that the store has, and only while
 * this process is the writer. */
#include <stdlib.h>

#include "scalerd/scaler/state.h"

/* Whether nothing but time stands between the operation and its call. */
static bool
is_callable(const struct scaler *s, const struct intent *o)
{
	if (o->row.result != OP_PENDING || o->in_flight)
		return false;
	/* What an earlier process may have sent: the list may show it. */
	if (o->resumed && (!s->listed || s->list_doubtful))
		return false;
	/* A stop must see what the launch before it made. */
	if (o->row.kind == OP_STOP)
		for (size_t i = 0; i < s->fleet.nintent; i++) {
			const struct intent *other = s->fleet.intent[i];

			if (other->row.gameserver == o->row.gameserver &&
			    other->in_flight)
				return false;
		}
	return true;
}

static bool
is_writer(const struct scaler *s)
{
	const struct instant now = s->ports.clock.now(s->ports.clock.self);

	return now.ms - s->committed_ms <= WRITER_CHECK_MS ||
	       s->ports.store.is_writer(s->ports.store.self);
}

static void
call(struct scaler *s, struct intent *o)
{
	const struct provider_port *provider = &s->ports.provider;
	const struct member *m = fleet_find(&s->fleet, o->row.gameserver);

	if (m == NULL) {
		change_finish(s, o, OP_ABANDONED, "its gameserver has no row");
		return;
	}
	o->in_flight = true;
	if (o->row.kind == OP_LAUNCH)
		provider->launch(provider->self, &o->row, &m->row);
	else
		provider->stop(provider->self, &o->row, &m->row);
}

void
act_operations(struct scaler *s)
{
	for (size_t i = 0; i < s->fleet.nintent; i++) {
		struct intent *o = s->fleet.intent[i];

		if (o->dirty || s->now.ms < o->next_ms || !is_callable(s, o))
			continue;
		if (!is_writer(s))
			return;
		call(s, o);
	}
}

/* What the rows know of those that are not gone. NULL: out of memory. */
static struct known *
collect_known(const struct scaler *s, size_t *n)
{
	struct known *known = calloc(s->fleet.nmember + 1, sizeof(*known));

	*n = 0;
	for (size_t i = 0; known != NULL && i < s->fleet.nmember; i++) {
		const struct gameserver *row = &s->fleet.member[i]->row;

		if (row->state != STATE_GONE)
			known[(*n)++] =
			    (struct known){.mark = row->mark, .ref = row->ref};
	}
	return known;
}

void
act_list(struct scaler *s)
{
	const struct provider_port *provider = &s->ports.provider;
	struct known *known;
	size_t n;

	if (s->listing || s->now.ms < s->next_list_ms)
		return;
	known = collect_known(s, &n);
	if (known == NULL) {
		observe_no_list(s, "out of memory");
		return;
	}
	s->listing = true;
	provider->list(provider->self, known, n);
	free(known);
}

static bool
is_asked(const struct member *m)
{
	const enum state state = m->row.state;

	return (state == STATE_STARTING || state == STATE_AVAILABLE ||
		state == STATE_STANDBY) &&
	       m->row.ip[0] != '\0' && m->row.port != 0;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
act_poll_interval(const struct scaler *s, const struct member *m)
{
	const struct clock_port *clock = &s->ports.clock;
	const enum health health = view_health(s, m);
	int64_t interval = s->config.poll_interval_ms;
	int64_t jitter;

	if (health == HEALTH_BAD)
		interval = smaller(interval, POLL_BAD_MS);
	else if (health != HEALTH_GOOD || seats_is_waiting(s, m))
		interval = smaller(interval, POLL_FAST_MS);
	jitter = interval / POLL_JITTER_DIV;
	return interval - jitter +
	       (int64_t)(clock->random(clock->self) %
			 (uint64_t)(2 * jitter + 1));
}

/* Whether it may be asked a little earlier or later, with others. */
static bool
is_flexible(const struct scaler *s, const struct member *m)
{
	return view_health(s, m) == HEALTH_GOOD && !seats_is_waiting(s, m);
}

int64_t
act_ask_by_ms(const struct scaler *s, const struct member *m)
{
	const int64_t late =
	    smaller(POLL_LATE_MS, s->config.poll_interval_ms / POLL_JITTER_DIV);

	return m->next_poll_ms + (is_flexible(s, m) ? late : 0);
}

static int64_t
ask_from_ms(const struct scaler *s, const struct member *m)
{
	const int64_t early = smaller(
	    POLL_EARLY_MS, 2 * s->config.poll_interval_ms / POLL_JITTER_DIV);

	return m->next_poll_ms - (is_flexible(s, m) ? early : 0);
}

static bool
ask(struct scaler *s, struct member *m)
{
	const struct prober_port *prober = &s->ports.prober;
	const struct question question = {
	    .gameserver = m->row.id,
	    .ip = m->row.ip,
	    .port = m->row.port,
	    .told_state =
		m->row.state == STATE_STANDBY ? "standby" : "available",
	    .suspect = view_health(s, m) != HEALTH_GOOD};

	if (!prober->ask(prober->self, &question))
		return false;
	m->polling = true;
	seats_ask(s, m);
	return true;
}

void
act_questions(struct scaler *s)
{
	int early = 0;

	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = s->fleet.member[i];

		if (!is_asked(m) || m->polling)
			continue;
		if (s->now.ms >= m->next_poll_ms)
			(void)ask(s, m); /* no room: next turn */
		else if (early < POLL_TOGETHER_MAX &&
			 s->now.ms >= ask_from_ms(s, m) && ask(s, m))
			early++;
	}
}

int64_t
act_next_ms(const struct scaler *s)
{
	int64_t next = s->now.ms + TURN_INTERVAL_MS;

	if (!s->listing)
		next = smaller(next, s->next_list_ms);
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		const struct member *m = s->fleet.member[i];

		if (is_asked(m) && !m->polling)
			next = smaller(next, act_ask_by_ms(s, m));
		/* It did not fit into this turn's commit. */
		if (m->answered && !s->uncommitted)
			next = s->now.ms;
	}
	for (size_t i = 0; i < s->fleet.nintent; i++) {
		const struct intent *o = s->fleet.intent[i];

		if (is_callable(s, o))
			next = smaller(next, o->next_ms);
	}
	return next > s->now.ms + TURN_GAP_MS ? next : s->now.ms + TURN_GAP_MS;
}
