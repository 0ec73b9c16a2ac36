/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong. Each history draws which faults it knows (half of them, so
 * that each pair meets often) and then one fault after the other.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

enum {
	FAULT_GAP_MIN_MS = 30000,
	FAULT_GAP_MAX_MS = 300000,
	MINUTE_MS = 60000,
	FOREIGN_MAX = 3,
	PICKS = 40,
	HANGS_PROVEN_PERCENT = 10,
};

static const struct {
	const char *name;
	int64_t min_ms, max_ms; /* how long it lasts; 0: a moment */
} faults[FAULT_COUNT] = {
    [FAULT_VM_DIES] = {"a machine dies", 0, 0},
    [FAULT_VM_HANGS] = {"a machine hangs", 0, 0},
    [FAULT_VM_WRONG] = {"a machine answers nonsense", 0, 0},
    [FAULT_HOST_LEAVES] = {"a host is leaving", 0, 0},
    [FAULT_HOST_SHARED] = {"a host is shared", 0, 0},
    [FAULT_FOREIGN] = {"a foreign gameserver appears", 0, 0},
    [FAULT_BAD_BOOT] = {"machines boot badly", 10000, 5 * MINUTE_MS},
    [FAULT_PARTITION] = {"partition", 10000, 15 * MINUTE_MS},
    [FAULT_LOCAL_ERROR] = {"our sockets fail", 5000, 2 * MINUTE_MS},
    [FAULT_REFUSE] = {"launches are refused", 10000, 10 * MINUTE_MS},
    [FAULT_UNKNOWN] = {"calls end unknown", 5000, 5 * MINUTE_MS},
    [FAULT_SLOW] = {"calls are slow", 5000, 5 * MINUTE_MS},
    [FAULT_LIST] = {"lists are wrong", 5000, 5 * MINUTE_MS},
    [FAULT_LAG] = {"lists lag", 10000, 10 * MINUTE_MS},
    [FAULT_BUSY] = {"the store is busy", 1000, 2 * MINUTE_MS},
    [FAULT_KILL] = {"scalerd is about to be killed", 0, 0},
    [FAULT_PAUSE] = {"scalerd stands still", 0, 0},
    [FAULT_UTC] = {"the wall clock jumps", 0, 0},
    [FAULT_RECONFIGURE] = {"SIGHUP", 0, 0},
    [FAULT_FENCED] = {"another writer takes over", 0, 0},
    [FAULT_AMNESIA] = {"the database is deleted", 0, 0},
    [FAULT_LEDGER] = {"the ledger suffers", 0, 0},
    [FAULT_SLEEPER] = {"a process of the API sleeps", 5000, 2 * MINUTE_MS},
    [FAULT_CROWD] = {"a crowd of players", MINUTE_MS, 8 * MINUTE_MS},
    [FAULT_LULL] = {"no players come", MINUTE_MS, 10 * MINUTE_MS},
};

/* ---- configuration ----------------------------------------------------- */

static void
config_choose_times(struct world *world)
{
	struct rng *rng = &world->rng;
	struct config *c = &world->config;

	c->poll_interval_ms = rng_range(rng, 1, 8) * 1000;
	c->health_timeout_ms = rng_range(rng, 1, 3) * 1000;
	c->start_grace_ms = rng_range(rng, 60, 180) * 1000;
	c->launch_deadline_ms = rng_range(rng, 120, 300) * 1000;
	c->join_grace_ms = rng_range(rng, 10, 60) * 1000;
	c->dead_after_ms = rng_range(rng, 60, 300) * 1000;
	c->seat_hold_ms = rng_range(rng, 1, 6) * 500;
	c->panic_launch_interval_ms = 60000;
	c->stale_after_ms = 30000;
	c->hung_after_ms = 120000;
	c->reap = world->seed % 4 >= 2 ? CONFIG_REAP_DRY_RUN : CONFIG_REAP_ON;
	c->drain_deadline_ms = rng_percent(rng, 50) ? 0 : 300000;
}

/* `again`: what SIGHUP changes in a running fleet. JOIN_GRACE stays, or the
 * players who are on the way were promised another one. */
void
config_choose(struct world *world, bool again)
{
	struct rng *rng = &world->rng;
	struct config *c = &world->config;

	if (!again)
		config_choose_times(world);
	c->server_capacity = again ? c->server_capacity : rng_range(rng, 1, 10);
	c->upscale_margin = rng_range(rng, 1, 3 * c->server_capacity);
	c->downscale_margin = c->upscale_margin + c->server_capacity + 1 +
			      rng_range(rng, 0, 2 * c->server_capacity);
	c->min_servers = rng_range(rng, 0, 3);
	c->max_servers = c->min_servers + rng_range(rng, 3, 9);
	c->launches_per_turn = rng_range(rng, 1, 4);
	c->launches_per_hour = rng_percent(rng, 25) ? rng_range(rng, 2, 8) : 60;
	c->scale_down_delay_ms = rng_range(rng, 5, 60) * 1000;
	c->health_fall = rng_range(rng, 1, 4);
	c->health_rise = rng_range(rng, 1, 3);
	if (world->most_max_servers < c->max_servers)
		world->most_max_servers = c->max_servers;
	if (world->most_per_hour < c->launches_per_hour)
		world->most_per_hour = c->launches_per_hour;
	trace(world,
	      "config up=%" PRId64 " down=%" PRId64 " cap=%" PRId64
	      " min=%" PRId64 " max=%" PRId64 " hour=%" PRId64 " poll=%" PRId64
	      " join_grace=%" PRId64 " fall=%" PRId64 " rise=%" PRId64,
	      c->upscale_margin, c->downscale_margin, c->server_capacity,
	      c->min_servers, c->max_servers, c->launches_per_hour,
	      c->poll_interval_ms, c->join_grace_ms, c->health_fall,
	      c->health_rise);
}

/* ---- machines ---------------------------------------------------------- */

/* A live machine, or VMS_MAX. Standby ones are few, and it is there that a
 * fault meets the rules of a stop: half of the faults go to them. */
static size_t
any_vm(struct world *world)
{
	const struct cloud *cloud = &world->cloud;
	const bool standby = rng_percent(&world->rng, 50);
	size_t live = VMS_MAX;

	for (int tries = 0; cloud->nvm > 0 && tries < PICKS; tries++) {
		const size_t i =
		    (size_t)rng_range(&world->rng, 0, (int64_t)cloud->nvm - 1);
		const struct stored_row *row = store_row_of_vm(world, i);

		if (!cloud->vm[i].alive)
			continue;
		live = i;
		if (!standby ||
		    (row != NULL && row->row.state == STATE_STANDBY))
			break;
	}
	return live;
}

static void
vm_suffers(struct world *world, size_t i, enum fault fault)
{
	struct vm *vm = &world->cloud.vm[i];
	const int64_t long_ms = 2 * world->config.dead_after_ms;
	int64_t last_ms = rng_range(&world->rng, 500, 20000);

	if (rng_percent(&world->rng, 50))
		last_ms = rng_range(&world->rng, 20000, long_ms + 20000);
	if (fault == FAULT_VM_HANGS && !vm->hung) {
		vm->hung = true;
		vm->hung_since_ms = world->now_ms;
	} else if (fault == FAULT_VM_WRONG) {
		vm->wrong = true;
	}
	vm->recovers_ms = world->now_ms + last_ms;
	world_plan(world, vm->recovers_ms, MOMENT_VM_RECOVERS, i, 0);
	if (vm->hung)
		world_plan(world, world->now_ms + HUNG_GIVE_UP_MS,
			   MOMENT_VM_RECOVERS, i, 1);
}

void
faults_after_proof(struct world *world, size_t i)
{
	struct vm *vm = &world->cloud.vm[i];

	if (world->phase != PHASE_FAULTS || vm->hung ||
	    !world->enabled[FAULT_VM_HANGS] ||
	    !rng_percent(&world->rng, HANGS_PROVEN_PERCENT))
		return;
	trace(world, "%s hangs for long", vm->ref);
	vm->hung = true;
	vm->hung_since_ms = world->now_ms;
	vm->recovers_ms = world->now_ms + 3 * world->config.dead_after_ms;
	world_plan(world, vm->recovers_ms, MOMENT_VM_RECOVERS, i, 0);
}

/* serial 1: those who can't know yet that they have joined give up. */
void
faults_vm_recovers(struct world *world, const struct moment *moment)
{
	struct vm *vm = &world->cloud.vm[moment->what];

	if (moment->serial == 1) {
		players_give_up(world, moment->what);
		return;
	}
	if (!vm->alive || world->now_ms < vm->recovers_ms ||
	    !(vm->hung || vm->wrong))
		return;
	trace(world, "%s recovers", vm->ref);
	vm->hung = vm->wrong = false;
}

static void
vm_fault(struct world *world, enum fault fault)
{
	const size_t i = any_vm(world);
	struct vm *vm = i == VMS_MAX ? NULL : &world->cloud.vm[i];

	if (vm == NULL)
		return;
	trace(world, "%s: %s", faults[fault].name, vm->ref);
	switch (fault) {
	case FAULT_VM_DIES:
		cloud_vm_dies(world, i, "crash");
		break;
	case FAULT_HOST_LEAVES:
		vm->leaving = true;
		world_plan(world,
			   world->now_ms + rng_range(&world->rng, MINUTE_MS,
						     15 * MINUTE_MS),
			   MOMENT_VM_ENDS, i, 0);
		break;
	case FAULT_HOST_SHARED:
		vm->shares_host = !vm->shares_host;
		break;
	default:
		vm_suffers(world, i, fault);
	}
}

static void
foreign_appears(struct world *world)
{
	int64_t n = 0;

	for (size_t i = 0; i < world->cloud.nvm; i++)
		n += world->cloud.vm[i].alive && !world->cloud.vm[i].ours;
	if (n < FOREIGN_MAX)
		cloud_add_vm(world, "", false);
}

/* ---- scalerd ----------------------------------------------------------- */

static void
scaler_fault(struct world *world, enum fault fault)
{
	struct rng *rng = &world->rng;

	if (world->scaler == NULL)
		return;
	switch (fault) {
	case FAULT_KILL:
		world->kill_in = rng_range(rng, 1, 40);
		world->kill_before = rng_percent(rng, 50);
		break;
	case FAULT_PAUSE:
		if (world->now_ms < world->paused_until_ms)
			return;
		world->paused_until_ms =
		    world->now_ms + (rng_percent(rng, 50)
					 ? rng_range(rng, 1000, 20000)
					 : rng_range(rng, 20000, 900000));
		break;
	case FAULT_FENCED:
		world->store.fenced = true;
		break;
	case FAULT_AMNESIA:
		if (!cloud_is_still(world))
			return;
		world->amnesia = true;
		world_stop_scaler(world, rng_range(rng, 0, MINUTE_MS));
		break;
	default:
		config_choose(world, true);
		scaler_reconfigure(world->scaler, &world->config);
	}
}

static void
utc_jumps(struct world *world)
{
	const int64_t day_ms = INT64_C(86400000);
	const int64_t by_ms =
	    rng_percent(&world->rng, 50)
		? rng_range(&world->rng, -10 * MINUTE_MS, 10 * MINUTE_MS)
		: rng_range(&world->rng, -2 * day_ms, 2 * day_ms);

	trace(world, "by %" PRId64 " ms", by_ms);
	world->utc_offset_ms += by_ms;
	world->utc_jumped_ms = world->now_ms;
	if (by_ms > TURN_JUMP_MS || by_ms < -TURN_JUMP_MS)
		world_unsettle(world);
}

/* ---- one after the other ----------------------------------------------- */

/* So that on average a part of the seats that there can be is taken. */
static void
choose_demand(struct world *world)
{
	const struct config *c = &world->config;
	const int64_t seats = c->max_servers * c->server_capacity;

	world->arrival_gap_ms =
	    PLAYER_STAY_MS / rng_range(&world->rng, 1, seats) + 1;
}

void
faults_choose(struct world *world)
{
	for (size_t i = 0; i < FAULT_COUNT; i++) {
		world->enabled[i] = rng_percent(&world->rng, 50);
		if (world->enabled[i])
			trace(world, "this history knows: %s", faults[i].name);
	}
	world->enabled[FAULT_CROWD] = world->enabled[FAULT_LULL] = true;
	/* It loses JOIN_GRACE's beginning and the operations: rarely. */
	if (rng_percent(&world->rng, 50))
		world->enabled[FAULT_AMNESIA] = false;
	world->is_strict = rng_percent(&world->rng, 50);
	world->cloud.two_steps = rng_percent(&world->rng, 50);
	choose_demand(world);
	world->fault_gap_ms =
	    rng_range(&world->rng, FAULT_GAP_MIN_MS, FAULT_GAP_MAX_MS);
	world->utc_jumped_ms = INT64_MIN / 2;
	world->amnesia_ms = INT64_MIN / 2;
}

static void
lasting_fault(struct world *world, enum fault fault)
{
	const int64_t last_ms =
	    rng_range(&world->rng, faults[fault].min_ms, faults[fault].max_ms);

	if (world_is_on(world, fault))
		return;
	world->until_ms[fault] = world->now_ms + last_ms;
	if (fault == FAULT_PARTITION)
		world->partition_from_ms = world->now_ms;
	if (fault == FAULT_SLEEPER)
		players_fall_asleep(world);
	if (fault == FAULT_LIST)
		world->list_fault = (int)rng_range(&world->rng, 0, 3);
	world_plan(world, world->until_ms[fault], MOMENT_FAULT_OVER, fault, 0);
}

static void
fault_happens(struct world *world, enum fault fault)
{
	if (fault <= FAULT_HOST_SHARED) {
		vm_fault(world, fault);
		return;
	}
	trace(world, "%s", faults[fault].name);
	if (fault == FAULT_FOREIGN)
		foreign_appears(world);
	else if (fault == FAULT_UTC)
		utc_jumps(world);
	else if (fault == FAULT_LEDGER)
		ledger_suffers(world);
	else if (faults[fault].max_ms > 0)
		lasting_fault(world, fault);
	else
		scaler_fault(world, fault);
}

void
faults_happen(struct world *world, const struct moment *moment)
{
	(void)moment;
	if (world->phase != PHASE_FAULTS)
		return;
	for (int tries = 0; tries < 5; tries++) {
		const size_t i =
		    (size_t)rng_range(&world->rng, 0, FAULT_COUNT - 1);

		if (world->enabled[i]) {
			fault_happens(world, (enum fault)i);
			break;
		}
	}
	world_plan(world,
		   world->now_ms +
		       rng_range(&world->rng, 100, world->fault_gap_ms),
		   MOMENT_FAULT, 0, 0);
}

void
faults_over(struct world *world, const struct moment *moment)
{
	if (world->now_ms >= world->until_ms[moment->what])
		trace(world, "over: %s", faults[moment->what].name);
	if (moment->what == FAULT_SLEEPER)
		players_wake_up(world);
}

/* Nobody ends what never answered well but was not launched by an operation
 * that is still recorded. */
static bool
is_adopted(struct world *world, size_t vm)
{
	const struct stored_row *row = store_row_of_vm(world, vm);

	return row == NULL || row->row.origin == ORIGIN_ADOPTED;
}

void
faults_end_all(struct world *world)
{
	for (size_t i = 0; i < FAULT_COUNT; i++)
		world->until_ms[i] = 0;
	world->kill_in = 0;
	for (size_t i = 0; i < world->cloud.nvm; i++) {
		struct vm *vm = &world->cloud.vm[i];

		vm->hung = vm->wrong = vm->shares_host = false;
		if (!vm->ours || is_adopted(world, i))
			vm->runs_ms = vm->answers_ms = world->now_ms;
		if (vm->alive && vm->leaving && !vm->stopping)
			world_plan(world, world->now_ms + MINUTE_MS,
				   MOMENT_VM_ENDS, i, 0);
	}
}
