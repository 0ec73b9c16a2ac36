/* SPDX-License-Identifier: MIT */
/* What one call of launch or stop came to. */
#include <stdio.h>
#include <string.h>

#include "scalerd/scaler/state.h"

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
		observe_running(s, m, &step->sighting);
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
	change_hold_launches(s, step->wait_ms);
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

	scaler_observe(s);
	scaler_turn_by(s, s->now.ms);
	if (o == NULL)
		return;
	o->in_flight = false;
	m = fleet_find(&s->fleet, o->row.gameserver);
	/* Also when it was given up or finished by the list meanwhile: what it
	 * learnt about the gameserver still helps the stop. */
	if (m != NULL && step->sighted)
		observe_sighting(m, &step->sighting);
	if (o->row.result != OP_PENDING)
		return;
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
