/* SPDX-License-Identifier: MIT */
/*
 * Players, and a model of the API that sends them: a random choice, weighted
 * by seats, among the rows as they are committed, seen through a snapshot that
 * is up to GRANT_LAG_MAX_MS old. Some take any address of the list instead,
 * full ones too.
 */
#include <inttypes.h>

#include "tests/sim/world.h"

enum {
	FROM_LIST_PERCENT = 10,
	STAY_MIN_MS = 10000,
	STAY_MAX_MS = 2 * PLAYER_STAY_MS - STAY_MIN_MS,
	QUICK_JOIN_MS = 1500,
};

/* JOIN_GRACE * this / 10: the latest join. */
enum { JOIN_TENTHS = 8 };

/* The weight of a row for the choice. */
static int64_t
weight(const struct gameserver_shown *shown, bool good, bool any_seats)
{
	if (!shown->listed || shown->good != good)
		return 0;
	if (any_seats)
		return 1;
	return shown->seats > 0 ? shown->seats : 0;
}

static struct stored_row *
choose(struct world *world, bool good, bool any_seats, int64_t age_ms)
{
	int64_t sum = 0, at;

	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct gameserver_shown shown =
		    store_shown(world, &world->store.row[i], age_ms);

		sum += weight(&shown, good, any_seats);
	}
	if (sum == 0)
		return NULL;
	at = rng_range(&world->rng, 0, sum - 1);
	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct gameserver_shown shown =
		    store_shown(world, &world->store.row[i], age_ms);

		at -= weight(&shown, good, any_seats);
		if (at < 0)
			return &world->store.row[i];
	}
	return NULL;
}

static struct player *
new_player(struct world *world)
{
	for (size_t i = 0; i < PLAYERS_MAX; i++)
		if (world->player[i].state == PLAYER_NONE)
			return &world->player[i];
	return NULL;
}

static void
grant(struct world *world)
{
	const int64_t age_ms = rng_range(&world->rng, 0, GRANT_LAG_MAX_MS);
	const bool from_list = rng_percent(&world->rng, FROM_LIST_PERCENT);
	struct stored_row *row = choose(world, true, from_list, age_ms);
	struct player *player = new_player(world);
	int64_t join_ms =
	    world->config.join_grace_ms * JOIN_TENTHS / 10 - age_ms;

	if (row == NULL)
		row = choose(world, false, from_list, age_ms);
	if (row == NULL || row->vm == VMS_MAX || player == NULL) {
		world->figures.refused++;
		return;
	}
	if (rng_percent(&world->rng, 60) && join_ms > QUICK_JOIN_MS)
		join_ms = QUICK_JOIN_MS;
	*player = (struct player){.state = PLAYER_ON_THE_WAY,
				  .serial = ++world->player_serial,
				  .vm = row->vm};
	world->cloud.vm[row->vm].on_the_way++;
	world_plan(world, world->now_ms + rng_range(&world->rng, 10, join_ms),
		   MOMENT_JOIN, (size_t)(player - world->player),
		   player->serial);
}

void
players_arrive(struct world *world, const struct moment *moment)
{
	int64_t gap_ms = world->arrival_gap_ms;

	(void)moment;
	if (world->phase != PHASE_FAULTS)
		return;
	if (!world_is_on(world, FAULT_LULL))
		grant(world);
	if (world_is_on(world, FAULT_CROWD))
		gap_ms = gap_ms / 10 + 1;
	world_plan(world, world->now_ms + rng_range(&world->rng, 0, 2 * gap_ms),
		   MOMENT_ARRIVAL, 0, 0);
}

void
players_join(struct world *world, const struct moment *moment)
{
	struct player *player = &world->player[moment->what];
	struct vm *vm = &world->cloud.vm[player->vm];

	if (player->state != PLAYER_ON_THE_WAY ||
	    player->serial != moment->serial)
		return;
	vm->on_the_way--;
	player->state = PLAYER_NONE;
	if (!vm->alive || vm->hung || vm->players >= vm->capacity)
		return;
	if (vm->stopping) {
		violate(world,
			"I1 a player comes to %s, which is being "
			"stopped",
			vm->ref);
		return;
	}
	player->state = PLAYER_IN;
	player->joined_ms = world->now_ms;
	vm->players++;
	world->figures.players++;
	world_plan(world,
		   world->now_ms +
		       rng_range(&world->rng, STAY_MIN_MS, STAY_MAX_MS),
		   MOMENT_LEAVE, moment->what, player->serial);
}

/* From the quiet phase on they stay, so that the fleet can come to rest. */
void
players_leave(struct world *world, const struct moment *moment)
{
	struct player *player = &world->player[moment->what];

	if (player->state != PLAYER_IN || player->serial != moment->serial ||
	    world->phase != PHASE_FAULTS)
		return;
	player->state = PLAYER_NONE;
	world->cloud.vm[player->vm].players--;
}

void
players_drop(struct world *world, size_t vm)
{
	for (size_t i = 0; i < PLAYERS_MAX; i++)
		if (world->player[i].state == PLAYER_IN &&
		    world->player[i].vm == vm)
			world->player[i].state = PLAYER_NONE;
	world->cloud.vm[vm].players = 0;
}

/* It hangs, and the store says that nobody was there: those who came since have
 * nothing to stay for. Those whom it reported stay, to see that
 * nobody ends their game. */
void
players_give_up(struct world *world, size_t i)
{
	const struct vm *vm = &world->cloud.vm[i];
	const struct stored_row *row = store_row_of_vm(world, i);

	if (vm->alive && vm->hung && vm->players > 0 &&
	    world->now_ms - vm->hung_since_ms >= HUNG_GIVE_UP_MS &&
	    row != NULL && row->row.ready_to_close) {
		trace(world, "%s hangs, %" PRId64 " players give up", vm->ref,
		      vm->players);
		players_drop(world, i);
	}
}

void
players_all_leave(struct world *world)
{
	for (size_t i = 0; i < world->cloud.nvm; i++)
		if (world->cloud.vm[i].alive)
			players_drop(world, i);
}
