/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "scalerd/scaler/state.h"

enum { LAUNCHES_FIRST = 64, ORPHAN_NAME_MAX = 80 };

void
change_set_deadline(struct scaler *s, struct member *m)
{
	if (m->row.state == STATE_LAUNCHING)
		m->deadline_ms = s->now.ms + s->config.launch_deadline_ms;
	else if (m->row.state == STATE_STARTING)
		m->deadline_ms = s->now.ms + s->config.start_grace_ms;
}

bool
change_is_orphan(const struct member *m)
{
	return m->row.state == STATE_LAUNCHING &&
	       m->row.origin == ORIGIN_ADOPTED;
}

void
change_alarm_orphan(struct scaler *s, const struct member *m)
{
	const struct gameserver *row = &m->row;
	const int64_t left_ms = m->deadline_ms - s->now.ms;
	const char *name = row->instance[0] != '\0' ? row->instance : row->ref;
	const size_t len = strlen(name);
	char end[64] = "it stays, by REAP=dry-run";
	char message[DETAIL_SIZE];

	if (!change_is_orphan(m))
		return;
	if (s->policy.reap)
		snprintf(end, sizeof(end),
			 "it is stopped in %" PRId64
			 " s unless it runs by then",
			 left_ms > 0 ? left_ms / 1000 : 0);
	/* The end of an ARN says more than its beginning. */
	if (len > ORPHAN_NAME_MAX)
		name += len - ORPHAN_NAME_MAX;
	snprintf(message, sizeof(message),
		 "%s bears this fleet's mark, but no row knew it and it does "
		 "not run: %s",
		 name, end);
	journal_alarm(s->journal, ALARM_ORPHAN, row->id, s->now.utc_ms, NULL);
	journal_alarm(s->journal, ALARM_ORPHAN, row->id, s->now.utc_ms,
		      message);
}

/* What an alarm about one gameserver says is over when it leaves. */
static void
end_alarms(struct scaler *s, const struct member *m)
{
	static const enum alarm_kind kinds[] = {
	    ALARM_DEAD_WITH_PLAYERS, ALARM_DRAIN_DEADLINE, ALARM_STOP_FAILING};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		journal_alarm(s->journal, kinds[i], m->row.id, s->now.utc_ms,
			      NULL);
}

void
change_note(struct scaler *s, int64_t gameserver, const char *kind,
	    const char *to, const char *detail)
{
	struct event event = {.at_utc_ms = s->now.utc_ms,
			      .gameserver = gameserver,
			      .kind = kind,
			      .to = to};

	snprintf(event.detail, sizeof(event.detail), "%s", detail);
	journal_event(s->journal, &event);
}

void
change_state(struct scaler *s, struct member *m, enum state to,
	     enum reason reason, const char *detail)
{
	struct event event = {.at_utc_ms = s->now.utc_ms,
			      .gameserver = m->row.id,
			      .kind = "state",
			      .from = state_name(m->row.state),
			      .to = state_name(to),
			      .reason = reason_name(reason)};

	assert(state_may_become(m->row.state, to));
	snprintf(event.detail, sizeof(event.detail), "%s", detail);
	journal_event(s->journal, &event);
	m->row.state = to;
	m->row.reason = reason;
	m->row.since_utc_ms = s->now.utc_ms;
	m->entered_ms = s->now.ms;
	m->quiet_ms = QUIET_NOT_YET;
	m->proven = false;
	m->proof_answers = 0;
	m->dirty = true;
	change_set_deadline(s, m);
	journal_alarm(s->journal, ALARM_ORPHAN, m->row.id, s->now.utc_ms, NULL);
	if (to == STATE_GONE)
		end_alarms(s, m);
}

static void
new_mark(struct scaler *s, char mark[MARK_SIZE])
{
	const struct clock_port *clock = &s->ports.clock;

	snprintf(mark, MARK_SIZE, "%016" PRIx64 "%016" PRIx64,
		 clock->random(clock->self), clock->random(clock->self));
}

/* Room for one more. All of an hour are kept, however many LAUNCHES_PER_HOUR
 * allows just now: it may be raised again. */
static bool
reserve_launch(struct scaler *s)
{
	const size_t size = s->launched_size * 2 + LAUNCHES_FIRST;
	int64_t *new;

	if (s->nlaunched < s->launched_size)
		return true;
	new = realloc(s->launched_ms, size * sizeof(*new));
	if (new == NULL)
		return false;
	s->launched_ms = new;
	s->launched_size = size;
	return true;
}

void
change_count_launch(struct scaler *s, int64_t ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nlaunched; i++)
		if (s->launched_ms[i] > s->now.ms - HOUR_MS)
			s->launched_ms[kept++] = s->launched_ms[i];
	s->nlaunched = kept;
	if (reserve_launch(s))
		s->launched_ms[s->nlaunched++] = ms;
	else
		log_error("count_launch", LOG_TEXT("error", "out of memory"));
}

void
change_hold_launches(struct scaler *s, int64_t ms)
{
	const int64_t until_ms =
	    s->now.ms + (ms < HOLD_MAX_MS ? ms : HOLD_MAX_MS);

	if (s->launch_not_before_ms < until_ms)
		s->launch_not_before_ms = until_ms;
}

void
change_launch_failed(struct scaler *s, int64_t began_ms, const char *detail)
{
	const struct clock_port *clock = &s->ports.clock;
	int64_t delay = BACKOFF_FIRST_MS;

	if (s->launch_failures > 0 && began_ms <= s->last_failure_ms)
		return;
	for (int64_t i = 0; i < s->launch_failures && delay < BACKOFF_MAX_MS;
	     i++)
		delay *= 2;
	if (delay > BACKOFF_MAX_MS)
		delay = BACKOFF_MAX_MS;
	delay += (int64_t)(clock->random(clock->self) %
			   (uint64_t)(delay / POLL_JITTER_DIV));
	s->launch_failures++;
	s->last_failure_ms = s->now.ms;
	change_hold_launches(s, delay);
	snprintf(s->failure, sizeof(s->failure), "%s", detail);
	log_warn("launch_failed", LOG_NUM("failures", s->launch_failures),
		 LOG_NUM("retry_in_ms", delay), LOG_TEXT("detail", detail));
	if (s->launch_failures >= BACKOFF_ALARM)
		journal_alarm(
		    s->journal, ALARM_LAUNCH_FAILING, 0, s->now.utc_ms,
		    s->failure[0] != '\0' ? s->failure : "launches fail");
}

void
change_launch_succeeded(struct scaler *s)
{
	s->launch_failures = 0;
	journal_alarm(s->journal, ALARM_LAUNCH_FAILING, 0, s->now.utc_ms, NULL);
}

/* A new operation about a gameserver, prepared but not recorded. */
static bool
prepare(struct scaler *s, const struct gameserver *row, enum op_kind kind,
	enum reason reason, struct operation *op, struct err *err)
{
	const struct provider_port *provider = &s->ports.provider;

	op->kind = kind;
	op->gameserver = row->id;
	op->reason = reason;
	op->created_utc_ms = s->now.utc_ms;
	return provider->prepare(provider->self, row, op, err);
}

bool
change_launch(struct scaler *s, enum reason reason)
{
	struct operation op = {.result = OP_PENDING};
	struct gameserver row = {.id = s->fleet.next_id,
				 .state = STATE_LAUNCHING,
				 .reason = reason,
				 .since_utc_ms = s->now.utc_ms,
				 .origin = ORIGIN_LAUNCHED,
				 .ours = true,
				 .score = HEALTH_SCORE_UNKNOWN,
				 .slot = SLOT_NONE};
	struct err err = {""};
	struct intent *o;
	struct member *m;

	new_mark(s, op.id);
	memcpy(row.mark, op.id, sizeof(row.mark));
	if (!prepare(s, &row, OP_LAUNCH, reason, &op, &err)) {
		change_launch_failed(s, s->now.ms, err.msg);
		return false;
	}
	o = fleet_add_intent(&s->fleet, &op);
	m = o == NULL ? NULL : fleet_add(&s->fleet, &row);
	if (m == NULL) {
		if (o != NULL)
			o->row.result =
			    OP_ABANDONED; /* pruned, never written */
		change_launch_failed(s, s->now.ms, "out of memory");
		return false;
	}
	o->dirty = m->dirty = true;
	m->entered_ms = s->now.ms;
	change_set_deadline(s, m);
	change_count_launch(s, s->now.ms);
	s->last_launch_ms = s->now.ms;
	journal_event(s->journal,
		      &(struct event){.at_utc_ms = s->now.utc_ms,
				      .gameserver = m->row.id,
				      .kind = "state",
				      .to = state_name(STATE_LAUNCHING),
				      .reason = reason_name(reason)});
	return true;
}

void
change_finish(struct scaler *s, struct intent *o, enum op_result result,
	      const char *detail)
{
	o->row.result = result;
	o->row.finished_utc_ms = s->now.utc_ms;
	snprintf(o->row.detail, sizeof(o->row.detail), "%s", detail);
	o->dirty = true;
}

void
change_stop(struct scaler *s, struct member *m, enum reason reason,
	    const char *detail)
{
	struct intent *launch = fleet_pending(&s->fleet, m->row.id, OP_LAUNCH);
	struct operation op = {.result = OP_PENDING};
	struct err err = {""};
	struct intent *o = NULL;

	new_mark(s, op.id);
	if (prepare(s, &m->row, OP_STOP, reason, &op, &err)) {
		o = fleet_add_intent(&s->fleet, &op);
		if (o == NULL)
			err_set(&err, "out of memory");
	}
	if (o == NULL) {
		/* The state stays, so the next decision comes here again. */
		journal_alarm(s->journal, ALARM_STOP_FAILING, m->row.id,
			      s->now.utc_ms, err.msg);
		return;
	}
	o->dirty = true;
	if (launch != NULL)
		change_finish(s, launch, OP_ABANDONED, reason_name(reason));
	change_state(s, m, STATE_STOPPING, reason, detail);
}
