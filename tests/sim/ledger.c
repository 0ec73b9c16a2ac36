/* SPDX-License-Identifier: MIT */
/*
 * The seat ledger: its port for the scaler, the grants of the API's processes,
 * and what becomes of the file. The one before the last renewal is kept: who
 * has not looked since still has it mapped.
 */
#include <inttypes.h>
#include <string.h>

#include "tests/sim/world.h"

/* ---- the port ---------------------------------------------------------- */

static struct seat_ledger *
now_of(void *self)
{
	return &((struct world *)self)->ledger;
}

/* A file that is just made. */
static void
make(struct world *world)
{
	struct seat_ledger *ledger = &world->ledger;

	world->ledger_before = *ledger;
	*ledger =
	    (struct seat_ledger){.epoch = (rng_next(&world->rng) >> 1) + 1,
				 .made_ms = world->now_ms};
	for (size_t i = 0; i < SLOTS_MAX; i++)
		ledger->cell[i].closed = true;
	trace(world, "a new ledger");
}

void
ledger_start(struct world *world)
{
	const struct stored *store = &world->store;

	if (!world->ledger.lost && store->has_fleet &&
	    (uint64_t)store->fleet.ledger_epoch == world->ledger.epoch)
		return;
	make(world);
}

static uint64_t
port_epoch(void *self)
{
	return now_of(self)->epoch;
}

static struct ledger_cell
port_read(void *self, uint32_t slot)
{
	if (slot >= SLOTS_MAX) {
		violate(self, "slot %" PRIu32 " is read", slot);
		return (struct ledger_cell){.generation = 0};
	}
	return now_of(self)->cell[slot];
}

/* The row, not gone, that has it, as committed. */
static const struct stored_row *
holder(const struct world *world, uint32_t slot)
{
	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct stored_row *stored = &world->store.row[i];

		if (stored->row.state != STATE_GONE && stored->row.slot == slot)
			return stored;
	}
	return NULL;
}

static void
port_assign(void *self, uint32_t slot, uint32_t generation)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);
	const struct stored_row *stored = holder(world, slot);
	struct ledger_cell *cell = &world->ledger.cell[slot];

	if (gate == GATE_SHUT)
		return;
	if (stored != NULL && !world->ledger.damaged &&
	    world->ledger.epoch == (uint64_t)world->store.fleet.ledger_epoch &&
	    stored->row.generation == cell->generation)
		violate(world, "S the cell of %" PRId64 " begins anew",
			stored->row.id);
	*cell = (struct ledger_cell){.generation = generation, .closed = true};
	world_leave_port(world, gate);
}

static struct ledger_cell
port_close(void *self, uint32_t slot)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);

	if (gate != GATE_SHUT)
		world->ledger.cell[slot].closed = true;
	world_leave_port(world, gate);
	return world->ledger.cell[slot];
}

static struct ledger_cell
port_open(void *self, uint32_t slot)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);
	const struct stored_row *stored = holder(world, slot);
	struct ledger_cell *cell = &world->ledger.cell[slot];

	if (gate == GATE_SHUT)
		return *cell;
	if (stored == NULL || !store_is_granted(stored) ||
	    stored->row.generation != cell->generation)
		violate(world,
			"S slot %" PRIu32 " opens, and no row that is "
			"available has it",
			slot);
	cell->closed = false;
	world_leave_port(world, gate);
	return *cell;
}

static uint64_t
port_shortage(void *self)
{
	return now_of(self)->shortage;
}

static bool
port_renew(void *self)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);

	if (gate == GATE_SHUT || !world->ledger.lost)
		return false;
	make(world);
	/* Who has not looked yet can't grant in it any more. */
	for (size_t i = 0; i < SLOTS_MAX; i++)
		world->ledger_before.cell[i].closed = true;
	world_leave_port(world, gate);
	return true;
}

static void
port_announce(void *self)
{
	(void)self;
}

struct ledger_port
ledger_port_of(struct world *world)
{
	return (struct ledger_port){.self = world,
				    .nslot = SLOTS_MAX,
				    .epoch = port_epoch,
				    .read = port_read,
				    .assign = port_assign,
				    .close = port_close,
				    .open = port_open,
				    .shortage = port_shortage,
				    .renew = port_renew,
				    .announce = port_announce};
}

/* ---- the API ----------------------------------------------------------- */

/* What the process that sees the world as it was age_ms ago has mapped. */
struct seat_ledger *
ledger_mapped(struct world *world, int64_t age_ms)
{
	return world->now_ms - age_ms >= world->ledger.made_ms
		   ? &world->ledger
		   : &world->ledger_before;
}

int64_t
ledger_credit(const struct seat_ledger *ledger,
	      const struct gameserver_shown *shown)
{
	const struct ledger_cell *cell;

	if (shown->slot < 0)
		return 0;
	cell = &ledger->cell[shown->slot];
	if (cell->closed || cell->generation != shown->generation ||
	    cell->granted >= shown->limit)
		return 0;
	return shown->limit - cell->granted;
}

bool
ledger_is_open(const struct seat_ledger *ledger,
	       const struct gameserver_shown *shown)
{
	return shown->slot >= 0 && !ledger->cell[shown->slot].closed &&
	       ledger->cell[shown->slot].generation == shown->generation;
}

/* ---- what becomes of it ------------------------------------------------ */

static void
damage_cells(struct world *world)
{
	struct rng *rng = &world->rng;
	struct seat_ledger *ledger = &world->ledger;
	const int64_t how = rng_range(rng, 0, 2);

	for (size_t i = 0; i < SLOTS_MAX; i++) {
		struct ledger_cell *cell = &ledger->cell[i];

		if (how == 0)
			*cell = (struct ledger_cell){
			    .generation = (uint32_t)rng_range(
				rng, 0, (1 << LEDGER_GENERATION_BITS) - 1),
			    .closed = rng_percent(rng, 50),
			    .granted = rng_range(
				rng, 0,
				(INT64_C(1) << LEDGER_GRANTED_BITS) - 1)};
		else if (how == 1)
			cell->closed = rng_percent(rng, 50);
		else
			cell->granted = rng_range(rng, 0, cell->granted);
	}
	ledger->damaged = true;
	ledger->damaged_ms = world->now_ms;
}

void
ledger_suffers(struct world *world)
{
	struct seat_ledger *ledger = &world->ledger;

	if (rng_percent(&world->rng, 50)) {
		damage_cells(world);
		return;
	}
	ledger->lost = true;
	if (rng_percent(&world->rng, 50)) {
		damage_cells(world);
		ledger->epoch =
		    rng_percent(&world->rng, 50) ? 0 : ledger->epoch ^ 1;
	}
}

/* ---- what must hold ---------------------------------------------------- */

/* The row is about to be committed so. */
void
ledger_check_row(struct world *world, const struct gameserver *row)
{
	const struct stored_row *stored = store_row(world, row->id);
	const struct ledger_cell *cell;

	/* Nobody looks after the cell of a row that went. */
	if (row->slot < 0 ||
	    (stored != NULL && stored->row.state == STATE_GONE))
		return;
	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct gameserver *other = &world->store.row[i].row;

		if (other->id != row->id && other->slot == row->slot &&
		    (other->generation == row->generation ||
		     (other->state != STATE_GONE && row->state != STATE_GONE)))
			violate(world,
				"S %" PRId64 " and %" PRId64 " share slot "
				"%" PRId64 ", generation %" PRId64,
				row->id, other->id, row->slot, row->generation);
	}
	cell = &world->ledger.cell[row->slot];
	if (cell->generation != row->generation || world->ledger.damaged)
		return;
	if (!cell->closed &&
	    !store_may_be_granted(
		row, health_of(row->score, world_health_rule(world))))
		violate(world, "S %" PRId64 " is %s, and its cell is open",
			row->id, state_name(row->state));
	if (row->grant_limit - cell->granted > world->config.server_capacity)
		violate(world,
			"S %" PRId64 " may be granted %" PRId64
			" seats, it has %" PRId64,
			row->id, row->grant_limit - cell->granted,
			world->config.server_capacity);
}
