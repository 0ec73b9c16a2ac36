/* SPDX-License-Identifier: MIT */
/* The store: keeps exactly what was committed, for ever. */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <string.h>

enum { HOUR_MS = 3600000 };

struct stored_row *
store_row(struct world *world, int64_t id)
{
	for (size_t i = world->store.nrow; i > 0; i--)
		if (world->store.row[i - 1].row.id == id)
			return &world->store.row[i - 1];
	return NULL;
}

struct stored_row *
store_row_of_vm(struct world *world, size_t vm)
{
	for (size_t i = world->store.nrow; i > 0; i--)
		if (world->store.row[i - 1].vm == vm &&
		    world->store.row[i - 1].row.state != STATE_GONE)
			return &world->store.row[i - 1];
	return NULL;
}

struct stored_op *
store_op(struct world *world, const char *id)
{
	for (size_t i = world->store.nop; i > 0; i--)
		if (strcmp(world->store.op[i - 1].op.id, id) == 0)
			return &world->store.op[i - 1];
	return NULL;
}

/* ---- what the API sees ------------------------------------------------- */

bool
store_may_be_granted(const struct gameserver *row, enum health health)
{
	return row->state == STATE_AVAILABLE && !row->host_leaving &&
	       row->address[0] != '\0' &&
	       (health == HEALTH_GOOD || health == HEALTH_SUSPECT);
}

bool
store_is_granted(const struct stored_row *row)
{
	return store_may_be_granted(&row->row, row->health);
}

int64_t
store_epoch_shown(const struct world *world, int64_t age_ms)
{
	return world->now_ms - age_ms >= world->store.epoch_changed_ms
		   ? world->store.fleet.ledger_epoch
		   : world->store.epoch_before;
}

static struct gameserver_shown
shown_of(const struct gameserver *row, enum health health)
{
	return (struct gameserver_shown){.listed =
					     store_may_be_granted(row, health),
					 .good = health == HEALTH_GOOD,
					 .seats = row->seats,
					 .slot = row->slot,
					 .generation = row->generation,
					 .limit = row->grant_limit};
}

struct gameserver_shown
store_shown(const struct world *world, const struct stored_row *row,
	    int64_t age_ms)
{
	return world->now_ms - age_ms >= row->shown_changed_ms
		   ? row->shown
		   : row->shown_before;
}

static void
show(struct world *world, struct stored_row *row)
{
	const struct gameserver_shown now = shown_of(&row->row, row->health);

	if (now.listed == row->shown.listed && now.good == row->shown.good &&
	    now.seats == row->shown.seats && now.slot == row->shown.slot &&
	    now.generation == row->shown.generation &&
	    now.limit == row->shown.limit)
		return;
	row->shown_before = row->shown;
	row->shown = now;
	row->shown_changed_ms = world->now_ms;
}

/* ---- commit ------------------------------------------------------------ */

static void
note_state(struct world *world, const struct stored_row *stored)
{
	const struct gameserver *row = &stored->row;

	world->figures.standbys += row->state == STATE_STANDBY;
	if (row->state == STATE_AVAILABLE)
		world->store.refusals = 0;
	trace(world, "%" PRId64 " is %s (%s)%s%s", row->id,
	      state_name(row->state), reason_name(row->reason),
	      stored->vm == VMS_MAX ? "" : " ",
	      stored->vm == VMS_MAX ? "" : world->cloud.vm[stored->vm].ref);
}

static void
put_row(struct world *world, const struct gameserver *row)
{
	struct stored *store = &world->store;
	struct stored_row *stored = store_row(world, row->id);
	const bool new = stored == NULL;
	enum state before;

	if (new && store->nrow == ROWS_MAX) {
		violate(world, "I4 more than %d rows", ROWS_MAX);
		return;
	}
	if (new) {
		stored = &store->row[store->nrow++];
		memset(stored, 0, sizeof(*stored));
		store->last_id = row->id;
	}
	before = stored->row.state;
	stored->row = *row;
	stored->health = health_of(row->score, world_health_rule(world));
	stored->vm = cloud_find_ref(&world->cloud, row->ref);
	if (stored->vm == VMS_MAX)
		stored->vm = cloud_find_mark(&world->cloud, row->mark);
	if (new || before != row->state) {
		stored->state_ms = world->now_ms;
		if (stored->vm != VMS_MAX)
			world->cloud.vm[stored->vm].proofs = 0;
		note_state(world, stored);
	}
	show(world, stored);
	if (stored->vm != VMS_MAX)
		players_give_up(world, stored->vm);
}

/* A round is what failed before the scaler could wait for it: what was begun
 * before the first refusal, or before a launch that could not even begin. */
static void
note_launch_result(struct world *world, const struct stored_op *before,
		   const struct operation *op)
{
	struct stored *store = &world->store;
	const int64_t at_ms =
	    world->now_ms - (world_utc_ms(world) - op->finished_utc_ms);

	if (op->kind != OP_LAUNCH || before->op.result == op->result)
		return;
	if (op->result == OP_DONE)
		store->refusals = 0;
	/* One that was resumed belongs to the rounds before the restart. */
	if (op->result != OP_REFUSED ||
	    before->created_ms < world->started_ms ||
	    before->created_ms <= world->unprepared_ms)
		return;
	if (store->refusals == 0 || before->created_ms > store->refused_ms) {
		store->refusals++;
		store->refused_ms = at_ms;
	} else if (at_ms < store->refused_ms) {
		store->refused_ms = at_ms;
	}
}

static void
put_op(struct world *world, const struct operation *op)
{
	struct stored *store = &world->store;
	struct stored_op *stored = store_op(world, op->id);

	if (stored == NULL && store->nop == OPS_MAX) {
		violate(world, "I4 more than %d operations", OPS_MAX);
		return;
	}
	if (stored == NULL) {
		stored = &store->op[store->nop++];
		stored->created_ms = world->now_ms;
		stored->op.result = OP_PENDING;
		trace(world, "operation %s %s for %" PRId64, op->id,
		      op_kind_name(op->kind), op->gameserver);
		world->figures.launches += op->kind == OP_LAUNCH;
		world->figures.stops += op->kind == OP_STOP;
	} else if (stored->op.result != op->result) {
		trace(world, "operation %s %s: %s", op->id,
		      op_kind_name(op->kind), op_result_name(op->result));
	}
	note_launch_result(world, stored, op);
	stored->op = *op;
}

static int64_t
count_new_launches(struct world *world, const struct batch *batch)
{
	int64_t n = 0;

	for (size_t i = 0; i < batch->noperation; i++)
		n += batch->operation[i]->kind == OP_LAUNCH &&
		     store_op(world, batch->operation[i]->id) == NULL;
	return n;
}

static int64_t
count_backs(struct world *world, const struct batch *batch)
{
	int64_t n = 0;

	for (size_t i = 0; i < batch->ngameserver; i++) {
		const struct gameserver *row = batch->gameserver[i];
		const struct stored_row *stored = store_row(world, row->id);

		n += stored != NULL && stored->row.state == STATE_STANDBY &&
		     row->state == STATE_AVAILABLE;
	}
	return n;
}

/* Since when the scaler itself sees a surplus, commit after commit. */
static void
note_surplus(struct world *world, const struct fleet_row *fleet)
{
	if (fleet->free <= fleet->downscale_margin)
		world->surplus_from_ms = 0;
	else if (world->surplus_from_ms == 0)
		world->surplus_from_ms = world->now_ms;
}

/* Only what an answer changes may be another one: the store writes no more. */
static void
check_answered(struct world *world, const struct gameserver *row)
{
	const struct stored_row *stored = store_row(world, row->id);
	const struct gameserver *was = stored == NULL ? NULL : &stored->row;

	if (was == NULL || row->state != was->state ||
	    row->reason != was->reason ||
	    row->since_utc_ms != was->since_utc_ms ||
	    row->origin != was->origin || row->ours != was->ours ||
	    strcmp(row->mark, was->mark) != 0 ||
	    strcmp(row->ref, was->ref) != 0 ||
	    strcmp(row->instance, was->instance) != 0 ||
	    strcmp(row->ip, was->ip) != 0 || row->port != was->port ||
	    strcmp(row->address, was->address) != 0 ||
	    row->host_leaving != was->host_leaving || row->slot != was->slot ||
	    row->generation != was->generation)
		violate(world,
			"%" PRId64 " is said to differ by its answer only",
			row->id);
}

static void
apply(struct world *world, const struct batch *batch)
{
	const int64_t launches = count_new_launches(world, batch);

	note_surplus(world, batch->fleet);

	world->figures.backs += count_backs(world, batch);
	for (size_t i = batch->ngameserver - batch->nanswered;
	     i < batch->ngameserver; i++)
		check_answered(world, batch->gameserver[i]);
	for (size_t i = 0; i < batch->ngameserver; i++) {
		rules_row(world, batch, batch->gameserver[i]);
		ledger_check_row(world, batch->gameserver[i]);
	}
	for (size_t i = 0; i < batch->noperation; i++)
		rules_op(world, batch, batch->operation[i]);
	for (size_t i = 0; i < batch->ngameserver; i++)
		put_row(world, batch->gameserver[i]);
	for (size_t i = 0; i < batch->noperation; i++)
		put_op(world, batch->operation[i]);
	if (batch->fleet->ledger_epoch != world->store.fleet.ledger_epoch) {
		world->store.epoch_before = world->store.fleet.ledger_epoch;
		world->store.epoch_changed_ms = world->now_ms;
		world->figures.renewals++;
	}
	world->store.fleet = *batch->fleet;
	world->store.has_fleet = true;
	world->launches_this_turn += launches;
	rules_fleet(world, launches);
}

static enum store_result
commit(void *self, const struct batch *batch, struct err *err)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);

	if (gate == GATE_SHUT) {
		err_set(err, "the process is dead");
		return STORE_BUSY;
	}
	if (world->store.fenced) {
		err_set(err, "another writer has it");
		return STORE_LOST;
	}
	if (world_is_on(world, FAULT_BUSY)) {
		err_set(err, "database is locked");
		world->store.late = true;
		world->store.failed_ms = world->now_ms;
		world_leave_port(world, gate);
		return STORE_BUSY;
	}
	apply(world, batch);
	world->store.late = false;
	world->store.committed_ms = world->now_ms;
	world_leave_port(world, gate);
	return STORE_OK;
}

/* ---- load -------------------------------------------------------------- */

static bool
load(void *self, int64_t utc_ms, const struct store_rows *rows, struct err *err)
{
	struct world *world = self;
	const struct stored *store = &world->store;
	const int64_t since_utc_ms = utc_ms - HOUR_MS;

	(void)err;
	if (store->has_fleet)
		rows->fleet(rows->arg, &store->fleet);
	for (size_t i = 0; i < store->nrow; i++) {
		struct gameserver row = store->row[i].row;

		row.score = health_score(store->row[i].health,
					 world_health_rule(world));
		if (row.state != STATE_GONE || row.since_utc_ms > since_utc_ms)
			rows->gameserver(rows->arg, &row);
	}
	for (size_t i = 0; i < store->nop; i++) {
		const struct operation *op = &store->op[i].op;

		if (op->result == OP_PENDING ||
		    (op->kind == OP_LAUNCH &&
		     op->created_utc_ms > since_utc_ms))
			rows->operation(rows->arg, op);
	}
	return true;
}

static bool
is_writer(void *self)
{
	const struct world *world = self;

	return !world->killed && !world->store.fenced;
}

struct store_port
store_port_of(struct world *world)
{
	return (struct store_port){.self = world,
				   .load = load,
				   .commit = commit,
				   .is_writer = is_writer};
}

void
store_forget(struct world *world)
{
	world->store.nrow = 0;
	world->store.nop = 0;
	world->store.has_fleet = false;
	world->store.fleet.ledger_epoch = 0;
	world->store.last_id = 0;
	world->store.refusals = 0;
	world->amnesia = false;
	world->amnesia_ms = world->now_ms;
	world->lists_are_true = true;
	trace(world, "the database is gone");
}
