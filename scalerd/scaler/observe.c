/* SPDX-License-Identifier: MIT */
/* What the edges saw, written into the rows. Nothing is decided here beyond
 * what is a fact: it answers, it runs, it is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "scalerd/scaler/state.h"

static struct instant
observe_now(struct scaler *s)
{
	s->now = s->ports.clock.now(s->ports.clock.self);
	return s->now;
}

/* ---- health ------------------------------------------------------------ */

static void
note_health(struct scaler *s, struct member *m, enum health before,
	    const char *detail)
{
	enum health after = view_health(s, m);
	struct event event = {.at_utc_ms = s->now.utc_ms,
			      .gameserver = m->row.id,
			      .kind = "health",
			      .from = health_name(before),
			      .to = health_name(after)};

	if (before == after)
		return;
	snprintf(event.detail, sizeof(event.detail), "%s", detail);
	journal_event(s->journal, &event);
	m->dirty = true;
	if (after != HEALTH_BAD)
		journal_alarm(s->journal, ALARM_DEAD_WITH_PLAYERS, m->row.id,
			      s->now.utc_ms, NULL);
	else if (m->row.heard && m->row.seats < m->row.most_seats)
		journal_alarm(
		    s->journal, ALARM_DEAD_WITH_PLAYERS, m->row.id,
		    s->now.utc_ms,
		    "does not answer, had players when last heard; kept");
}

/* The free seats of one where nobody is: the most that it ever reported. An
 * adopted one may have been adopted with players inside. */
static int64_t
seats_when_empty(const struct scaler *s, const struct gameserver *row)
{
	if (row->origin == ORIGIN_ADOPTED &&
	    row->most_seats < s->config.server_capacity)
		return s->config.server_capacity;
	return row->most_seats;
}

/* Whether this answer was asked when no player could be on the way any more,
 * and shows nobody inside. ready_to_close alone can be said with one player
 * waiting: the seats must agree. */
static bool
is_proof(const struct scaler *s, const struct member *m,
	 const struct answer *answer)
{
	return m->row.state == STATE_STANDBY && m->quiet_ms != QUIET_NOT_YET &&
	       answer->asked_ms >=
		   m->quiet_ms + s->config.join_grace_ms + GRANT_LAG_MS &&
	       answer->ready_to_close &&
	       answer->seats >= seats_when_empty(s, &m->row);
}

/* A launched gameserver that serves for a while shows that launches work. */
static void
note_survival(struct scaler *s, const struct member *m)
{
	if (s->launch_failures > 0 && m->row.origin == ORIGIN_LAUNCHED &&
	    m->row.state == STATE_AVAILABLE && m->entered_ms > s->started_ms &&
	    m->entered_ms > s->last_failure_ms &&
	    s->now.ms - m->entered_ms >= EARLY_DEATH_MS)
		change_launch_succeeded(s);
}

static void
take_good_answer(struct scaler *s, struct member *m,
		 const struct answer *answer)
{
	struct gameserver *row = &m->row;

	if (!row->heard || row->seats != answer->seats ||
	    row->ready_to_close != answer->ready_to_close ||
	    s->now.ms - m->answered_written_ms >= ANSWERED_WRITE_MS) {
		m->dirty = true;
		m->answered_written_ms = s->now.ms;
	}
	row->heard = true;
	row->seats = answer->seats;
	row->ready_to_close = answer->ready_to_close;
	row->answered_utc_ms = s->now.utc_ms;
	if (row->most_seats < answer->seats)
		row->most_seats = answer->seats;
	m->proven = is_proof(s, m, answer);
	m->proof_answers = m->proven ? m->proof_answers + 1 : 0;
	m->asked_ms = answer->asked_ms;
	m->silent_ms = 0;
	note_survival(s, m);
}

/* Only time in which it really was polled counts as silence. */
static void
take_failed_answer(struct scaler *s, struct member *m,
		   const struct answer *answer)
{
	const int64_t most =
	    2 * s->config.poll_interval_ms + s->config.health_timeout_ms;
	int64_t passed = answer->asked_ms - m->last_asked_ms;

	m->proof_answers = 0;
	if (m->last_asked_ms != 0 && passed > 0)
		m->silent_ms += passed < most ? passed : most;
}

void
scaler_answered(void *arg, const struct answer *answer)
{
	struct scaler *s = arg;
	struct member *m = fleet_find(&s->fleet, answer->gameserver);
	const bool good = answer->kind == ANSWER_GOOD;
	enum health before;

	observe_now(s);
	if (m == NULL)
		return;
	m->polling = false;
	if (m->row.state == STATE_GONE || m->row.state == STATE_STOPPING)
		return;
	if (answer->kind == ANSWER_LOCAL_ERROR) {
		/* Says nothing about the gameserver, proves nothing either. */
		m->proof_answers = 0;
		m->next_poll_ms = s->now.ms + POLL_FAST_MS;
		return;
	}
	before = view_health(s, m);
	m->row.score = health_next(m->row.score, good, s->policy.health);
	if (good)
		take_good_answer(s, m, answer);
	else
		take_failed_answer(s, m, answer);
	m->last_asked_ms = answer->asked_ms;
	m->rounds++;
	note_health(s, m, before, answer->detail);
	m->next_poll_ms = answer->asked_ms + act_poll_interval(s, m);
}

/* ---- the provider's list ----------------------------------------------- */

/* Takes over a text that the provider knows, if it is known and new. */
static bool
take_text(char *to, size_t size, const char *from)
{
	if (from[0] == '\0' || strcmp(to, from) == 0)
		return false;
	snprintf(to, size, "%s", from);
	return true;
}

static void
take_sighting(struct member *m, const struct sighting *seen)
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
static void
take_running(struct scaler *s, struct member *m, const struct sighting *seen)
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
	if (explicitly && m->row.ours)
		change_stop(s, m, REASON_DIED, detail);
	else
		change_state(s, m, STATE_GONE, REASON_DIED, detail);
}

static bool
is_listed_state(enum state state)
{
	return state == STATE_STARTING || state == STATE_AVAILABLE ||
	       state == STATE_STANDBY;
}

static void
take_seen(struct scaler *s, struct member *m, const struct sighting *seen)
{
	m->absent = 0;
	take_sighting(m, seen);
	if (seen->gone && is_listed_state(m->row.state))
		take_end(s, m, "the provider says that it ended", true);
	else
		take_running(s, m, seen);
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
	take_sighting(m, seen);
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
	    "%.60s bears this fleet's mark but no operation here made it: is "
	    "a second manager running? no launch and no stop for %d s",
	    seen->ref, FREEZE_MS / 1000);
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
		if (!m->seen && is_listed_state(m->row.state) &&
		    m->entered_ms < listing->asked_ms)
			take_absent(s, m, empty);
		m->seen = false;
	}
}

static bool
knows_any(const struct scaler *s)
{
	for (size_t i = 0; i < s->fleet.nmember; i++)
		if (is_listed_state(s->fleet.member[i]->row.state))
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
scaler_listed(void *arg, const struct listing *listing)
{
	struct scaler *s = arg;
	const struct provider_port *provider = &s->ports.provider;

	observe_now(s);
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

	s->next_list_ms = observe_now(s).ms;
}

/* ---- what a call came to ----------------------------------------------- */

static void
take_done(struct scaler *s, struct intent *o, struct member *m,
	  const struct step *step)
{
	change_finish(s, o, OP_DONE, step->detail);
	if (m == NULL)
		return;
	if (o->row.kind == OP_STOP && m->row.state == STATE_STOPPING) {
		change_state(s, m, STATE_GONE, REASON_STOPPED, "");
	} else if (o->row.kind == OP_LAUNCH && step->sighted) {
		take_sighting(m, &step->sighting);
		take_running(s, m, &step->sighting);
	}
}

static void
take_refusal(struct scaler *s, struct intent *o, struct member *m,
	     const struct step *step)
{
	if (o->row.kind == OP_STOP) {
		/* It must not be forgotten: asked again, and said aloud. */
		journal_alarm(s->journal, ALARM_STOP_FAILING, o->row.gameserver,
			      s->now.utc_ms, step->detail);
		o->next_ms = s->now.ms + RETRY_MAX_MS;
		return;
	}
	change_finish(s, o, OP_REFUSED, step->detail);
	if (m != NULL && m->row.state == STATE_LAUNCHING) {
		change_launch_failed(s, m->entered_ms, step->detail);
		change_stop(s, m, REASON_LAUNCH_REFUSED, step->detail);
	}
}

/* It may have acted: the same call again, later and later. */
static void
take_unclear(struct scaler *s, struct intent *o, const struct step *step)
{
	int64_t delay = RETRY_FIRST_MS;

	for (int64_t i = 0; i < o->row.attempts && delay < RETRY_MAX_MS; i++)
		delay *= 2;
	o->next_ms = s->now.ms + (delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS);
	o->row.attempts++;
	snprintf(o->row.detail, sizeof(o->row.detail), "%s", step->detail);
	o->dirty = true;
	if (o->row.attempts == 1)
		change_note(s, o->row.gameserver, "operation", "unknown",
			    step->detail);
	if (o->row.kind == OP_STOP && o->row.attempts == RETRY_ALARM)
		journal_alarm(s->journal, ALARM_STOP_FAILING, o->row.gameserver,
			      s->now.utc_ms, step->detail);
}

static void
take_next(struct intent *o, const struct step *step)
{
	snprintf(o->row.phase, sizeof(o->row.phase), "%s", step->phase);
	snprintf(o->row.request, sizeof(o->row.request), "%s", step->request);
	o->row.attempts = 0;
	o->next_ms = 0;
	o->dirty = true;
}

void
scaler_stepped(void *arg, const struct step *step)
{
	struct scaler *s = arg;
	struct intent *o = fleet_find_intent(&s->fleet, step->operation);
	struct member *m;

	observe_now(s);
	if (o == NULL)
		return;
	o->in_flight = false;
	m = fleet_find(&s->fleet, o->row.gameserver);
	if (o->row.result != OP_PENDING) {
		/* Given up or finished by the list meanwhile: what it learnt
		 * about the gameserver still helps the stop. */
		if (m != NULL && step->sighted)
			take_sighting(m, &step->sighting);
		return;
	}
	switch (step->result) {
	case STEP_DONE:
		take_done(s, o, m, step);
		break;
	case STEP_NEXT:
		take_next(o, step);
		break;
	case STEP_WAIT:
		o->next_ms = s->now.ms + step->wait_ms;
		break;
	case STEP_REFUSED:
		take_refusal(s, o, m, step);
		break;
	case STEP_UNKNOWN:
		take_unclear(s, o, step);
		break;
	}
}
