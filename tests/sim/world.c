/* SPDX-License-Identifier: MIT */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	BEGIN_MS = 1000000, /* CLOCK_BOOTTIME when a history begins */
	STARTS_IN_MS = 1000,
	FAULTS_LAST_MIN_MS = 15 * 60 * 1000,
	FAULTS_LAST_MAX_MS = 45 * 60 * 1000,
};

static const int64_t begin_utc_ms = INT64_C(1790000000000);

typedef void moment_fn(struct world *world, const struct moment *moment);

/* ---- clock ------------------------------------------------------------- */

static struct instant
clock_now(void *self)
{
	const struct world *world = self;

	return (struct instant){.ms = world->now_ms,
				.utc_ms = world_utc_ms(world)};
}

static uint64_t
clock_random(void *self)
{
	struct world *world = self;

	return rng_next(&world->scaler_rng);
}

int64_t
world_utc_ms(const struct world *world)
{
	return begin_utc_ms + world->now_ms + world->utc_offset_ms;
}

/* ---- time -------------------------------------------------------------- */

void
world_plan(struct world *world, int64_t at_ms, enum moment_kind kind,
	   size_t what, uint64_t serial)
{
	if (at_ms < world->now_ms)
		at_ms = world->now_ms;
	if (!agenda_add(&world->agenda, at_ms, kind, what, serial))
		violate(world, "the agenda is full: something has no bound");
}

bool
world_is_on(const struct world *world, enum fault fault)
{
	return world->now_ms < world->until_ms[fault];
}

struct health_rule
world_health_rule(const struct world *world)
{
	return (struct health_rule){.fall = (int)world->config.health_fall,
				    .rise = (int)world->config.health_rise};
}

void
world_unsettle(struct world *world)
{
	world->settled_from_ms = world->now_ms;
	world->surplus_from_ms = 0;
	for (size_t i = 0; i < world->cloud.nvm; i++) {
		world->cloud.vm[i].proofs = 0;
		world->cloud.vm[i].answers = 0;
	}
}

/* ---- the scaler's life ------------------------------------------------- */

enum gate
world_enter_port(struct world *world)
{
	if (world->killed || world->scaler == NULL)
		return GATE_SHUT;
	if (world->kill_in == 0 || --world->kill_in > 0)
		return GATE_OPEN;
	if (!world->kill_before)
		return GATE_LAST;
	world->killed = true;
	return GATE_SHUT;
}

void
world_leave_port(struct world *world, enum gate gate)
{
	if (gate == GATE_LAST)
		world->killed = true;
}

void
world_start_scaler(struct world *world)
{
	struct err err = {.msg = ""};

	if (world->scaler != NULL)
		return;
	if (world->amnesia)
		store_forget(world);
	world->generation++;
	world->killed = false;
	world->kill_in = 0;
	world->store.fenced = false;
	world->paused_until_ms = 0;
	world->started_ms = world->now_ms;
	world_unsettle(world);
	world->turn_due_ms = world->now_ms;
	world->last_turn_ms = world->now_ms - TURN_GAP_MS;
	world->cloud.list_open = false;
	world->list_is_good = world->has_list = false;
	world->surplus_from_ms = 0;
	for (size_t i = 0; i < world->cloud.nvm; i++)
		world->cloud.vm[i].told_shared = false;
	ledger_start(world);
	trace(world, "scalerd starts (%" PRIu64 ")", world->generation);
	world->scaler = scaler_new(&world->ports, &world->config);
	if (world->scaler == NULL || !scaler_load(world->scaler, &err))
		violate(world, "scalerd can't start: %s", err.msg);
}

void
world_stop_scaler(struct world *world, int64_t down_ms)
{
	if (world->scaler == NULL)
		return;
	trace(world, "scalerd is dead for %" PRId64 " ms", down_ms);
	world->killed = true;
	scaler_free(world->scaler);
	world->scaler = NULL;
	world->figures.kills++;
	world_plan(world, world->now_ms + down_ms, MOMENT_START, 0, 0);
}

static void
start_moment(struct world *world, const struct moment *moment)
{
	(void)moment;
	world_start_scaler(world);
}

bool
world_can_deliver(struct world *world, const struct moment *moment,
		  uint64_t generation)
{
	if (world->scaler == NULL || generation != world->generation)
		return false;
	if (world->now_ms >= world->paused_until_ms)
		return true;
	world_plan(world, world->paused_until_ms, moment->kind, moment->what,
		   moment->serial);
	return false;
}

void
world_observed(struct world *world)
{
	const int64_t earliest_ms = world->last_turn_ms + TURN_GAP_MS;

	world->turn_due_ms = scaler_due_ms(world->scaler);
	if (world->turn_due_ms < earliest_ms)
		world->turn_due_ms = earliest_ms;
}

static void
check_turn_result(struct world *world, enum turn_result result,
		  const struct err *err)
{
	if (result == TURN_BROKEN)
		violate(world, "the scaler gave up: %s", err->msg);
	else if (result == TURN_LOST && !world->store.fenced)
		violate(world, "the scaler gave way to nobody: %s", err->msg);
	else if (result == TURN_OK && scaler_due_ms(world->scaler) >
					  world->now_ms + TURN_INTERVAL_MS)
		violate(world, "the next turn is %" PRId64 " ms away",
			scaler_due_ms(world->scaler) - world->now_ms);
}

static void
turn(struct world *world)
{
	struct err err = {.msg = ""};
	enum turn_result result;

	if (world->now_ms - world->last_turn_ms > TURN_JUMP_MS)
		world_unsettle(world);
	world->launches_this_turn = 0;
	result = scaler_turn(world->scaler, &err);
	world->figures.turns++;
	world->ledger.damaged &= world->killed;
	if (world->killed) {
		world_stop_scaler(world, rng_range(&world->rng, 0, 60000));
		return;
	}
	check_turn_result(world, result, &err);
	if (result != TURN_OK) {
		world_stop_scaler(world, rng_range(&world->rng, 0, 60000));
		return;
	}
	world->last_turn_ms = world->now_ms;
	world_observed(world);
}

/* ---- a history --------------------------------------------------------- */

static moment_fn *const moments[MOMENT_COUNT] = {
    [MOMENT_PHASE] = quiet_phase,
    [MOMENT_FAULT] = faults_happen,
    [MOMENT_FAULT_OVER] = faults_over,
    [MOMENT_ARRIVAL] = players_arrive,
    [MOMENT_JOIN] = players_join,
    [MOMENT_LEAVE] = players_leave,
    [MOMENT_ANSWER] = network_answer,
    [MOMENT_LISTED] = cloud_listed,
    [MOMENT_CALL_ACTS] = calls_act,
    [MOMENT_CALL_ANSWER] = calls_answer,
    [MOMENT_VM_ENDS] = cloud_vm_ends,
    [MOMENT_VM_RECOVERS] = faults_vm_recovers,
    [MOMENT_START] = start_moment,
};

static void
step(struct world *world)
{
	const int64_t moment_ms = agenda_next_ms(&world->agenda);
	int64_t turn_ms = INT64_MAX;

	if (world->scaler != NULL)
		turn_ms = world->turn_due_ms > world->paused_until_ms
			      ? world->turn_due_ms
			      : world->paused_until_ms;
	if (moment_ms <= turn_ms) {
		const struct moment moment = agenda_take(&world->agenda);

		world->now_ms = moment.at_ms;
		moments[moment.kind](world, &moment);
	} else {
		if (world->now_ms < turn_ms)
			world->now_ms = turn_ms;
		turn(world);
	}
}

static void
begin(struct world *world, uint64_t seed, bool verbose)
{
	world->seed = seed;
	world->verbose = verbose;
	rng_seed(&world->rng, seed);
	rng_seed(&world->scaler_rng, ~seed);
	world->now_ms = BEGIN_MS;
	world->ports = (struct ports){
	    .clock = {.self = world, .now = clock_now, .random = clock_random},
	    .store = store_port_of(world),
	    .ledger = ledger_port_of(world),
	    .prober = {.self = world, .ask = network_ask},
	};
	config_choose(world, false);
	faults_choose(world);
	world->ports.provider = cloud_port(world);
	world_plan(world, BEGIN_MS + STARTS_IN_MS, MOMENT_START, 0, 0);
	world_plan(world, BEGIN_MS + STARTS_IN_MS, MOMENT_ARRIVAL, 0, 0);
	world_plan(world, BEGIN_MS + STARTS_IN_MS, MOMENT_FAULT, 0, 0);
	world_plan(world,
		   BEGIN_MS + rng_range(&world->rng, FAULTS_LAST_MIN_MS,
					FAULTS_LAST_MAX_MS),
		   MOMENT_PHASE, 0, 0);
}

void
world_run(struct world *world, uint64_t seed, bool verbose)
{
	trace_log_of(world);
	world->store.row = calloc(ROWS_MAX, sizeof(*world->store.row));
	world->store.op = calloc(OPS_MAX, sizeof(*world->store.op));
	if (world->store.row == NULL || world->store.op == NULL) {
		violate(world, "out of memory");
		return;
	}
	begin(world, seed, verbose);
	while (!world->violated && world->phase != PHASE_OVER)
		step(world);
}

void
world_free(struct world *world)
{
	world->killed = true;
	scaler_free(world->scaler);
	trace_log_of(NULL);
	free(world->store.row);
	free(world->store.op);
}
