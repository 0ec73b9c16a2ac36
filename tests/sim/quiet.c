/* SPDX-License-Identifier: MIT */
/*
 * The quiet end of a history: failures cease, then scalerd starts again, then
 * everybody leaves. After each part the fleet must be at rest: nothing leaked,
 * nothing pending, enough seats, and in the end no surplus.
 */
#include <inttypes.h>
#include <string.h>

#include "scalerd/core/decide.h"
#include "tests/sim/world.h"

enum {
	MINUTE_MS = 60000,
	QUIET_MS = 45 * MINUTE_MS,
	RESTART_MS = 6 * MINUTE_MS,
	EMPTY_MS = 25 * MINUTE_MS,
	DOWN_MS = 3000,
	POSTPONED_MAX = 12,
};

/* ---- at rest ----------------------------------------------------------- */

/* Found launching in a dry run: only somebody else may end it. */
static bool
is_left_alone(const struct world *world, const struct gameserver *row)
{
	return world->config.reap == CONFIG_REAP_DRY_RUN &&
	       row->state == STATE_LAUNCHING && row->origin == ORIGIN_ADOPTED;
}

/* All its free seats may be granted, if it is available. */
static bool
is_cell_right(const struct world *world, const struct gameserver *row)
{
	const int64_t seats = row->seats > 0 ? row->seats : 0;
	const struct ledger_cell *cell;

	if (row->slot < 0)
		return false;
	cell = &world->ledger.cell[row->slot];
	return cell->generation == row->generation &&
	       cell->closed ==
		   (row->state != STATE_AVAILABLE || row->host_leaving) &&
	       row->grant_limit - cell->granted == seats;
}

static void
check_rows(struct world *world)
{
	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct stored_row *stored = &world->store.row[i];
		const struct gameserver *row = &stored->row;
		const struct vm *vm =
		    stored->vm == VMS_MAX ? NULL : &world->cloud.vm[stored->vm];

		if (row->state == STATE_GONE)
			continue;
		if (vm == NULL || !vm->alive)
			violate(world, "I6 %" PRId64 " is %s, but nothing runs",
				row->id, state_name(row->state));
		else if (is_left_alone(world, row))
			continue;
		else if (row->state != STATE_AVAILABLE &&
			 row->state != STATE_STANDBY)
			violate(world, "I6 %" PRId64 " is %s for ever", row->id,
				state_name(row->state));
		else if (stored->health != HEALTH_GOOD ||
			 row->seats != vm->capacity - vm->players)
			violate(world,
				"I6 %" PRId64 " is %s with %" PRId64
				" seats, in truth %" PRId64,
				row->id, health_name(stored->health),
				row->seats, vm->capacity - vm->players);
		else if (!is_cell_right(world, row))
			violate(world,
				"S %" PRId64 " is %s with %" PRId64
				" seats, its cell says otherwise",
				row->id, state_name(row->state), row->seats);
		else if (row->state == STATE_STANDBY && vm->players == 0)
			violate(world,
				"I6 %" PRId64 " is empty and stays in "
				"standby",
				row->id);
	}
}

static void
check_machines(struct world *world)
{
	for (size_t i = 0; i < world->cloud.nvm; i++) {
		int64_t n = 0;

		for (size_t j = 0; j < world->store.nrow; j++)
			n += world->store.row[j].vm == i &&
			     world->store.row[j].row.state != STATE_GONE;
		if (world->cloud.vm[i].alive && n != 1)
			violate(world, "I6 %s lives and has %" PRId64 " rows",
				world->cloud.vm[i].ref, n);
	}
}

static void
check_operations(struct world *world)
{
	for (size_t i = 0; i < world->store.nop; i++)
		if (world->store.op[i].op.result == OP_PENDING)
			violate(world,
				"I6 operation %s (%s) is pending for "
				"ever",
				world->store.op[i].op.id,
				op_kind_name(world->store.op[i].op.kind));
	if (world->store.fleet.heartbeat_ms <
	    world->now_ms - 2 * TURN_INTERVAL_MS)
		violate(world, "I6 the heartbeat stopped");
}

struct rest {
	int64_t free, rotation, live;
	int64_t back;       /* standby, and could come back with seats */
	int64_t least_kept; /* free without the emptiest of ours */
};

static struct rest
sum_rest(const struct world *world)
{
	struct rest rest = {.least_kept = INT64_MIN};
	int64_t emptiest = INT64_MIN;

	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct gameserver *row = &world->store.row[i].row;
		const int64_t seats = row->seats > 0 ? row->seats : 0;

		rest.live += row->state != STATE_GONE;
		rest.back += row->state == STATE_STANDBY && seats > 0;
		if (row->state != STATE_AVAILABLE)
			continue;
		rest.free += seats;
		rest.rotation++;
		if (row->ours && seats > emptiest)
			emptiest = seats;
	}
	if (emptiest != INT64_MIN)
		rest.least_kept = rest.free - emptiest;
	return rest;
}

static void
check_capacity(struct world *world, const struct rest *rest)
{
	const struct config *c = &world->config;
	const bool is_short =
	    rest->free < c->upscale_margin || rest->rotation < c->min_servers;

	if (!is_short)
		return;
	if (rest->back > 0)
		violate(world, "I6 short of seats, and standby has some");
	else if (rest->live < c->max_servers)
		violate(world,
			"I6 %" PRId64 " seats free on %" PRId64
			" gameservers, and nothing is launched (%s)",
			rest->free, rest->rotation,
			world->store.fleet.limited_by);
}

static void
check_released(struct world *world, const struct rest *rest)
{
	const struct config *c = &world->config;

	if (rest->free > c->downscale_margin &&
	    rest->rotation > c->min_servers &&
	    rest->least_kept >= c->upscale_margin)
		violate(world,
			"I6 a surplus of %" PRId64 " seats on %" PRId64
			" gameservers is kept",
			rest->free, rest->rotation);
}

static void
check_rest(struct world *world)
{
	const struct rest rest = sum_rest(world);

	trace(world,
	      "at rest: free %" PRId64 ", rotation %" PRId64 ", live %" PRId64,
	      rest.free, rest.rotation, rest.live);
	check_rows(world);
	check_machines(world);
	check_operations(world);
	check_capacity(world, &rest);
	check_released(world, &rest);
}

/* ---- a restart changes nothing ----------------------------------------- */

static void
remember(struct world *world)
{
	world->quiet_nop = world->store.nop;
	for (size_t i = 0; i < world->store.nrow; i++)
		world->quiet_state[i] = world->store.row[i].row.state;
}

static void
check_unchanged(struct world *world)
{
	if (world->quiet_nop != world->store.nop)
		violate(world, "I9 a restart launched or stopped something");
	for (size_t i = 0; i < world->store.nrow; i++)
		if (world->quiet_state[i] != world->store.row[i].row.state)
			violate(world, "I9 a restart made %" PRId64 " %s",
				world->store.row[i].row.id,
				state_name(world->store.row[i].row.state));
}

/* Hours may pass before the launches of a bounded hour have caught up (after a
 * jump of the wall clock an hour counts from the restart), and what was
 * launched just now needs its time. */
static bool
is_catching_up(const struct world *world)
{
	const struct stored *store = &world->store;

	return strcmp(world->store.fleet.limited_by,
		      limit_name(LIMIT_PER_HOUR)) == 0 ||
	       (store->nlaunch > 0 &&
		world->now_ms - store->launch_ms[store->nlaunch - 1] <
		    QUIET_MS / 2);
}

void
quiet_phase(struct world *world, const struct moment *moment)
{
	int64_t last_ms = 0;

	(void)moment;
	switch (world->phase) {
	case PHASE_FAULTS:
		world_start_scaler(world);
		faults_end_all(world);
		last_ms = QUIET_MS;
		break;
	case PHASE_QUIET:
		if (is_catching_up(world) &&
		    world->postponed++ < POSTPONED_MAX) {
			world_plan(world, world->now_ms + QUIET_MS,
				   MOMENT_PHASE, 0, 0);
			return;
		}
		check_rest(world);
		remember(world);
		world_stop_scaler(world, DOWN_MS);
		last_ms = RESTART_MS;
		break;
	case PHASE_RESTART:
		check_unchanged(world);
		check_rest(world);
		players_all_leave(world);
		last_ms = EMPTY_MS;
		break;
	default:
		check_rest(world);
		break;
	}
	world->phase++;
	trace(world, "phase %d", (int)world->phase);
	world_plan(world, world->now_ms + last_ms, MOMENT_PHASE, 0, 0);
}
