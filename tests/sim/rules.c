/* SPDX-License-Identifier: MIT */
/* What must never happen, checked against the truth at each commit. */
#include <inttypes.h>
#include <string.h>

#include "scalerd/core/decide.h"
#include "tests/sim/world.h"

enum { HOUR_MS = 3600000, SLACK_MS = 2000, BACKOFF_MS = 60000 };

void
rules_nobody_there(struct world *world, size_t i, const char *what)
{
	const struct vm *vm = i == VMS_MAX ? NULL : &world->cloud.vm[i];

	if (vm != NULL && vm->alive && (vm->players > 0 || vm->on_the_way > 0))
		violate(world,
		    "%s: %s has %" PRId64 " players and %" PRId64
		    " on the way",
		    what, vm->ref, vm->players, vm->on_the_way);
}

/* ---- one row ----------------------------------------------------------- */

static size_t
vm_of(const struct world *world, const struct gameserver *row)
{
	const size_t i = cloud_find_ref(&world->cloud, row->ref);

	return i != VMS_MAX ? i : cloud_find_mark(&world->cloud, row->mark);
}

/* The row as it is after this batch. */
static const struct gameserver *
row_after(struct world *world, const struct batch *batch, int64_t id)
{
	const struct stored_row *stored;

	for (size_t i = 0; i < batch->ngameserver; i++)
		if (batch->gameserver[i]->id == id)
			return batch->gameserver[i];
	stored = store_row(world, id);
	return stored == NULL ? NULL : &stored->row;
}

static bool
has_event(const struct batch *batch, const struct gameserver *row)
{
	for (size_t i = 0; i < batch->nevent; i++) {
		const struct event *event = &batch->event[i];

		if (event->gameserver == row->id && event->to != NULL &&
		    strcmp(event->kind, "state") == 0 &&
		    strcmp(event->to, state_name(row->state)) == 0 &&
		    event->reason != NULL &&
		    strcmp(event->reason, reason_name(row->reason)) == 0)
			return true;
	}
	return false;
}

/* Two complete rounds since the start or the last jump of a clock. */
static void
check_settled(struct world *world, const struct batch *batch,
    const struct gameserver *row)
{
	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct stored_row *other = &world->store.row[i];
		const enum state state =
		    row_after(world, batch, other->row.id)->state;

		if ((state == STATE_AVAILABLE || state == STATE_STANDBY) &&
		    other->state_ms < world->settled_from_ms &&
		    other->vm != VMS_MAX &&
		    world->cloud.vm[other->vm].answers < SETTLED_ROUNDS)
			violate(world,
			    "%" PRId64 " is taken away before the scaler has "
			    "settled: %" PRId64 " answered %d times",
			    row->id, other->row.id,
			    world->cloud.vm[other->vm].answers);
	}
}

/* While nobody answers for longer than the scaler needs to see it. */
static bool
is_cut_off(const struct world *world)
{
	const struct config *c = &world->config;
	int64_t from_ms = world->partition_from_ms;

	if (from_ms < world->settled_from_ms)
		from_ms = world->settled_from_ms;
	return world_is_on(world, FAULT_PARTITION) && !world->store.late &&
	    !world_is_on(world, FAULT_LOCAL_ERROR) &&
	    world->now_ms - world->until_ms[FAULT_LOCAL_ERROR] > HOUR_MS / 4 &&
	    world->now_ms - from_ms >
	    2 * c->poll_interval_ms + c->health_timeout_ms + SLACK_MS;
}

/* Silent all the time, while most of the others answered all the time. */
static void
check_dead(struct world *world, const struct gameserver *row, size_t i)
{
	const struct vm *vm = i == VMS_MAX ? NULL : &world->cloud.vm[i];
	const int64_t silent_ms = world->config.dead_after_ms - SLACK_MS;
	int64_t others = 0, good = 0;

	for (size_t j = 0; j < world->store.nrow; j++) {
		const struct stored_row *other = &world->store.row[j];

		if (other->row.id == row->id ||
		    (other->row.state != STATE_AVAILABLE &&
			other->row.state != STATE_STANDBY))
			continue;
		others++;
		good += other->health == HEALTH_GOOD;
	}
	/* What changed in the same turn is not stored yet: one of slack. */
	if (others == 0 || 2 * (good + 1) < others)
		violate(world, "I8 %" PRId64 " is called dead, %" PRId64 " of %"
		    PRId64 " others answer", row->id, good, others);
	if (world->now_ms - world->cut_off_ms < silent_ms)
		violate(world, "I7 %" PRId64 " is called dead, nobody answered "
		    "%" PRId64 " ms ago", row->id,
		    world->now_ms - world->cut_off_ms);
	if (vm != NULL && vm->lived_ms > 0 &&
	    world->now_ms - vm->lived_ms < silent_ms)
		violate(world, "I8 %" PRId64 " is called dead, it answered %"
		    PRId64 " ms ago", row->id, world->now_ms - vm->lived_ms);
}

static void
check_released(struct world *world, const struct gameserver *row)
{
	const int64_t delay_ms = world->config.scale_down_delay_ms;

	/* While it can't commit we do not see what it sees. */
	if (row->reason == REASON_SURPLUS &&
	    world->now_ms - world->store.failed_ms > delay_ms &&
	    (world->surplus_from_ms == 0 ||
		world->now_ms - world->surplus_from_ms <
		    delay_ms - SLACK_MS))
		violate(world, "%" PRId64 " is released, but the surplus did "
		    "not last", row->id);
}

static bool
takes_away(const struct gameserver *row)
{
	return row->state == STATE_STANDBY ||
	    (row->state == STATE_STOPPING &&
		(row->reason == REASON_PROVEN_EMPTY ||
		    row->reason == REASON_DEAD));
}

static void
check_standby(struct world *world, const struct gameserver *row, size_t vm)
{
	if (!row->ours || (vm != VMS_MAX && !world->cloud.vm[vm].ours))
		violate(world, "I3 %" PRId64 " is not ours and is drained",
		    row->id);
}

static void
check_stopping(struct world *world, const struct stored_row *stored,
    const struct gameserver *row, size_t vm)
{
	if (!row->ours || (vm != VMS_MAX && !world->cloud.vm[vm].ours))
		violate(world, "I3 %" PRId64 " is not ours and is stopped",
		    row->id);
	if (row->reason == REASON_DIED) {
		if (vm != VMS_MAX && world->cloud.vm[vm].alive)
			violate(world, "I1 %" PRId64 " lives, but is stopped "
			    "as dead", row->id);
		return;
	}
	rules_nobody_there(world, vm, "I1 a stop is decided");
	if (row->heard && !row->ready_to_close)
		violate(world,
		    "I8 %" PRId64 " had players when last heard and is "
		    "stopped (%s)", row->id, reason_name(row->reason));
	if ((row->reason == REASON_PROVEN_EMPTY ||
		row->reason == REASON_DEAD) &&
	    vm != VMS_MAX && world->cloud.vm[vm].told_shared &&
	    !world->store.late)
		violate(world, "I3 %" PRId64 " is stopped on a shared host",
		    row->id);
	if (row->reason == REASON_DEAD && !world->store.late)
		check_dead(world, row, vm);
	if (row->reason != REASON_PROVEN_EMPTY)
		return;
	if (stored->row.state != STATE_STANDBY)
		violate(world, "%" PRId64 " is stopped out of %s", row->id,
		    state_name(stored->row.state));
	else if (vm != VMS_MAX && world->cloud.vm[vm].proofs < PROOF_ANSWERS)
		violate(world, "%" PRId64 " is stopped with %" PRId64
		    " proofs", row->id, world->cloud.vm[vm].proofs);
}

/* Only what is short comes back out of standby; a restart does not. */
static void
check_back(struct world *world, const struct gameserver *row)
{
	if (row->reason != REASON_BELOW_MARGIN &&
	    row->reason != REASON_BELOW_MIN)
		violate(world, "I5 %" PRId64 " left standby for no reason (%s)",
		    row->id, reason_name(row->reason));
}

/* Nothing that lives is forgotten; what a late call made just now is found by
 * the next list. */
static void
check_gone(struct world *world, const struct gameserver *row, size_t i)
{
	const struct vm *vm = i == VMS_MAX ? NULL : &world->cloud.vm[i];

	if (vm != NULL && vm->alive &&
	    world->now_ms - vm->created_ms >
		CALL_LATE_MAX_MS + CALL_ANSWER_LATE_MAX_MS)
		violate(world, "I2 %" PRId64 " is gone, but %s lives", row->id,
		    vm->ref);
}

static void
check_new_row(struct world *world, const struct gameserver *row)
{
	if (row->id <= world->store.last_id)
		violate(world, "the id %" PRId64 " is used again", row->id);
	if (!world->store.late && row->state != STATE_LAUNCHING &&
	    row->reason != REASON_ADOPTED)
		violate(world, "%" PRId64 " begins as %s", row->id,
		    state_name(row->state));
}

static void
check_move(struct world *world, const struct batch *batch,
    const struct stored_row *stored, const struct gameserver *row)
{
	const size_t vm = vm_of(world, row);

	if (!state_may_become(stored->row.state, row->state))
		violate(world, "I5 %" PRId64 " goes from %s to %s", row->id,
		    state_name(stored->row.state), state_name(row->state));
	if (takes_away(row)) {
		check_settled(world, batch, row);
		if (is_cut_off(world))
			violate(world,
			    "I7 %" PRId64 " becomes %s while nobody answers",
			    row->id, state_name(row->state));
	}
	if (takes_away(row) && !world->list_is_good && !world->store.late)
		violate(world, "%" PRId64 " is taken away without a good list",
		    row->id);
	if (row->state == STATE_STANDBY) {
		check_standby(world, row, vm);
		check_released(world, row);
	} else if (row->state == STATE_STOPPING)
		check_stopping(world, stored, row, vm);
	else if (row->state == STATE_GONE)
		check_gone(world, row, vm);
	else if (stored->row.state == STATE_STANDBY)
		check_back(world, row);
}

void
rules_row(struct world *world, const struct batch *batch,
    const struct gameserver *row)
{
	const struct stored_row *stored = store_row(world, row->id);

	if (stored != NULL && stored->row.state == row->state)
		return;
	if (!has_event(batch, row))
		violate(world, "%" PRId64 " becomes %s, but no event says so",
		    row->id, state_name(row->state));
	if (stored == NULL)
		check_new_row(world, row);
	else
		check_move(world, batch, stored, row);
}

/* ---- one operation ----------------------------------------------------- */

static void
check_per_hour(struct world *world, const struct operation *op)
{
	struct stored *store = &world->store;
	/* It was decided then; its commit may have come late. */
	const int64_t age_ms = world_utc_ms(world) - op->created_utc_ms;
	int64_t n = 1;

	for (size_t i = 0; i < store->nlaunch; i++)
		n += world->now_ms - store->launch_ms[i] < HOUR_MS;
	if (store->nlaunch < LAUNCHES_MAX)
		store->launch_ms[store->nlaunch++] =
		    world->now_ms - (age_ms > 0 ? age_ms : 0);
	if (n > world->most_per_hour &&
	    world->now_ms - world->utc_jumped_ms > HOUR_MS &&
	    world->now_ms - world->amnesia_ms > HOUR_MS)
		violate(world, "I4 %" PRId64 " launches in an hour", n);
}

/* The more rounds of launches were refused, the longer is the wait: doubled
 * from a second on. One round less than the store shows: what failed before
 * there was an operation may have been a part of it. */
static void
check_backoff(struct world *world)
{
	const struct stored *store = &world->store;
	int64_t wait_ms = 1000;

	for (int64_t i = 2; i < store->refusals && wait_ms < BACKOFF_MS; i++)
		wait_ms *= 2;
	if (store->refusals > 1 && !store->late &&
	    world->utc_jumped_ms < store->refused_ms &&
	    world->now_ms - store->refused_ms < wait_ms - SLACK_MS)
		violate(world, "I4 a launch %" PRId64 " ms after %" PRId64
		    " rounds of refusals", world->now_ms - store->refused_ms,
		    store->refusals);
}

static void
check_new_op(struct world *world, const struct batch *batch,
    const struct operation *op)
{
	const struct gameserver *row =
	    row_after(world, batch, op->gameserver);
	const enum state want =
	    op->kind == OP_LAUNCH ? STATE_LAUNCHING : STATE_STOPPING;

	if (row == NULL || (op->result == OP_PENDING && row->state != want)) {
		violate(world, "I2 operation %s is not about a %s row", op->id,
		    state_name(want));
		return;
	}
	if (op->request[0] == '\0' || op->phase[0] == '\0')
		violate(world, "I2 operation %s has no request", op->id);
	for (size_t i = 0; i < world->store.nop; i++) {
		const struct operation *other = &world->store.op[i].op;

		if (other->gameserver == op->gameserver &&
		    other->kind == op->kind)
			violate(world, "I2 a second %s for %" PRId64,
			    op_kind_name(op->kind), op->gameserver);
	}
	if (op->kind != OP_LAUNCH)
		return;
	if (strcmp(row->mark, op->id) != 0)
		violate(world, "I2 launch %s has another mark", op->id);
	check_per_hour(world, op);
	check_backoff(world);
}

void
rules_op(struct world *world, const struct batch *batch,
    const struct operation *op)
{
	const struct stored_op *stored = store_op(world, op->id);
	const struct operation *before;

	if (stored == NULL) {
		check_new_op(world, batch, op);
		return;
	}
	before = &stored->op;
	if (before->kind != op->kind || before->gameserver != op->gameserver)
		violate(world, "I2 operation %s became another", op->id);
	if (before->result != OP_PENDING && before->result != op->result)
		violate(world, "I2 operation %s was %s, is %s", op->id,
		    op_result_name(before->result),
		    op_result_name(op->result));
	if (strcmp(before->phase, op->phase) == 0 &&
	    strcmp(before->request, op->request) != 0)
		violate(world, "I2 operation %s has new bytes", op->id);
}

/* ---- the fleet after a commit ------------------------------------------ */

struct sums {
	int64_t free, coming, serving, live, asked, unknown;
	bool back_possible; /* one in standby could come back */
	bool deadlines_unclear;
};

/* The deadline of one that is coming may be over for the scaler. */
static bool
is_deadline_unclear(const struct world *world, const struct stored_row *stored)
{
	const struct config *c = &world->config;
	const int64_t grace_ms = stored->row.state == STATE_LAUNCHING
	    ? c->launch_deadline_ms
	    : c->start_grace_ms;

	/* Not since its commit: that may have come late. */
	return world->utc_jumped_ms >= stored->state_ms - HOUR_MS ||
	    world_utc_ms(world) - stored->row.since_utc_ms >=
	    grace_ms - SLACK_MS;
}

static void
sum_row(struct world *world, const struct stored_row *stored,
    struct sums *sums)
{
	const struct gameserver *row = &stored->row;
	const int64_t seats = row->seats > 0 ? row->seats : 0;
	const bool stays = !row->host_leaving;

	sums->live += row->state != STATE_GONE;
	if (row->state == STATE_AVAILABLE || row->state == STATE_STANDBY) {
		sums->asked++;
		sums->unknown += stored->health == HEALTH_UNKNOWN;
	}
	if (row->state == STATE_STANDBY)
		sums->back_possible |=
		    stored->health == HEALTH_GOOD && stays && seats > 0;
	if (row->state == STATE_LAUNCHING || row->state == STATE_STARTING) {
		sums->deadlines_unclear |= is_deadline_unclear(world, stored);
		sums->coming += stays ? world->config.server_capacity : 0;
		sums->serving += stays;
	}
	if (row->state != STATE_AVAILABLE || !stays ||
	    stored->health == HEALTH_BAD)
		return;
	sums->serving++;
	if (stored->health == HEALTH_UNKNOWN)
		sums->coming += world->config.server_capacity;
	else
		sums->free += seats;
}

static void
check_launches_wanted(
    struct world *world, const struct sums *sums, int64_t launches)
{
	const struct config *c = &world->config;
	const int64_t coming = sums->coming - launches * c->server_capacity;
	const int64_t seats = c->upscale_margin - sums->free - coming;
	const int64_t servers = c->min_servers - (sums->serving - launches);
	int64_t wanted =
	    seats > 0 ? (seats - 1) / c->server_capacity + 1 : 0;

	if (servers > wanted)
		wanted = servers;
	if (sums->deadlines_unclear)
		return;
	if (launches > wanted)
		violate(world,
		    "I4 %" PRId64 " launches, %" PRId64 " needed: free %" PRId64
		    ", coming %" PRId64 ", serving %" PRId64,
		    launches, wanted, sums->free, coming, sums->serving);
	if (sums->back_possible)
		violate(world, "a launch, and one in standby could come back");
}

/* Most of the fleet does not answer: one launch in PANIC_LAUNCH_INTERVAL. */
static void
check_panic_launches(
    struct world *world, const struct sums *sums, int64_t launches)
{
	const struct stored *store = &world->store;
	const size_t before = store->nlaunch - (size_t)launches;

	if (!is_cut_off(world) || sums->asked == 0 || sums->unknown > 0 ||
	    world->utc_jumped_ms > world->partition_from_ms - HOUR_MS)
		return;
	if (launches > 1 ||
	    (before > 0 && before < LAUNCHES_MAX &&
		world->now_ms - store->launch_ms[before - 1] <
		    world->config.panic_launch_interval_ms - SLACK_MS))
		violate(world, "I7 launches in panic follow too soon");
}

void
rules_fleet(struct world *world, int64_t launches)
{
	const struct config *c = &world->config;
	struct sums sums = {0};

	for (size_t i = 0; i < world->store.nrow; i++)
		sum_row(world, &world->store.row[i], &sums);
	if (is_cut_off(world) && sums.asked > 0 && sums.unknown == 0)
		world->cut_off_ms = world->now_ms;
	if (world->store.late || launches == 0)
		return;
	if (sums.live > c->max_servers)
		violate(world, "I4 a launch makes %" PRId64
		    " gameservers, MAX_SERVERS is %" PRId64,
		    sums.live, c->max_servers);
	if (world->launches_this_turn > c->launches_per_turn)
		violate(world, "I4 %" PRId64 " launches in a turn",
		    world->launches_this_turn);
	check_launches_wanted(world, &sums, launches);
	check_panic_launches(world, &sums, launches);
}
