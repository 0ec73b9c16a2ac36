/* SPDX-License-Identifier: MIT */
/*
 * The scaler's ports into the world of its tests. The clock moves only when
 * the bench moves it; the store keeps what was committed; questions, lists and
 * calls stay open until scaler_bench.h answers them.
 */
#ifndef GSM_TESTS_SCALER_BENCH_PORTS_H
#define GSM_TESTS_SCALER_BENCH_PORTS_H

#include "scalerd/scaler/state.h" /* for its times only */
#include "tests/unit/scalerd/scaler_bench_world.h"

#define UTC_AHEAD_MS INT64_C(1763830128000) /* CLOCK_REALTIME - BOOTTIME */

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

/* ---- all of them ------------------------------------------------------- */

static inline struct ports
bench_ports(struct bench *b)
{
	return (struct ports){
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
}

#endif
