/* SPDX-License-Identifier: MIT */
#include "tests/bench/oversell/model.h"

#include <math.h>
#include <stddef.h>

#include "tests/bench/oversell/queue.h"

#define US_PER_MS     INT64_C(1000)
#define US_PER_S      INT64_C(1000000)
#define NEVER         INT64_MAX
#define TWO_PI        6.283185307179586
#define JOIN_MEDIAN   0.1  /* seconds from the grant to the connection */
#define JOIN_SIGMA    0.97 /* 99 % within about a second */
#define JOIN_MOST     2.0
#define CLIENTS_SPARE 1.05 /* walk-ins are not counted */

enum {
	TIMEOUT_MS = 2000,
	LOST_PERCENT = 1,
	NO_SHOW_PERCENT = 1,
	WALK_IN_LOOKS = 64, /* places of the list that a walk-in tries */
	TURN_GAP_MS = 50,   /* these as in scalerd */
	TURN_INTERVAL_MS = 1000,
	POLL_FAST_MS = 1000,
	POLL_JITTER_PERCENT = 10,
	POLLS_COUNTED = 3, /* at least, after WARM_UP_POLLS */
	WARM_UP_POLLS = 2,
	WARM_UP_MS = 5000,
};

struct model {
	const struct cell *cell;
	enum policy policy;
	struct fleet fleet;
	struct queue queue;
	struct outcome outcome;
	int64_t now_us, turned_us;
	int64_t turn_us, arrival_us, leave_us; /* the next of each */
	int64_t counted_from_us, end_us;
	int64_t arrived;  /* of this burst */
	double session_s; /* mean; 0: nobody leaves */
};

static int64_t
from_seconds(double seconds)
{
	return (int64_t)(seconds * (double)US_PER_S);
}

/* Until the next event of so many in a second. */
static int64_t
exponential_us(struct model *m, double per_second)
{
	return from_seconds(-log(fleet_unit(&m->fleet)) / per_second);
}

static int64_t
join_delay_us(struct model *m)
{
	const double radius = sqrt(-2 * log(fleet_unit(&m->fleet)));
	const double normal = radius * cos(TWO_PI * fleet_unit(&m->fleet));

	return from_seconds(
	    fmin(JOIN_MOST, JOIN_MEDIAN * exp(JOIN_SIGMA * normal)));
}

static void
add(struct model *m, enum event_kind kind, uint32_t server, int64_t after_us)
{
	queue_add(&m->queue,
		  (struct event){.at_us = m->now_us + after_us,
				 .server = server,
				 .kind = (uint8_t)kind,
				 .counted = m->now_us >= m->counted_from_us});
}

/* ---- scalerd ----------------------------------------------------------- */

static int64_t
sample(struct model *m, struct server *server)
{
	const uint32_t slot = (uint32_t)(server - m->fleet.server);
	const int64_t granted = ledger_read(m->fleet.ledger, slot).granted;

	credit_sample(&server->credit, m->now_us / US_PER_MS, granted,
		      m->cell->hold_ms);
	return granted;
}

static void
turn_within(struct model *m, int64_t ms)
{
	int64_t at_us = m->now_us + ms * US_PER_MS;

	if (at_us < m->turned_us + TURN_GAP_MS * US_PER_MS)
		at_us = m->turned_us + TURN_GAP_MS * US_PER_MS;
	if (at_us < m->turn_us)
		m->turn_us = at_us;
}

static void
turn(struct model *m)
{
	if (policy_has_credit(m->policy))
		for (uint32_t i = 0; i < m->fleet.n; i++)
			(void)sample(m, &m->fleet.server[i]);
	policy_refresh(m->policy, &m->fleet);
	m->turned_us = m->now_us;
	m->turn_us = NEVER;
	turn_within(m, TURN_INTERVAL_MS);
}

static void
poll_again(struct model *m, uint32_t at)
{
	const struct server *server = &m->fleet.server[at];
	int64_t ms = m->cell->poll_ms;

	if ((server->suspect || !server->credit.known) && ms > POLL_FAST_MS)
		ms = POLL_FAST_MS;
	ms = rng_range(&m->fleet.rng, ms - ms * POLL_JITTER_PERCENT / 100,
		       ms + ms * POLL_JITTER_PERCENT / 100);
	ms -= (m->now_us - server->asked_us) / US_PER_MS;
	add(m, EVENT_ASK, at, ms > 0 ? ms * US_PER_MS : 0);
}

static void
ask(struct model *m, uint32_t at)
{
	struct server *server = &m->fleet.server[at];

	(void)sample(m, server);
	credit_ask(&server->credit, m->now_us / US_PER_MS, m->cell->hold_ms);
	server->asked_us = m->now_us;
	if (rng_percent(&m->fleet.rng, LOST_PERCENT))
		add(m, EVENT_MISS, at, TIMEOUT_MS * US_PER_MS);
	else
		add(m, EVENT_SAY, at, m->cell->question_ms * US_PER_MS);
	turn_within(m, 0);
}

static void
say(struct model *m, uint32_t at)
{
	struct server *server = &m->fleet.server[at];

	server->said = m->fleet.capacity - server->taken;
	server->said_joined = m->cell->joined ? server->joined : -1;
	add(m, EVENT_HEAR, at, MODEL_ANSWER_MS * US_PER_MS);
}

static void
hear(struct model *m, uint32_t at)
{
	struct server *server = &m->fleet.server[at];

	credit_answer(&server->credit, server->asked_us / US_PER_MS,
		      server->said, server->said_joined, sample(m, server),
		      m->cell->hold_ms);
	server->seats = server->said;
	server->suspect = false;
	server->changed = true;
	poll_again(m, at);
	turn_within(m, 0);
}

static void
miss(struct model *m, uint32_t at)
{
	m->fleet.server[at].suspect = true;
	m->fleet.server[at].changed = true;
	poll_again(m, at);
	turn_within(m, 0);
}

/* ---- clients ----------------------------------------------------------- */

static void
arrive(struct model *m, const struct event *event)
{
	struct server *server = &m->fleet.server[event->server];
	const bool full = server->taken >= m->fleet.capacity;
	const bool granted = event->kind == EVENT_JOIN;

	fleet_move(&m->fleet, event->server, full ? 0 : 1, granted ? -1 : 0);
	if (!full)
		server->joined++;
	else if (granted && event->counted)
		m->outcome.oversold++;
}

/* A client of the list: it goes where it read of a free seat. */
static void
walk_in(struct model *m)
{
	for (int i = 0; i < WALK_IN_LOOKS; i++) {
		const uint32_t at = fleet_below(&m->fleet, m->fleet.n);

		if (m->fleet.server[at].seats > 0) {
			add(m, EVENT_WALK, at, join_delay_us(m));
			return;
		}
	}
}

static void
client(struct model *m)
{
	const bool counted = m->now_us >= m->counted_from_us;
	const bool open = m->fleet.open > 0;
	uint32_t at;

	if (rng_percent(&m->fleet.rng, m->cell->walk_in_percent)) {
		walk_in(m);
		return;
	}
	const bool granted = policy_choose(m->policy, &m->fleet, &at);

	if (granted && !rng_percent(&m->fleet.rng, NO_SHOW_PERCENT)) {
		fleet_move(&m->fleet, at, 0, 1);
		add(m, EVENT_JOIN, at, join_delay_us(m));
	}
	if (!counted)
		return;
	m->outcome.clients++;
	m->outcome.granted += granted;
	m->outcome.refused += !granted;
	m->outcome.falsely += !granted && open;
}

/* ---- time -------------------------------------------------------------- */

static void
next_arrival(struct model *m)
{
	m->arrived++;
	m->arrival_us =
	    m->cell->burst > 0 && m->arrived > m->cell->burst
		? NEVER
		: m->now_us + exponential_us(m, (double)m->cell->arrivals);
}

/* Sessions are exponential: whoever leaves next is anyone. */
static void
next_leave(struct model *m)
{
	m->leave_us = NEVER;
	if (m->session_s > 0 && m->fleet.taken > 0)
		m->leave_us =
		    m->now_us +
		    exponential_us(m, (double)m->fleet.taken / m->session_s);
}

static void
happen(struct model *m, const struct event *event)
{
	static void (*const of_scalerd[])(struct model *,
					  uint32_t) = {[EVENT_ASK] = ask,
						       [EVENT_SAY] = say,
						       [EVENT_HEAR] = hear,
						       [EVENT_MISS] = miss};

	if (of_scalerd[event->kind] != NULL)
		of_scalerd[event->kind](m, event->server);
	else
		arrive(m, event);
}

/* False: the end. */
static bool
step(struct model *m)
{
	const int64_t event_us = queue_next_us(&m->queue);
	const int64_t own_us =
	    m->leave_us < m->arrival_us ? m->leave_us : m->arrival_us;
	int64_t next_us = event_us < own_us ? event_us : own_us;

	next_us = m->turn_us < next_us ? m->turn_us : next_us;
	if (next_us >= m->end_us)
		return false;
	m->now_us = next_us;
	if (next_us == m->turn_us) {
		turn(m);
	} else if (next_us == event_us) {
		const struct event event = queue_take(&m->queue);

		happen(m, &event);
	} else if (next_us == m->leave_us) {
		fleet_leave(&m->fleet);
		next_leave(m);
	} else {
		client(m);
		next_arrival(m);
	}
	return true;
}

/* ---- a run ------------------------------------------------------------- */

/* All has been known for a while, and polls come at any time. */
static void
begin(struct model *m)
{
	const int64_t hold_ms = m->cell->hold_ms;
	const int64_t poll_us = m->cell->poll_ms * US_PER_MS;

	m->now_us = (hold_ms + 1) * US_PER_MS;
	for (uint32_t i = 0; i < m->fleet.n; i++) {
		struct server *server = &m->fleet.server[i];

		credit_sample(&server->credit, 0, 0, hold_ms);
		credit_answer(&server->credit, m->now_us / US_PER_MS,
			      server->seats, m->cell->joined ? 0 : -1, 0,
			      hold_ms);
		add(m, EVENT_ASK, i,
		    (int64_t)(fleet_unit(&m->fleet) * (double)poll_us));
	}
	policy_begin(&m->fleet);
	m->arrived = 0;
	next_arrival(m);
	turn(m);
}

static void
run_burst(struct model *m)
{
	const struct cell *cell = m->cell;

	fleet_init(&m->fleet, cell->servers, cell->capacity, 0);
	m->counted_from_us = 0;
	m->end_us = NEVER;
	m->leave_us = NEVER;
	begin(m);
	while (m->arrival_us != NEVER)
		(void)step(m);
	m->end_us = m->now_us + from_seconds(JOIN_MOST) + 1;
	while (step(m))
		;
}

static void
run_churn(struct model *m)
{
	const struct cell *cell = m->cell;
	const int64_t taken = cell->capacity * MODEL_LOAD_PERCENT / 100;
	const int64_t poll_us = cell->poll_ms * US_PER_MS;
	const double arrivals = (double)cell->arrivals;
	const int64_t least_us =
	    from_seconds(CLIENTS_SPARE * (double)cell->clients / arrivals);

	fleet_init(&m->fleet, cell->servers, cell->capacity, taken);
	m->session_s = (double)m->fleet.taken /
		       (arrivals * (1 - (100 - cell->walk_in_percent) / 100.0 *
					    NO_SHOW_PERCENT / 100.0));
	begin(m);
	next_leave(m);
	m->counted_from_us =
	    m->now_us + WARM_UP_POLLS * poll_us + WARM_UP_MS * US_PER_MS;
	m->end_us = m->counted_from_us + POLLS_COUNTED * poll_us;
	if (m->end_us < m->counted_from_us + least_us)
		m->end_us = m->counted_from_us + least_us;
	while (step(m))
		;
}

struct outcome
model_run(const struct cell *cell, enum policy policy, struct ledger *ledger,
	  uint64_t seed)
{
	struct model m = {.cell = cell, .policy = policy};

	m.fleet.ledger = ledger;
	rng_seed(&m.fleet.rng, seed);
	do {
		m.turned_us = -TURN_GAP_MS * US_PER_MS;
		m.turn_us = NEVER;
		if (cell->burst > 0)
			run_burst(&m);
		else
			run_churn(&m);
		m.outcome.load = (double)m.fleet.taken /
				 (double)(cell->capacity * m.fleet.n);
		m.queue.n = 0;
		fleet_free(&m.fleet);
	} while (m.outcome.clients < cell->clients);
	queue_free(&m.queue);
	return m.outcome;
}
