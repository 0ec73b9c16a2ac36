/* SPDX-License-Identifier: MIT */
/* What the store had when this process began. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "scalerd/scaler/state.h"

struct loading {
	struct scaler *scaler;
	bool failed;
};

/* When that was, by CLOCK_BOOTTIME; never later than now. */
static int64_t
past_ms(const struct scaler *s, int64_t utc_ms)
{
	const int64_t passed = s->now.utc_ms - utc_ms;

	return s->now.ms - (passed > 0 ? passed : 0);
}

/* How much of an interval that began at since_utc_ms is left. A wall clock
 * that jumped while we were away gives the whole interval at most. */
static int64_t
left_of(const struct scaler *s, int64_t since_utc_ms, int64_t interval_ms)
{
	int64_t passed = s->now.utc_ms - since_utc_ms;

	if (passed < 0)
		passed = 0;
	return passed < interval_ms ? interval_ms - passed : 0;
}

/* The same for a moment still to come. */
static int64_t
wait_until_utc(const struct scaler *s, int64_t utc_ms, int64_t most_ms)
{
	int64_t wait = utc_ms - s->now.utc_ms;

	if (wait < 0)
		return 0;
	return wait < most_ms ? wait : most_ms;
}

static void
load_fleet(void *arg, const struct fleet_row *row)
{
	struct scaler *s = ((struct loading *)arg)->scaler;

	if (s->fleet.next_id <= row->last_id)
		s->fleet.next_id = row->last_id + 1;
	s->launch_failures = row->launch_failures;
	s->last_failure_ms = s->now.ms - 1; /* before what is loaded */
	s->launch_not_before_ms =
	    s->now.ms +
	    wait_until_utc(s, row->launch_not_before_utc_ms, HOLD_MAX_MS);
	if (row->last_launch_utc_ms != 0)
		s->last_launch_ms = past_ms(s, row->last_launch_utc_ms);
	snprintf(s->last_action, sizeof(s->last_action), "%s",
		 row->last_action);
	s->last_action_utc_ms = row->last_action_utc_ms;
	seats_load_fleet(s, row);
}

static void
load_gameserver(void *arg, const struct gameserver *row)
{
	struct loading *loading = arg;
	struct scaler *s = loading->scaler;
	struct member *m = fleet_add(&s->fleet, row);

	if (m == NULL) {
		loading->failed = true;
		return;
	}
	seats_load(s, m);
	m->entered_ms = s->now.ms;
	/* Grants of just before the restart: the whole grace once more. */
	m->quiet_ms = s->now.ms;
	if (row->state == STATE_LAUNCHING)
		m->deadline_ms =
		    s->now.ms +
		    left_of(s, row->since_utc_ms, s->config.launch_deadline_ms);
	else
		m->deadline_ms = s->now.ms + left_of(s, row->since_utc_ms,
						     s->config.start_grace_ms);
}

static void
load_operation(void *arg, const struct operation *row)
{
	struct loading *loading = arg;
	struct scaler *s = loading->scaler;
	struct intent *o;

	if (row->kind == OP_LAUNCH)
		change_count_launch(s, past_ms(s, row->created_utc_ms));
	if (row->result != OP_PENDING)
		return;
	o = fleet_add_intent(&s->fleet, row);
	if (o == NULL) {
		loading->failed = true;
		return;
	}
	o->resumed = true;
}

static void
load_alarm(void *arg, const struct alarm *alarm)
{
	struct scaler *s = ((struct loading *)arg)->scaler;
	enum alarm_kind kind;

	journal_load_alarm(s->journal, alarm);
	if (alarm_parse(alarm->name, &kind) && kind == ALARM_SECOND_MANAGER)
		s->frozen_until_ms = s->now.ms + FREEZE_MS;
}

bool
scaler_load(struct scaler *s, struct err *err)
{
	struct loading loading = {.scaler = s};
	const struct store_rows rows = {.arg = &loading,
					.fleet = load_fleet,
					.gameserver = load_gameserver,
					.operation = load_operation,
					.alarm = load_alarm};

	s->now = s->ports.clock.now(s->ports.clock.self);
	s->started_utc_ms = s->now.utc_ms;
	s->started_ms = s->now.ms;
	/* Without a database: hardly one that a snapshot still has. */
	s->slots.generation =
	    (uint32_t)(s->ports.clock.random(s->ports.clock.self) >>
		       (64 - LEDGER_GENERATION_BITS));
	if (!s->ports.store.load(s->ports.store.self, s->now.utc_ms, &rows,
				 err))
		return false;
	if (loading.failed)
		return err_set(err, "out of memory while reading the rows");
	/* REAP may be another than before. */
	for (size_t i = 0; i < s->fleet.nmember; i++)
		change_alarm_orphan(s, s->fleet.member[i]);
	log_info("loaded", LOG_NUM("gameservers", (int64_t)s->fleet.nmember),
		 LOG_NUM("operations", (int64_t)s->fleet.nintent));
	return true;
}
