/* SPDX-License-Identifier: MIT */
/*
 * The bench of the scaler's tests: a small world behind its ports. The clock
 * moves only when the bench moves it; the store keeps what was committed, and
 * that is where the tests look; the prober and the provider answer out of
 * `runner`, the gameservers that run. Tests bend it by setting its members.
 */
#ifndef GSM_TESTS_SCALER_BENCH_H
#define GSM_TESTS_SCALER_BENCH_H

#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/log.h"
#include "scalerd/core/health.h"
#include "scalerd/scaler/scaler.h"
#include "scalerd/scaler/state.h" /* for its times only */

/* A test that needs more gameservers defines it first. */
#ifndef BENCH_RUNNERS
#define BENCH_RUNNERS 16
#endif

enum {
	RUNNERS_MAX = BENCH_RUNNERS,
	STORED_MAX = 4 * RUNNERS_MAX,
	CALLS_MAX = 64,
	ANSWER_MS = 50, /* from a turn to the answers to what it asked, and
			   from these to the next turn */
	PORT_FIRST = 100,
	PATIENCE_MS = 1800000, /* RUN_UNTIL gives up */
	CAPACITY = 10,
	SLOTS = 2 * RUNNERS_MAX,
};

#define UTC_AHEAD_MS INT64_C(1763830128000) /* CLOCK_REALTIME - BOOTTIME */

/* A gameserver that runs, whether or not anybody knows it. */
struct runner {
	struct sighting seen;
	bool hidden;                 /* no list shows it */
	enum answer_kind answers[2]; /* given in turn */
	int64_t seats;
	int64_t joined; /* -1: it does not say */
	bool ready_to_close;
	int nanswer;
};

struct stored_row {
	struct gameserver row;
	int64_t state_ms; /* when the commit came that shows this state */
};

struct call {
	enum op_kind kind;
	char operation[MARK_SIZE];
	int64_t gameserver;
	char ref[REF_SIZE]; /* of the gameserver, as the call had it */
	int64_t ms;
	bool open;
};

struct open_question {
	int64_t gameserver, asked_ms;
	int port;
	bool suspect;
};

/* What a list was told of a row. */
struct told_row {
	char mark[MARK_SIZE];
	char ref[REF_SIZE];
};

struct bench {
	struct config config;
	struct scaler *scaler;
	struct err err;
	int64_t now_ms;
	uint64_t random;

	/* The store. */
	enum store_result result; /* of the commits from now on; STORE_RESET
				     once only */
	enum state
	    refused_state; /* a batch that shows one in that state is
			      answered by STORE_BUSY; STATE_COUNT: none */
	bool not_writer;
	int writer_checks;
	int ncommit;
	size_t nwritten; /* rows of gameservers, by all commits */
	struct fleet_row fleet;
	struct stored_row row[STORED_MAX];
	struct operation operation[STORED_MAX];
	struct alarm alarm[STORED_MAX]; /* raised or over */
	size_t nrow, noperation, nalarm;

	/* The ledger. */
	uint64_t epoch;
	struct ledger_cell cell[SLOTS];
	uint64_t shortage;
	bool ledger_lost; /* the next renew makes another */
	int nannounce;

	/* The prober. */
	bool prober_full;
	struct open_question question[RUNNERS_MAX];
	size_t nquestion;

	/* The provider. */
	bool prepare_fails;
	bool list_held, list_fails;
	bool list_open;
	int64_t list_asked_ms;
	struct told_row known[STORED_MAX]; /* of the last list */
	size_t nknown;
	int nlist;                /* complete ones that were answered */
	bool held[OP_KIND_COUNT]; /* its calls stay open */
	enum step_result outcome[OP_KIND_COUNT];
	int64_t wait_ms;       /* of its steps */
	int64_t call_takes_ms; /* passes inside of each call */
	struct call call[CALLS_MAX];
	size_t ncall;
	struct runner runner[RUNNERS_MAX];
	size_t nrunner;
};

/* ---- the clock and the store ------------------------------------------- */

static inline struct instant
bench_now(void *self)
{
	const struct bench *b = self;

	return (struct instant){.ms = b->now_ms,
				.utc_ms = b->now_ms + UTC_AHEAD_MS};
}

static inline uint64_t
bench_random(void *self)
{
	struct bench *b = self;

	b->random = b->random * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
	return b->random ^ (b->random >> 32);
}

static inline bool
bench_load(void *self, int64_t utc_ms, const struct store_rows *rows,
	   struct err *err)
{
	const struct bench *b = self;
	const int64_t since = utc_ms - HOUR_MS;

	(void)err;
	if (b->ncommit > 0)
		rows->fleet(rows->arg, &b->fleet);
	for (size_t i = 0; i < b->nrow; i++)
		if (b->row[i].row.state != STATE_GONE ||
		    b->row[i].row.since_utc_ms > since)
			rows->gameserver(rows->arg, &b->row[i].row);
	for (size_t i = 0; i < b->noperation; i++)
		if (b->operation[i].result == OP_PENDING ||
		    (b->operation[i].kind == OP_LAUNCH &&
		     b->operation[i].created_utc_ms > since))
			rows->operation(rows->arg, &b->operation[i]);
	for (size_t i = 0; i < b->nalarm; i++)
		if (b->alarm[i].raised)
			rows->alarm(rows->arg, &b->alarm[i]);
	return true;
}

static inline void
bench_store_row(struct bench *b, const struct gameserver *row)
{
	size_t i = 0;

	while (i < b->nrow && b->row[i].row.id != row->id)
		i++;
	assert_true(i < STORED_MAX);
	if (i == b->nrow || b->row[i].row.state != row->state)
		b->row[i].state_ms = b->now_ms;
	b->nrow += i == b->nrow;
	b->row[i].row = *row;
}

static inline void
bench_store_operation(struct bench *b, const struct operation *operation)
{
	size_t i = 0;

	while (i < b->noperation &&
	       strcmp(b->operation[i].id, operation->id) != 0)
		i++;
	assert_true(i < STORED_MAX);
	b->noperation += i == b->noperation;
	b->operation[i] = *operation;
}

static inline void
bench_store_alarm(struct bench *b, const struct alarm *alarm)
{
	size_t i = 0;

	while (i < b->nalarm && (strcmp(b->alarm[i].name, alarm->name) != 0 ||
				 b->alarm[i].gameserver != alarm->gameserver))
		i++;
	assert_true(i < STORED_MAX);
	b->nalarm += i == b->nalarm;
	b->alarm[i] = *alarm;
}

static inline enum store_result
bench_commit(void *self, const struct batch *batch, struct err *err)
{
	struct bench *b = self;
	enum store_result result = b->result;

	for (size_t i = 0; i < batch->ngameserver; i++)
		if (batch->gameserver[i]->state == b->refused_state)
			result = STORE_BUSY;
	if (result == STORE_RESET) {
		b->nrow = b->noperation = b->nalarm = 0;
		b->result = STORE_OK;
	}
	if (result != STORE_OK) {
		err_set(err, "the bench said no");
		return result;
	}
	for (size_t i = 0; i < batch->ngameserver; i++)
		bench_store_row(b, batch->gameserver[i]);
	for (size_t i = 0; i < batch->noperation; i++)
		bench_store_operation(b, batch->operation[i]);
	for (size_t i = 0; i < batch->nalarm; i++)
		bench_store_alarm(b, &batch->alarm[i]);
	b->fleet = *batch->fleet;
	b->nwritten += batch->ngameserver;
	b->ncommit++;
	return STORE_OK;
}

static inline bool
bench_is_writer(void *self)
{
	struct bench *b = self;

	b->writer_checks++;
	return !b->not_writer;
}

/* ---- the ledger -------------------------------------------------------- */

static inline uint64_t
bench_epoch(void *self)
{
	const struct bench *b = self;

	return b->epoch;
}

static inline struct ledger_cell
bench_read_cell(void *self, uint32_t slot)
{
	const struct bench *b = self;

	assert_true(slot < SLOTS);
	return b->cell[slot];
}

static inline void
bench_assign(void *self, uint32_t slot, uint32_t generation)
{
	struct bench *b = self;

	assert_true(slot < SLOTS);
	b->cell[slot] =
	    (struct ledger_cell){.generation = generation, .closed = true};
}

static inline struct ledger_cell
bench_close_cell(void *self, uint32_t slot)
{
	struct bench *b = self;

	b->cell[slot].closed = true;
	return b->cell[slot];
}

static inline struct ledger_cell
bench_open_cell(void *self, uint32_t slot)
{
	struct bench *b = self;

	b->cell[slot].closed = false;
	return b->cell[slot];
}

static inline uint64_t
bench_shortage(void *self)
{
	const struct bench *b = self;

	return b->shortage;
}

static inline bool
bench_renew(void *self)
{
	struct bench *b = self;

	if (!b->ledger_lost)
		return false;
	b->ledger_lost = false;
	b->epoch++;
	b->shortage = 0;
	memset(b->cell, 0, sizeof(b->cell));
	for (int i = 0; i < SLOTS; i++)
		b->cell[i].closed = true;
	return true;
}

static inline void
bench_announce(void *self)
{
	struct bench *b = self;

	b->nannounce++;
}

static inline struct ledger_port
bench_ledger(struct bench *b)
{
	return (struct ledger_port){.self = b,
				    .nslot = SLOTS,
				    .epoch = bench_epoch,
				    .read = bench_read_cell,
				    .assign = bench_assign,
				    .close = bench_close_cell,
				    .open = bench_open_cell,
				    .shortage = bench_shortage,
				    .renew = bench_renew,
				    .announce = bench_announce};
}

/* ---- the prober and the provider --------------------------------------- */

static inline bool
bench_ask(void *self, const struct question *question)
{
	struct bench *b = self;

	if (b->prober_full)
		return false;
	assert_true(b->nquestion < RUNNERS_MAX);
	b->question[b->nquestion++] =
	    (struct open_question){.gameserver = question->gameserver,
				   .asked_ms = b->now_ms,
				   .port = question->port,
				   .suspect = question->suspect};
	return true;
}

static inline bool
bench_prepare(void *self, const struct gameserver *gameserver,
	      struct operation *operation, struct err *err)
{
	const struct bench *b = self;

	(void)gameserver;
	if (b->prepare_fails)
		return err_set(err, "the bench can't prepare");
	snprintf(operation->phase, sizeof(operation->phase), "only");
	return true;
}

static inline void
bench_list(void *self, const struct known *known, size_t nknown)
{
	struct bench *b = self;

	assert_false(b->list_open);
	b->list_open = true;
	b->list_asked_ms = b->now_ms;
	assert_true(nknown <= STORED_MAX);
	for (size_t i = 0; i < nknown; i++) {
		snprintf(b->known[i].mark, MARK_SIZE, "%s", known[i].mark);
		snprintf(b->known[i].ref, REF_SIZE, "%s", known[i].ref);
	}
	b->nknown = nknown;
}

static inline void
bench_call(struct bench *b, const struct operation *operation,
	   const struct gameserver *gameserver)
{
	struct call *call = &b->call[b->ncall++];

	assert_true(b->ncall < CALLS_MAX);
	*call = (struct call){.kind = operation->kind,
			      .gameserver = gameserver->id,
			      .ms = b->now_ms,
			      .open = true};
	snprintf(call->operation, MARK_SIZE, "%s", operation->id);
	snprintf(call->ref, REF_SIZE, "%s", gameserver->ref);
	b->now_ms += b->call_takes_ms;
}

static inline void
bench_launch(void *self, const struct operation *operation,
	     const struct gameserver *gameserver)
{
	assert_int_equal(operation->kind, OP_LAUNCH);
	bench_call(self, operation, gameserver);
}

static inline void
bench_stop(void *self, const struct operation *operation,
	   const struct gameserver *gameserver)
{
	assert_int_equal(operation->kind, OP_STOP);
	bench_call(self, operation, gameserver);
}

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
	const struct ports ports = {
	    .clock = {b, bench_now, bench_random},
	    .store = {b, bench_load, bench_commit, bench_is_writer},
	    .ledger = bench_ledger(b),
	    .prober = {b, bench_ask},
	    .provider = {.self = b,
			 .name = "bench",
			 .list_interval_ms = 1000,
			 .confirm_interval_ms = 250,
			 .absent_rounds = 2,
			 .prepare = bench_prepare,
			 .list = bench_list,
			 .launch = bench_launch,
			 .stop = bench_stop}};

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
				    .seat_hold_ms = 1000,
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

/* The only runner whose row is in that state, NULL if there is none. */
static inline struct runner *
bench_only(struct bench *b, enum state state)
{
	struct runner *found = NULL;

	for (size_t i = 0; i < b->nrunner; i++)
		if (bench_state(b, &b->runner[i]) == state) {
			assert_null(found);
			found = &b->runner[i];
		}
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

#define SCALER_TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

#endif
