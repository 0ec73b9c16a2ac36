/* SPDX-License-Identifier: MIT */
/* A health answer, written into its row: what is proven, how long it has been
 * silent, when to ask again. */
#include <stdio.h>
#include <string.h>

#include "scalerd/scaler/state.h"

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
	m->answered = true;
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
	    row->ready_to_close != answer->ready_to_close)
		m->answered = true;
	seats_answer(s, m, answer);
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

/* Whether an answer told nothing that a turn would act on: most do. */
static bool
is_quiet(const struct scaler *s, const struct member *m,
	 const struct answer *answer)
{
	return answer->kind == ANSWER_GOOD && s->settled &&
	       m->row.state == STATE_AVAILABLE && !m->dirty && !m->answered;
}

static void
take_answer(struct scaler *s, struct member *m, const struct answer *answer)
{
	const bool good = answer->kind == ANSWER_GOOD;
	enum health before;

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

/* When nothing else changed the time is written now and then only, and waits
 * for a turn. */
static void
note_answer_time(const struct scaler *s, struct member *m,
		 const struct answer *answer)
{
	if (answer->kind == ANSWER_GOOD &&
	    s->now.ms - m->answered_written_ms >= ANSWERED_WRITE_MS)
		m->answered = true;
	if (m->dirty || m->answered)
		m->answered_written_ms = s->now.ms;
}

void
scaler_answered(void *arg, const struct answer *answer)
{
	struct scaler *s = arg;
	struct member *m = fleet_find(&s->fleet, answer->gameserver);

	scaler_observe(s);
	if (m == NULL)
		return;
	m->polling = false;
	if (m->row.state == STATE_GONE || m->row.state == STATE_STOPPING)
		return;
	take_answer(s, m, answer);
	scaler_turn_by(s, is_quiet(s, m, answer) ? act_ask_by_ms(s, m)
						 : s->now.ms);
	note_answer_time(s, m, answer);
}
