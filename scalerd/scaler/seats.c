/* SPDX-License-Identifier: MIT */
/* Slots, cells and credits: state.h tells the story. */
#include "scalerd/scaler/state.h"

#include <limits.h>

#include "common/log.h"

/* More of either at one time is no count but damage. */
#define GRANTED_MAX       (INT64_C(1) << (LEDGER_GRANTED_BITS - 1))
#define SHORTAGE_STEP_MAX UINT32_MAX

/* ---- the cell ---------------------------------------------------------- */

static struct ledger_cell
read_cell(const struct scaler *s, const struct member *m)
{
	const struct ledger_port *ledger = &s->ports.ledger;

	return ledger->read(ledger->self, (uint32_t)m->row.slot);
}

/* Whether it can be what became of the cell since it was last read. */
static bool
is_own(const struct member *m, const struct ledger_cell *cell)
{
	return cell->generation == m->row.generation &&
	       cell->granted >= m->granted && cell->granted <= GRANTED_MAX;
}

static void
set_limit(struct member *m)
{
	if (m->row.grant_limit == m->credit.limit)
		return;
	m->row.grant_limit = m->credit.limit;
	m->answered = true;
}

static void
poll_soon(struct scaler *s, struct member *m)
{
	const int64_t at_ms = s->now.ms + s->config.seat_hold_ms;

	if (m->next_poll_ms > at_ms)
		m->next_poll_ms = at_ms;
}

/* Its slot begins anew: for a gameserver that got it, and for one whose cell
 * was lost. Who was granted a seat until now is not known any more. */
static void
begin(struct scaler *s, struct member *m)
{
	const struct ledger_port *ledger = &s->ports.ledger;
	const uint32_t generation = slots_next_generation(&s->slots);

	ledger->assign(ledger->self, (uint32_t)m->row.slot, generation);
	m->row.generation = generation;
	m->open = false;
	m->granted = 0;
	m->credit = (struct credit){.limit = 0};
	credit_sample(&m->credit, s->now.ms, 0, s->config.seat_hold_ms);
	m->dirty = true;
	set_limit(m);
	poll_soon(s, m);
}

static bool
may_be_granted(const struct scaler *s, const struct member *m)
{
	const enum health health = view_health(s, m);

	return m->row.state == STATE_AVAILABLE && !m->row.host_leaving &&
	       (health == HEALTH_GOOD || health == HEALTH_SUSPECT);
}

/* Players may be on the way until SEAT_HOLD_MS from now; the limit begins
 * anew with the answers that it gives meanwhile. */
static void
shut(struct scaler *s, struct member *m)
{
	const struct ledger_port *ledger = &s->ports.ledger;
	const struct ledger_cell cell =
	    ledger->close(ledger->self, (uint32_t)m->row.slot);

	m->open = !cell.closed;
	m->granted = cell.granted;
	credit_forget(&m->credit, cell.granted);
	set_limit(m);
	poll_soon(s, m);
}

/* ---- slots ------------------------------------------------------------- */

static bool
needs_slot(const struct member *m)
{
	return !m->seated && m->row.address[0] != '\0' &&
	       (m->row.state == STATE_STARTING ||
		m->row.state == STATE_AVAILABLE ||
		m->row.state == STATE_STANDBY);
}

static void
seat(struct scaler *s, struct member *m)
{
	const int64_t slot = slots_take_any(&s->slots);

	if (slot == SLOT_NONE) {
		if (!s->slots_full)
			log_error("slots_full",
				  LOG_NUM("gameserver", m->row.id),
				  LOG_NUM("slots", s->slots.n));
		s->slots_full = true;
		return;
	}
	m->seated = true;
	m->row.slot = slot;
	begin(s, m);
}

static void
unseat(struct scaler *s, struct member *m)
{
	slots_release(&s->slots, m->row.slot);
	m->seated = false;
	s->slots_full = false;
}

/* ---- the turn ---------------------------------------------------------- */

static void
count_shortage(struct scaler *s)
{
	const struct ledger_port *ledger = &s->ports.ledger;
	const uint64_t count = ledger->shortage(ledger->self);

	if (count > s->shortage_seen &&
	    count - s->shortage_seen <= SHORTAGE_STEP_MAX)
		s->shortage += (int64_t)(count - s->shortage_seen);
	s->shortage_seen = count;
}

static bool
has_ledger(const struct scaler *s)
{
	const struct ledger_port *ledger = &s->ports.ledger;

	return ledger->epoch(ledger->self) != 0;
}

static void
observe_cell(struct scaler *s, struct member *m)
{
	const struct ledger_cell cell = read_cell(s, m);

	if (!is_own(m, &cell)) {
		begin(s, m);
		return;
	}
	m->open = !cell.closed;
	m->granted = cell.granted;
	credit_sample(&m->credit, s->now.ms, cell.granted,
		      s->config.seat_hold_ms);
	/* While the state was stale: there is no credit until it answers. */
	if (cell.granted > m->credit.limit)
		poll_soon(s, m);
}

void
seats_observe(struct scaler *s)
{
	const struct ledger_port *ledger = &s->ports.ledger;

	if (ledger->renew(ledger->self))
		s->shortage_seen = 0;
	if (!has_ledger(s))
		return;
	count_shortage(s);
	for (size_t i = 0; i < s->fleet.nmember; i++)
		if (s->fleet.member[i]->seated)
			observe_cell(s, s->fleet.member[i]);
}

void
seats_prepare(struct scaler *s)
{
	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = s->fleet.member[i];

		if (needs_slot(m))
			seat(s, m);
		else if (m->seated && m->open && !may_be_granted(s, m))
			shut(s, m);
	}
}

void
seats_committed(struct scaler *s)
{
	const struct ledger_port *ledger = &s->ports.ledger;

	for (size_t i = 0; i < s->fleet.nmember; i++) {
		struct member *m = s->fleet.member[i];
		const uint32_t slot = (uint32_t)m->row.slot;

		if (m->seated && m->row.state == STATE_GONE)
			unseat(s, m);
		else if (m->seated && !m->open && !m->answered &&
			 may_be_granted(s, m))
			m->open = !ledger->open(ledger->self, slot).closed;
	}
	ledger->announce(ledger->self);
}

/* ---- answers ----------------------------------------------------------- */

void
seats_ask(const struct scaler *s, struct member *m)
{
	credit_ask(&m->credit, s->now.ms, s->config.seat_hold_ms);
}

void
seats_answer(struct scaler *s, struct member *m, const struct answer *answer)
{
	const int64_t hold_ms = s->config.seat_hold_ms;

	if (!m->seated || !has_ledger(s))
		return;
	observe_cell(s, m);
	credit_answer(&m->credit, answer->asked_ms, answer->seats,
		      answer->joined, m->granted, hold_ms);
	set_limit(m);
}

bool
seats_is_waiting(const struct scaler *s, const struct member *m)
{
	const bool all_held =
	    m->row.seats > 0 && credit_free(&m->credit, m->granted) == 0;

	return m->seated && (!m->credit.known || all_held) && has_ledger(s);
}

int64_t
seats_free(const struct member *m)
{
	if (m->seated && m->credit.known)
		return credit_free(&m->credit, m->granted);
	return m->row.seats > 0 ? m->row.seats : 0;
}

/* ---- the start --------------------------------------------------------- */

void
seats_load_fleet(struct scaler *s, const struct fleet_row *row)
{
	const struct ledger_port *ledger = &s->ports.ledger;
	const uint64_t count = ledger->shortage(ledger->self);

	s->slots.generation = (uint32_t)(row->last_generation &
					 ((1 << LEDGER_GENERATION_BITS) - 1));
	s->ledger_is_kept = has_ledger(s) && ledger->epoch(ledger->self) ==
						 (uint64_t)row->ledger_epoch;
	s->shortage = row->shortage;
	if (s->ledger_is_kept)
		s->shortage_seen = count < (uint64_t)row->shortage
				       ? count
				       : (uint64_t)row->shortage;
}

/* What was granted while nobody polled is in the cell: it is as if one answer
 * had been long in coming. One that was closed, or is to be, has no limit;
 * without credit the limit may never have been known. */
static void
resume(struct scaler *s, struct member *m)
{
	const struct ledger_cell cell = read_cell(s, m);

	if (!is_own(m, &cell))
		return;
	if (cell.closed || !may_be_granted(s, m) ||
	    m->row.grant_limit <= cell.granted) {
		credit_forget(&m->credit, cell.granted);
		set_limit(m);
		return;
	}
	m->credit.limit = m->row.grant_limit;
	m->credit.known = true;
	m->credit.seats = m->row.seats;
	m->credit.joined = -1;
}

void
seats_load(struct scaler *s, struct member *m)
{
	if (m->row.state == STATE_GONE)
		return;
	m->seated = slots_take(&s->slots, m->row.slot);
	if (!m->seated)
		m->row.slot = SLOT_NONE;
	else if (s->ledger_is_kept)
		resume(s, m);
	else
		m->row.generation = -1; /* no cell's: it begins anew */
}
