/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "scalerd/scaler/state.h"

enum { RESET_TRIES = 2 }; /* commits of one turn: once more after a reset */

/* The rows of one commit; the arrays have room for all of them. */
struct rows {
	const struct gameserver **gameserver;
	const struct operation **operation;
	size_t ngameserver, nanswered, noperation;
};

static void
fill_counts(const struct scaler *s, int64_t count[STATE_COUNT])
{
	for (size_t i = 0; i < s->fleet.nmember; i++)
		count[s->fleet.member[i]->row.state]++;
	count[STATE_GONE] = 0;
}

static int64_t
to_utc(const struct scaler *s, int64_t ms)
{
	return s->now.utc_ms + (ms - s->now.ms);
}

static void
fill_fleet(const struct scaler *s, struct fleet_row *row)
{
	const struct decision *d = &s->decision;
	const struct ledger_port *ledger = &s->ports.ledger;

	*row = (struct fleet_row){
	    .heartbeat_utc_ms = s->now.utc_ms,
	    .heartbeat_ms = s->now.ms,
	    .started_utc_ms = s->started_utc_ms,
	    .last_id = s->fleet.next_id - 1,
	    .free = d->free,
	    .coming = d->coming,
	    .serving = d->serving,
	    .live = d->live,
	    .upscale_margin = s->policy.upscale_margin,
	    .downscale_margin = s->policy.downscale_margin,
	    .server_capacity = s->policy.server_capacity,
	    .min_servers = s->policy.min_servers,
	    .max_servers = s->policy.max_servers,
	    .stale_after_ms = s->config.stale_after_ms,
	    .panic = d->panic,
	    .last_action_utc_ms = s->last_action_utc_ms,
	    .launch_failures = s->launch_failures,
	    .launch_not_before_utc_ms =
		s->launch_not_before_ms <= s->now.ms
		    ? 0
		    : to_utc(s, s->launch_not_before_ms),
	    .last_launch_utc_ms = s->last_launch_ms == INT64_MIN
				      ? 0
				      : to_utc(s, s->last_launch_ms),
	    .ledger_epoch = (int64_t)ledger->epoch(ledger->self),
	    .last_generation = s->slots.generation,
	    .shortage = s->shortage,
	    .allocation = s->config.allocation,
	};
	fill_counts(s, row->count);
	snprintf(row->limited_by, sizeof(row->limited_by), "%s",
		 limit_name(d->limited_by));
	snprintf(row->last_action, sizeof(row->last_action), "%s",
		 s->last_action);
}

static bool
is_answered_only(const struct member *m)
{
	return m->answered && !m->dirty;
}

/* In the order in which answers are written: first those that the last commit
 * left over, so that none is overtaken for ever. */
static struct member *
in_turn(const struct scaler *s, size_t i)
{
	const size_t at = s->answered_from + i;
	const size_t n = s->fleet.nmember;

	return s->fleet.member[at < n ? at : at - n];
}

/* Of those that differ by an answer only the first RECORD_ANSWERED_MAX. */
static bool
collect(const struct scaler *s, struct rows *rows)
{
	const struct fleet *fleet = &s->fleet;

	rows->gameserver = calloc(fleet->nmember + 1, sizeof(void *));
	rows->operation = calloc(fleet->nintent + 1, sizeof(void *));
	if (rows->gameserver == NULL || rows->operation == NULL)
		return false;
	for (size_t i = 0; i < fleet->nmember; i++)
		if (fleet->member[i]->dirty)
			rows->gameserver[rows->ngameserver++] =
			    &fleet->member[i]->row;
	for (size_t i = 0;
	     i < fleet->nmember && rows->nanswered < RECORD_ANSWERED_MAX; i++)
		if (is_answered_only(in_turn(s, i))) {
			rows->gameserver[rows->ngameserver++] =
			    &in_turn(s, i)->row;
			rows->nanswered++;
		}
	for (size_t i = 0; i < fleet->nintent; i++)
		if (fleet->intent[i]->dirty)
			rows->operation[rows->noperation++] =
			    &fleet->intent[i]->row;
	return true;
}

/* What the store holds now: what collect() took. */
static void
mark_rows_clean(struct scaler *s)
{
	size_t nanswered = 0, next = 0;

	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = in_turn(s, i);

		if (is_answered_only(m)) {
			if (nanswered == RECORD_ANSWERED_MAX)
				continue;
			nanswered++;
			next = (s->answered_from + i + 1) % s->fleet.nmember;
		}
		m->dirty = m->answered = false;
	}
	s->answered_from = next;
}

/* A standby gameserver is quiet from here on: its cell is closed, and until
 * this commit a handler that has lost the ledger could still send somebody. */
static void
mark_clean(struct scaler *s)
{
	const struct instant now = s->ports.clock.now(s->ports.clock.self);

	mark_rows_clean(s);
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = s->fleet.member[i];

		if (m->row.state == STATE_STANDBY &&
		    m->quiet_ms == QUIET_NOT_YET)
			m->quiet_ms = now.ms;
	}
	for (size_t i = 0; i < s->fleet.nintent; i++)
		s->fleet.intent[i]->dirty = false;
	journal_committed(s->journal);
	s->committed_ms = now.ms;
	s->uncommitted = false;
	journal_alarm(s->journal, ALARM_COMMIT_FAILING, 0, s->now.utc_ms, NULL);
	seats_committed(s);
}

static void
mark_all_dirty(struct scaler *s)
{
	for (size_t i = 0; i < s->fleet.nmember; i++)
		s->fleet.member[i]->dirty = true;
	for (size_t i = 0; i < s->fleet.nintent; i++)
		s->fleet.intent[i]->dirty = true;
	journal_rewrite(s->journal);
}

static enum store_result
commit(struct scaler *s, struct err *err)
{
	const struct store_port *store = &s->ports.store;
	struct fleet_row fleet;
	struct sample sample = {.at_utc_ms = s->now.utc_ms,
				.free = s->decision.free,
				.coming = s->decision.coming};
	struct rows rows = {0};
	struct batch batch = {.fleet = &fleet};
	enum store_result result = STORE_BUSY;

	if (!collect(s, &rows)) {
		err_set(err, "out of memory");
		goto out;
	}
	fill_fleet(s, &fleet);
	fill_counts(s, sample.count);
	batch.gameserver = rows.gameserver;
	batch.ngameserver = rows.ngameserver;
	batch.nanswered = rows.nanswered;
	batch.operation = rows.operation;
	batch.noperation = rows.noperation;
	journal_fill(s->journal, &batch);
	if (s->now.ms >= s->next_sample_ms)
		batch.sample = &sample;
	result = store->commit(store->self, &batch, err);
	if (result == STORE_OK && batch.sample != NULL)
		s->next_sample_ms = s->now.ms + SAMPLE_INTERVAL_MS;
out:
	free(rows.gameserver);
	free(rows.operation);
	return result;
}

static bool
is_dirty(const struct scaler *s)
{
	for (size_t i = 0; i < s->fleet.nmember; i++)
		if (s->fleet.member[i]->dirty || s->fleet.member[i]->answered)
			return true;
	for (size_t i = 0; i < s->fleet.nintent; i++)
		if (s->fleet.intent[i]->dirty)
			return true;
	return !journal_is_empty(s->journal);
}

enum turn_result
record(struct scaler *s, struct err *err)
{
	enum store_result result = STORE_RESET;

	/* Twice as often as promised, so that a late turn still keeps it. */
	if (!is_dirty(s) && s->committed_ms != 0 &&
	    s->now.ms - s->committed_ms < TURN_INTERVAL_MS / 2)
		return TURN_OK;
	if (s->answered_from >= s->fleet.nmember)
		s->answered_from = 0; /* some were removed */
	for (int i = 0; i < RESET_TRIES && result == STORE_RESET; i++) {
		result = commit(s, err);
		if (result == STORE_RESET)
			mark_all_dirty(s);
	}
	if (result == STORE_OK) {
		mark_clean(s);
		return TURN_OK;
	}
	if (result == STORE_LOST)
		return TURN_LOST;
	if (result == STORE_BROKEN)
		return TURN_BROKEN;
	s->uncommitted = true;
	journal_alarm(s->journal, ALARM_COMMIT_FAILING, 0, s->now.utc_ms,
		      err->msg);
	return TURN_OK;
}
