/* SPDX-License-Identifier: MIT */
/* What must never happen, checked against the truth at each commit. */
#include <inttypes.h>
#include <string.h>

#include "scalerd/core/decide.h"
#include "tests/sim/world.h"

enum { QUARTER_MS = 900000, SLACK_MS = 2000 };

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

const struct gameserver *
rules_row_after(struct world *world, const struct batch *batch, int64_t id)
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
		    rules_row_after(world, batch, other->row.id)->state;

		if ((state == STATE_AVAILABLE || state == STATE_STANDBY) &&
		    other->state_ms < world->settled_from_ms &&
		    other->vm != VMS_MAX &&
		    world->cloud.vm[other->vm].answers < SETTLED_ROUNDS)
			violate(world,
				"%" PRId64
				" is taken away before the scaler has "
				"settled: %" PRId64 " answered %d times",
				row->id, other->row.id,
				world->cloud.vm[other->vm].answers);
	}
}

bool
rules_is_cut_off(const struct world *world)
{
	const struct config *c = &world->config;
	int64_t from_ms = world->partition_from_ms;

	if (from_ms < world->settled_from_ms)
		from_ms = world->settled_from_ms;
	return world_is_on(world, FAULT_PARTITION) && !world->store.late &&
	       !world_is_on(world, FAULT_LOCAL_ERROR) &&
	       world->now_ms - world->until_ms[FAULT_LOCAL_ERROR] >
		   QUARTER_MS &&
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
		violate(world,
			"I8 %" PRId64 " is called dead, %" PRId64 " of %" PRId64
			" others answer",
			row->id, good, others);
	if (world->now_ms - world->cut_off_ms < silent_ms)
		violate(world,
			"I7 %" PRId64 " is called dead, nobody answered "
			"%" PRId64 " ms ago",
			row->id, world->now_ms - world->cut_off_ms);
	if (vm != NULL && vm->good_ms > 0 &&
	    world->now_ms - vm->good_ms < silent_ms)
		violate(world,
			"I8 %" PRId64 " is called dead, it answered %" PRId64
			" ms ago",
			row->id, world->now_ms - vm->good_ms);
}

static void
check_released(struct world *world, const struct gameserver *row)
{
	const int64_t delay_ms = world->config.scale_down_delay_ms;

	/* While it can't commit we do not see what it sees. */
	if (row->reason == REASON_SURPLUS &&
	    world->now_ms - world->store.failed_ms > delay_ms &&
	    (world->surplus_from_ms == 0 ||
	     world->now_ms - world->surplus_from_ms < delay_ms - SLACK_MS))
		violate(world,
			"%" PRId64 " is released, but the surplus did "
			"not last",
			row->id);
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
	if (world->config.reap == CONFIG_REAP_DRY_RUN &&
	    stored->row.state == STATE_LAUNCHING &&
	    stored->row.origin == ORIGIN_ADOPTED)
		violate(world,
			"%" PRId64 " was found and is stopped in a dry "
			"run",
			row->id);
	if (row->reason == REASON_DIED) {
		if (vm != VMS_MAX && world->cloud.vm[vm].alive)
			violate(world,
				"I1 %" PRId64 " lives, but is stopped "
				"as dead",
				row->id);
		return;
	}
	rules_nobody_there(world, vm, "I1 a stop is decided");
	if (row->heard && !row->ready_to_close)
		violate(world,
			"I8 %" PRId64 " had players when last heard and is "
			"stopped (%s)",
			row->id, reason_name(row->reason));
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
		violate(world, "%" PRId64 " is stopped with %" PRId64 " proofs",
			row->id, world->cloud.vm[vm].proofs);
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
		if (rules_is_cut_off(world))
			violate(world,
				"I7 %" PRId64
				" becomes %s while nobody answers",
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
