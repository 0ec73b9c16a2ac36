/* SPDX-License-Identifier: MIT */
/*
 * The bench of the scaler's tests: a scaler in a small world behind its ports.
 * The clock moves only when the bench moves it; the store keeps what was
 * committed, and that is where the tests look; the prober and the provider
 * answer out of `runner`, the gameservers that run. Tests bend it by setting
 * its members.
 */
#ifndef GSM_TESTS_SCALER_BENCH_H
#define GSM_TESTS_SCALER_BENCH_H

#include <stdlib.h>

#include "common/log.h"
#include "scalerd/core/health.h"
#include "scalerd/scaler/state.h" /* for its times only */
#include "tests/unit/scalerd/scaler_bench_ports.h"

/* One more gameserver that runs, empty and well, and bears the fleet's mark;
 * mark NULL gives it one that no operation has. */
static inline struct runner *
bench_add_runner(struct bench *b, const char *mark)
{
	const int n = (int)b->nrunner++;
	struct runner *r = &b->runner[n];

	assert_true(n < RUNNERS_MAX);
	*r = (struct runner){
	    .seen = {.ours = true, .running = true, .port = PORT_FIRST + n},
	    .seats = CAPACITY,
	    .joined = -1,
	    .ready_to_close = true};
	if (mark != NULL)
		snprintf(r->seen.mark, MARK_SIZE, "%s", mark);
	else
		snprintf(r->seen.mark, MARK_SIZE, "%032x", (unsigned int)n);
	snprintf(r->seen.ref, REF_SIZE, "ref-%d", n);
	snprintf(r->seen.ip, IP_SIZE, "192.0.2.1");
	snprintf(r->seen.address, ADDRESS_SIZE, "192.0.2.1:%d", PORT_FIRST + n);
	return r;
}

/* ---- what the edges would tell ----------------------------------------- */

static inline void
bench_answer_question(struct bench *b, const struct open_question *question)
{
	struct runner *r = &b->runner[question->port - PORT_FIRST];
	const struct answer answer = {.gameserver = question->gameserver,
				      .kind = r->answers[r->nanswer++ % 2],
				      .asked_ms = question->asked_ms,
				      .seats = r->seats,
				      .joined = r->joined,
				      .ready_to_close = r->ready_to_close};

	scaler_answered(b->scaler, &answer);
}

static inline void
bench_answer_list(struct bench *b)
{
	struct sighting sighting[RUNNERS_MAX];
	struct listing listing = {.complete = !b->list_fails,
				  .asked_ms = b->list_asked_ms,
				  .sighting = sighting};

	for (size_t i = 0; i < b->nrunner; i++)
		if (!b->runner[i].hidden)
			sighting[listing.nsighting++] = b->runner[i].seen;
	b->list_open = false;
	b->nlist += listing.complete;
	scaler_listed(b->scaler, &listing);
}

/* seen: what the call has to tell about its gameserver, or NULL. */
static inline void
bench_answer_call(struct bench *b, struct call *call, enum step_result result,
		  const struct sighting *seen)
{
	struct step step = {.result = result,
			    .phase = "next",
			    .wait_ms = b->wait_ms,
			    .sighted = seen != NULL};

	assert_true(call->open);
	call->open = false;
	snprintf(step.operation, MARK_SIZE, "%s", call->operation);
	snprintf(step.detail, sizeof(step.detail), "as the bench says");
	if (seen != NULL)
		step.sighting = *seen;
	scaler_stepped(b->scaler, &step);
}

/* What the call did to the world, and its answer. */
static inline void
bench_finish_call(struct bench *b, struct call *call)
{
	const enum step_result result = b->outcome[call->kind];

	if (result == STEP_DONE && call->kind == OP_LAUNCH)
		bench_add_runner(b, call->operation);
	for (size_t i = 0; i < b->nrunner; i++)
		if (result == STEP_DONE && call->kind == OP_STOP &&
		    strcmp(b->runner[i].seen.ref, call->ref) == 0)
			b->runner[i].hidden = true;
	bench_answer_call(b, call, result, NULL);
}

static inline void
bench_answer_all(struct bench *b)
{
	const size_t nquestion = b->nquestion;

	b->nquestion = 0;
	for (size_t i = 0; i < nquestion; i++)
		bench_answer_question(b, &b->question[i]);
	if (b->list_open && !b->list_held)
		bench_answer_list(b);
	for (size_t i = 0; i < b->ncall; i++)
		if (b->call[i].open && !b->held[b->call[i].kind])
			bench_finish_call(b, &b->call[i]);
}

/* ---- running it -------------------------------------------------------- */

static inline void
bench_turn(struct bench *b)
{
	const enum turn_result result = scaler_turn(b->scaler, &b->err);

	assert_int_equal(result, TURN_OK);
}

/* A turn and, ANSWER_MS later, the answers to what it asked. */
static inline void
bench_step(struct bench *b)
{
	bench_turn(b);
	b->now_ms += ANSWER_MS;
	bench_answer_all(b);
	b->now_ms += ANSWER_MS;
}

static inline void
bench_run(struct bench *b, int64_t ms)
{
	const int64_t end_ms = b->now_ms + ms;

	while (b->now_ms < end_ms)
		bench_step(b);
}

#define RUN_UNTIL(b, condition)                                                \
	do {                                                                   \
		const int64_t end_ms = (b)->now_ms + PATIENCE_MS;              \
		while (!(condition)) {                                         \
			assert_true((b)->now_ms < end_ms);                     \
			bench_step(b);                                         \
		}                                                              \
	} while (0)

/* A scaler on what the store holds, the first one or after a restart. What
 * was on its way to the one before is lost. */
static inline void
bench_start(struct bench *b)
{
	const struct ports ports = bench_ports(b);

	scaler_free(b->scaler);
	b->nquestion = 0;
	b->list_open = false;
	for (size_t i = 0; i < b->ncall; i++)
		b->call[i].open = false;
	b->scaler = scaler_new(&ports, &b->config);
	assert_non_null(b->scaler);
	assert_true(scaler_load(b->scaler, &b->err));
}

/* A fleet of `n` that the first list shows, until all of it is known, well
 * and settled. */
static inline void
bench_start_adopting(struct bench *b, int n)
{
	for (int i = 0; i < n; i++)
		bench_add_runner(b, NULL);
	bench_start(b);
	bench_run(b, 4000);
	assert_int_equal(b->nrow, n);
}

/* 4 empty ones are more than DOWNSCALE_MARGIN, 3 are not. */
static inline int
bench_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	log_set_level(LOG_LEVEL_ERROR);
	b->now_ms = 1000000;
	b->refused_state = STATE_COUNT;
	b->epoch = 7;
	b->config = (struct config){.upscale_margin = 4,
				    .downscale_margin = 35,
				    .server_capacity = CAPACITY,
				    .min_servers = 1,
				    .max_servers = 9,
				    .launches_per_turn = 5,
				    .launches_per_hour = 600,
				    .poll_interval_ms = 1000,
				    .health_timeout_ms = 1000,
				    .start_grace_ms = 30000,
				    .launch_deadline_ms = 60000,
				    .join_grace_ms = 10000,
				    .seat_hold_ms = HOLD_MS,
				    .scale_down_delay_ms = 5000,
				    .dead_after_ms = 60000,
				    .panic_launch_interval_ms = 60000,
				    .stale_after_ms = 30000,
				    .health_fall = 3,
				    .health_rise = 2};
	*state = b;
	return 0;
}

static inline int
bench_teardown(void **state)
{
	struct bench *b = *state;

	scaler_free(b->scaler);
	free(b);
	return 0;
}

/* ---- looking at it ----------------------------------------------------- */

/* The newest row that the store has about a runner. */
static inline const struct stored_row *
bench_row(const struct bench *b, const struct runner *r)
{
	const struct stored_row *found = NULL;

	for (size_t i = 0; i < b->nrow; i++)
		if (strcmp(b->row[i].row.mark, r->seen.mark) == 0)
			found = &b->row[i];
	assert_non_null(found);
	return found;
}

static inline enum state
bench_state(const struct bench *b, const struct runner *r)
{
	return bench_row(b, r)->row.state;
}

static inline int
bench_count(const struct bench *b, enum state state)
{
	int n = 0;

	for (size_t i = 0; i < b->nrow; i++)
		n += b->row[i].row.state == state;
	return n;
}

/* The only runner whose row is in that state. */
static inline struct runner *
bench_only(struct bench *b, enum state state)
{
	struct runner *found = b->runner;
	int n = 0;

	for (size_t i = 0; i < b->nrunner; i++)
		if (bench_state(b, &b->runner[i]) == state) {
			found = &b->runner[i];
			n++;
		}
	assert_int_equal(n, 1);
	return found;
}

static inline int
bench_calls(const struct bench *b, enum op_kind kind)
{
	int n = 0;

	for (size_t i = 0; i < b->ncall; i++)
		n += b->call[i].kind == kind;
	return n;
}

static inline struct call *
bench_last_call(struct bench *b, enum op_kind kind)
{
	for (size_t i = b->ncall; i > 0; i--)
		if (b->call[i - 1].kind == kind)
			return &b->call[i - 1];
	fail_msg("no %s was called", op_kind_name(kind));
	return NULL;
}

static inline bool
bench_has_alarm(const struct bench *b, enum alarm_kind kind)
{
	for (size_t i = 0; i < b->nalarm; i++)
		if (b->alarm[i].raised &&
		    strcmp(b->alarm[i].name, alarm_name(kind)) == 0)
			return true;
	return false;
}

static inline void
bench_set_answers(struct runner *r, enum answer_kind first,
		  enum answer_kind second)
{
	r->answers[0] = first;
	r->answers[1] = second;
}

static inline void
bench_silence(struct runner *r)
{
	bench_set_answers(r, ANSWER_TIMEOUT, ANSWER_TIMEOUT);
}

/* Three that this scaler launched, serving. */
static inline void
bench_start_launched(struct bench *b)
{
	b->config.min_servers = 3;
	bench_start(b);
	RUN_UNTIL(b, bench_count(b, STATE_AVAILABLE) == 3);
	bench_run(b, EARLY_DEATH_MS);
}

/* One that was launched and runs, but does not answer, goes and is back. */
static inline struct runner *
bench_lose_before_it_answers(struct bench *b)
{
	struct runner *r = &b->runner[3];

	bench_start_launched(b);
	b->held[OP_LAUNCH] = true;
	b->config.min_servers = 4;
	scaler_reconfigure(b->scaler, &b->config);
	RUN_UNTIL(b, bench_calls(b, OP_LAUNCH) == 4);
	b->held[OP_LAUNCH] = false;
	bench_answer_all(b);
	bench_silence(r);
	RUN_UNTIL(b, bench_state(b, r) == STATE_STARTING);
	r->hidden = true;
	RUN_UNTIL(b, bench_state(b, r) == STATE_GONE);
	r->hidden = false;
	RUN_UNTIL(b, bench_state(b, r) != STATE_GONE);
	return r;
}

/* Four with that many seats each, one too many: the one in standby. */
static inline struct runner *
bench_drain_adopted(struct bench *b, int64_t seats)
{
	for (int i = 0; i < 4; i++)
		bench_add_runner(b, NULL)->seats = seats;
	b->config.downscale_margin = 4 * seats - 1;
	bench_start(b);
	RUN_UNTIL(b, bench_count(b, STATE_STANDBY) == 1);
	return bench_only(b, STATE_STANDBY);
}

/* The runner's cell in the ledger. */
static inline struct ledger_cell *
cell_of(struct bench *b, const struct runner *r)
{
	const struct gameserver *row = &bench_row(b, r)->row;

	assert_in_range(row->slot, 0, SLOTS - 1);
	assert_int_equal(b->cell[row->slot].generation, row->generation);
	return &b->cell[row->slot];
}

/* What the handlers may still grant there. */
static inline int64_t
credit_of(struct bench *b, const struct runner *r)
{
	const struct ledger_cell *cell = cell_of(b, r);

	return cell->closed ? 0
			    : bench_row(b, r)->row.grant_limit - cell->granted;
}

#define SCALER_TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#endif
