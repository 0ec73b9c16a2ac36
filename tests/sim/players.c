/* SPDX-License-Identifier: MIT */
/*
 * Players, and a model of the API that sends them: a random choice, weighted
 * by credit, among the rows as they are committed, seen through a snapshot that
 * is up to GRANT_LAG_MAX_MS old; each grant is counted in the ledger by its
 * rules. Without an epoch that is the database's, and while the heartbeat is
 * old, the limit does not count, and a ledger that is not trusted counts
 * nothing. Some take any address of the list instead, full ones too.
 */
#include <inttypes.h>

#include "tests/sim/world.h"

enum {
	FROM_LIST_PERCENT = 10,
	NO_SHOW_PERCENT = 5,
	STAY_MIN_MS = 10000,
	STAY_MAX_MS = 2 * PLAYER_STAY_MS - STAY_MIN_MS,
	QUICK_JOIN_MS = 1500,
	WAKE_GRANTS = 20,
};

/* JOIN_GRACE * this / 10: the latest join. */
enum { JOIN_TENTHS = 8 };

/* One request, as one process sees the world. */
struct request {
	int64_t age_ms;             /* of its snapshot */
	struct seat_ledger *ledger; /* NULL: none that it trusts */
	bool stale;
	bool from_list;
};

/* The weight of a row for the choice. */
static int64_t
weight(const struct request *r, const struct gameserver_shown *shown, bool good)
{
	if (!shown->listed || shown->good != good)
		return 0;
	if (r->from_list)
		return 1;
	if (!r->stale)
		return ledger_credit(r->ledger, shown);
	if (r->ledger != NULL && !ledger_is_open(r->ledger, shown))
		return 0;
	return shown->seats > 0 ? shown->seats : 1;
}

static struct stored_row *
choose(struct world *world, const struct request *r, bool good)
{
	int64_t sum = 0, at;

	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct gameserver_shown shown =
		    store_shown(world, &world->store.row[i], r->age_ms);

		sum += weight(r, &shown, good);
	}
	if (sum == 0)
		return NULL;
	at = rng_range(&world->rng, 0, sum - 1);
	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct gameserver_shown shown =
		    store_shown(world, &world->store.row[i], r->age_ms);

		at -= weight(r, &shown, good);
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

/* How long they take. None: they never come. */
static bool
choose_way(struct world *world, const struct request *r, int64_t *way_ms)
{
	const struct config *c = &world->config;
	int64_t most_ms = c->join_grace_ms * JOIN_TENTHS / 10 - r->age_ms;

	if (rng_percent(&world->rng, 60) && most_ms > QUICK_JOIN_MS)
		most_ms = QUICK_JOIN_MS;
	if (world->is_strict && most_ms >= c->seat_hold_ms)
		most_ms = c->seat_hold_ms - 1;
	*way_ms = rng_range(&world->rng, 10, most_ms);
	return !rng_percent(&world->rng, NO_SHOW_PERCENT);
}

static void
send(struct world *world, const struct request *r, size_t vm)
{
	struct player *player = new_player(world);
	int64_t way_ms;

	if (player == NULL || !choose_way(world, r, &way_ms))
		return;
	*player = (struct player){.state = PLAYER_ON_THE_WAY,
				  .serial = ++world->player_serial,
				  .vm = vm,
				  .kept = !r->from_list && !r->stale &&
					  r->ledger == &world->ledger &&
					  !world->ledger.damaged &&
					  way_ms < world->config.seat_hold_ms};
	world->cloud.vm[vm].on_the_way++;
	world_plan(world, world->now_ms + way_ms, MOMENT_JOIN,
		   (size_t)(player - world->player), player->serial);
}

static void
count(const struct request *r, const struct gameserver_shown *shown)
{
	if (r->ledger != NULL && !r->from_list && shown->slot >= 0)
		r->ledger->cell[shown->slot].granted++;
}

static void
grant(struct world *world)
{
	struct request r = {
	    .age_ms = rng_range(&world->rng, 0, GRANT_LAG_MAX_MS),
	    .from_list = !world->is_strict &&
			 rng_percent(&world->rng, FROM_LIST_PERCENT)};
	struct gameserver_shown shown;
	struct stored_row *row;

	r.ledger = ledger_mapped(world, r.age_ms);
	if (r.ledger->epoch == 0 ||
	    r.ledger->epoch != (uint64_t)store_epoch_shown(world, r.age_ms))
		r.ledger = NULL;
	r.stale =
	    r.ledger == NULL || world->now_ms - world->store.committed_ms >
				    world->config.stale_after_ms;
	row = choose(world, &r, true);
	if (row == NULL)
		row = choose(world, &r, false);
	if (row == NULL || row->vm == VMS_MAX) {
		world->figures.refused++;
		world->ledger.shortage++;
		return;
	}
	shown = store_shown(world, row, r.age_ms);
	count(&r, &shown);
	send(world, &r, row->vm);
}

void
players_fall_asleep(struct world *world)
{
	struct sleeper *sleeper = &world->sleeper;

	*sleeper = (struct sleeper){
	    .epoch = world->store.fleet.ledger_epoch,
	    .heartbeat_ms = world->store.committed_ms,
	    .slept_ms = world->now_ms,
	};
	for (size_t i = 0; i < world->store.nrow; i++) {
		const struct stored_row *row = &world->store.row[i];

		if (row->shown.listed && row->vm != VMS_MAX &&
		    sleeper->n < SLOTS_MAX) {
			sleeper->row[sleeper->n].shown = row->shown;
			sleeper->row[sleeper->n++].vm = row->vm;
		}
	}
}

/* It grants on what it knew, before it looks again. (One whose ledger is none
 * any more is taken to look first.) */
void
players_wake_up(struct world *world)
{
	const struct sleeper *sleeper = &world->sleeper;
	const struct seat_ledger *now = &world->ledger;
	const struct request r = {.ledger = &world->ledger,
				  .stale =
				      world->now_ms - sleeper->heartbeat_ms >
				      world->config.stale_after_ms};

	if (sleeper->n == 0 || world->phase != PHASE_FAULTS || now->damaged ||
	    now->damaged_ms >= sleeper->slept_ms ||
	    now->epoch != (uint64_t)sleeper->epoch)
		return;
	for (int i = 0; i < WAKE_GRANTS; i++) {
		const size_t at =
		    (size_t)rng_range(&world->rng, 0, (int64_t)sleeper->n - 1);
		const struct gameserver_shown *shown = &sleeper->row[at].shown;

		if (weight(&r, shown, true) == 0)
			continue;
		count(&r, shown);
		send(world, &r, sleeper->row[at].vm);
	}
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

/* A seat was kept: somebody must have taken it for whom none was. */
static void
turn_away(struct world *world, const struct player *player, struct vm *vm)
{
	if (!player->kept)
		return;
	vm->turned_away++;
	world->figures.turned_away++;
	if (vm->turned_away > vm->excuses)
		violate(world,
			"S %" PRId64 " players found %s full, and %" PRId64
			" had come there without a kept seat",
			vm->turned_away, vm->ref, vm->excuses);
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
	if (!vm->alive || vm->hung)
		return;
	if (vm->players >= vm->capacity) {
		turn_away(world, player, vm);
		return;
	}
	if (vm->stopping) {
		violate(world,
			"I1 a player comes to %s, which is being "
			"stopped",
			vm->ref);
		return;
	}
	vm->excuses += !player->kept;
	world->figures.kept += player->kept;
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
