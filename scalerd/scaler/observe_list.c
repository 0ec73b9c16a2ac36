/* SPDX-License-Identifier: MIT */
/* The provider's list, compared with the rows: what runs, what is gone, what
 * nobody knew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "scalerd/scaler/state.h"

/* Takes over a text that the provider knows, if it is known and new. */
static bool
take_text(char *to, size_t size, const char *from)
{
	if (from[0] == '\0' || strcmp(to, from) == 0)
		return false;
	snprintf(to, size, "%s", from);
	return true;
}

void
observe_sighting(struct member *m, const struct sighting *seen)
{
	struct gameserver *row = &m->row;
	bool changed = false;

	changed |= take_text(row->ref, sizeof(row->ref), seen->ref);
	changed |=
	    take_text(row->instance, sizeof(row->instance), seen->instance);
	changed |= take_text(row->ip, sizeof(row->ip), seen->ip);
	changed |= take_text(row->address, sizeof(row->address), seen->address);
	if (seen->port != 0 && row->port != seen->port) {
		row->port = seen->port;
		changed = true;
	}
	if (row->host_leaving != seen->leaving) {
		row->host_leaving = seen->leaving;
		changed = true;
	}
	m->shares_host = seen->shares_host;
	m->dirty |= changed;
}

static bool
is_reachable(const struct gameserver *row)
{
	return row->ip[0] != '\0' && row->port != 0 && row->address[0] != '\0';
}

/* launching -> starting, as soon as it runs and its address is known. */
void
observe_running(struct scaler *s, struct member *m, const struct sighting *seen)
{
	struct intent *o;

	if (m->row.state != STATE_LAUNCHING || !seen->running ||
	    !is_reachable(&m->row))
		return;
	o = fleet_pending(&s->fleet, m->row.id, OP_LAUNCH);
	if (o != NULL)
		change_finish(s, o, OP_DONE, "");
	change_state(s, m, STATE_STARTING, REASON_LAUNCHED, m->row.address);
}

static void
note_early_death(struct scaler *s, const struct member *m)
{
	const bool never_served = m->row.state == STATE_STARTING;

	if (m->row.origin == ORIGIN_LAUNCHED &&
	    (never_served || (m->row.state == STATE_AVAILABLE &&
			      s->now.ms - m->entered_ms < EARLY_DEATH_MS)))
		change_launch_failed(
		    s, m->entered_ms,
		    never_served ? "it ended before it answered"
				 : "it ended soon after it first answered");
}

/* Gone by itself. What is ours is stopped all the same: its host may be left.
 * Only on the provider's explicit word, never on mere absence. */
static void
take_end(struct scaler *s, struct member *m, const char *detail,
	 bool explicitly)
{
	note_early_death(s, m);
	if (explicitly && m->row.ours &&
	    !(change_is_orphan(m) && s->config.reap == CONFIG_REAP_DRY_RUN))
		change_stop(s, m, REASON_DIED, detail);
	else
		change_state(s, m, STATE_GONE, REASON_DIED, detail);
}

/* Whether the list says when it ends: what no operation is about. */
static bool
is_listed(const struct member *m)
{
	const enum state state = m->row.state;

	return state == STATE_STARTING || state == STATE_AVAILABLE ||
	       state == STATE_STANDBY || change_is_orphan(m);
}

static void
take_seen(struct scaler *s, struct member *m, const struct sighting *seen)
{
	m->absent = 0;
	observe_sighting(m, seen);
	if (seen->gone && is_listed(m))
		take_end(s, m, "the provider says that it ended", true);
	else
		observe_running(s, m, seen);
}

/* A list that missed it. One list proves nothing: the provider says how many
 * in a row do; and an empty list is believed only where the gameserver does
 * not answer either. */
static void
take_absent(struct scaler *s, struct member *m, bool empty)
{
	const struct provider_port *provider = &s->ports.provider;

	if (m->absent++ == 0) {
		m->absent_since_ms = s->now.ms;
		m->next_poll_ms = s->now.ms;
	}
	s->list_confirm = true;
	if (m->absent < provider->absent_rounds ||
	    s->now.ms - m->absent_since_ms < provider->absent_ms)
		return;
	if (empty && view_health(s, m) == HEALTH_GOOD)
		return;
	take_end(s, m, "the provider no longer lists it", false);
}

/* Where one that no row knows begins: available when it was found running,
 * and as a launch when it is not there yet or when a launch of ours was given
 * up too early. */
static enum state
first_state(const struct sighting *seen, bool late)
{
	if (!seen->running)
		return STATE_LAUNCHING;
	return late ? STATE_STARTING : STATE_AVAILABLE;
}

/* `gone` is the row that bore its mark until now, or NULL. What that row knew
 * about players inside stays known. */
static void
adopt(struct scaler *s, const struct sighting *seen, const struct member *gone)
{
	const bool late = gone != NULL && !gone->row.heard &&
			  gone->row.origin == ORIGIN_LAUNCHED;
	struct gameserver row = {
	    .state = first_state(seen, late),
	    .reason = REASON_ADOPTED,
	    .since_utc_ms = s->now.utc_ms,
	    .origin = late ? ORIGIN_LAUNCHED : ORIGIN_ADOPTED,
	    .ours = seen->ours,
	    .score = HEALTH_SCORE_UNKNOWN,
	    .slot = SLOT_NONE,
	    .heard = gone != NULL && gone->row.heard,
	    .most_seats = gone != NULL ? gone->row.most_seats : 0};
	struct member *m;
	struct event event = {.at_utc_ms = s->now.utc_ms,
			      .kind = "state",
			      .to = state_name(row.state),
			      .reason = reason_name(REASON_ADOPTED)};

	snprintf(row.mark, sizeof(row.mark), "%s", seen->mark);
	m = fleet_add(&s->fleet, &row);
	if (m == NULL) {
		log_error("adopt", LOG_TEXT("ref", seen->ref),
			  LOG_TEXT("error", "out of memory, next list again"));
		return;
	}
	m->dirty = true;
	m->entered_ms = s->now.ms;
	change_set_deadline(s, m);
	observe_sighting(m, seen);
	change_alarm_orphan(s, m);
	event.gameserver = m->row.id;
	snprintf(event.detail, sizeof(event.detail), "%.*s",
		 (int)sizeof(event.detail) - 1, seen->ref);
	journal_event(s->journal, &event);
}

/* Marked as ours, but no operation of ours made it, and it was not there when
 * we came: somebody else launches with our fleet's name. */
static void
suspect_manager(struct scaler *s, const struct sighting *seen)
{
	char message[DETAIL_SIZE];

	snprintf(
	    message, sizeof(message),
	    "%.*s bears this fleet's mark but no operation here made it: is "
	    "a second manager running? no launch and no stop for %d s",
	    CHANGE_NAME_MAX, change_name(seen->instance, seen->ref),
	    FREEZE_MS / 1000);
	s->frozen_until_ms = s->now.ms + FREEZE_MS;
	journal_alarm(s->journal, ALARM_SECOND_MANAGER, 0, s->now.utc_ms,
		      message);
}

static void
take_unknown(struct scaler *s, const struct sighting *seen,
	     const struct member *gone)
{
	if (seen->gone || (!seen->ours && !seen->running))
		return;
	if (gone == NULL && seen->ours && s->listed)
		suspect_manager(s, seen);
	adopt(s, seen, gone);
}

/* Marks in `absent` of each member whether this list missed it. */
static void
match(struct scaler *s, const struct listing *listing,
      const struct fleet_index *index)
{
	for (size_t i = 0; i < listing->nsighting; i++) {
		const struct sighting *seen = &listing->sighting[i];
		struct member *m =
		    fleet_index_find(index, seen->mark, seen->ref);

		if (m == NULL || m->row.state == STATE_GONE) {
			/* A row that went after the question was asked may
			 * still be in the answer. */
			if (m == NULL || m->entered_ms < listing->asked_ms)
				take_unknown(s, seen, m);
			continue;
		}
		m->seen = true;
		take_seen(s, m, seen);
	}
}

static void
match_absent(struct scaler *s, const struct listing *listing, bool empty)
{
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = s->fleet.member[i];

		/* What came into its state after the question was asked can
		 * be missing from the answer. */
		if (!m->seen && is_listed(m) &&
		    m->entered_ms < listing->asked_ms)
			take_absent(s, m, empty);
		m->seen = false;
	}
}

static bool
knows_any(const struct scaler *s)
{
	for (size_t i = 0; i < s->fleet.nmember; i++)
		if (is_listed(s->fleet.member[i]))
			return true;
	return false;
}

static void
take_list_failure(struct scaler *s, const char *detail)
{
	s->list_doubtful = true;
	if (++s->list_failures == 1)
		log_warn("list_failed", LOG_TEXT("detail", detail));
	if (s->list_failures == LIST_ALARM)
		journal_alarm(s->journal, ALARM_LIST_FAILING, 0, s->now.utc_ms,
			      detail);
}

static void
take_list(struct scaler *s, const struct listing *listing)
{
	const bool empty = listing->nsighting == 0;
	struct fleet_index *index = fleet_index_new(&s->fleet);

	if (index == NULL) {
		take_list_failure(s, "out of memory");
		return;
	}
	s->list_confirm = false;
	match(s, listing, index);
	match_absent(s, listing, empty);
	fleet_index_free(index);
	s->list_failures = 0;
	journal_alarm(s->journal, ALARM_LIST_FAILING, 0, s->now.utc_ms, NULL);
	s->list_doubtful = empty && knows_any(s);
	s->listed = true;
}

void
observe_no_list(struct scaler *s, const char *detail)
{
	take_list_failure(s, detail);
	s->next_list_ms = s->now.ms + s->ports.provider.list_interval_ms;
}

void
scaler_listed(void *arg, const struct listing *listing)
{
	struct scaler *s = arg;
	const struct provider_port *provider = &s->ports.provider;

	scaler_observe(s);
	scaler_turn_by(s, s->now.ms);
	s->listing = false;
	if (listing->complete)
		take_list(s, listing);
	else
		take_list_failure(s, listing->detail);
	s->next_list_ms =
	    s->now.ms + (s->list_confirm ? provider->confirm_interval_ms
					 : provider->list_interval_ms);
}

void
scaler_nudged(void *arg)
{
	struct scaler *s = arg;

	scaler_observe(s);
	scaler_turn_by(s, s->now.ms);
	s->next_list_ms = s->now.ms;
}
