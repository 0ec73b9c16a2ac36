/* SPDX-License-Identifier: MIT */
/* What must never happen: operations, and the fleet as a whole. */
#include <inttypes.h>
#include <string.h>

#include "tests/sim/world.h"

enum { HOUR_MS = 3600000, SLACK_MS = 2000, BACKOFF_MS = 60000 };

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
		violate(world,
			"I4 a launch %" PRId64 " ms after %" PRId64
			" rounds of refusals",
			world->now_ms - store->refused_ms, store->refusals);
}

static void
check_new_op(struct world *world, const struct batch *batch,
	     const struct operation *op)
{
	const struct gameserver *row =
	    rules_row_after(world, batch, op->gameserver);
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

/* The less of what it reported and of what may be granted: which of them
 * counts, the scaler alone knows. */
static int64_t
seats_of(const struct world *world, const struct gameserver *row)
{
	int64_t seats = row->seats;

	if (row->slot >= 0) {
		const int64_t credit =
		    row->grant_limit - world->ledger.cell[row->slot].granted;

		seats = credit < seats ? credit : seats;
	}
	return seats > 0 ? seats : 0;
}

static void
sum_row(struct world *world, const struct stored_row *stored, struct sums *sums)
{
	const struct gameserver *row = &stored->row;
	const int64_t seats = seats_of(world, row);
	/* Nothing is at work on one that was found before it ran. */
	const bool stays =
	    !row->host_leaving &&
	    !(row->state == STATE_LAUNCHING && row->origin == ORIGIN_ADOPTED);

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
check_launches_wanted(struct world *world, const struct sums *sums,
		      int64_t launches)
{
	const struct config *c = &world->config;
	const int64_t coming = sums->coming - launches * c->server_capacity;
	const int64_t seats = c->upscale_margin - sums->free - coming;
	const int64_t servers = c->min_servers - (sums->serving - launches);
	int64_t wanted = seats > 0 ? (seats - 1) / c->server_capacity + 1 : 0;

	if (servers > wanted)
		wanted = servers;
	if (sums->deadlines_unclear)
		return;
	if (launches > wanted)
		violate(world,
			"I4 %" PRId64 " launches, %" PRId64
			" needed: free %" PRId64 ", coming %" PRId64
			", serving %" PRId64,
			launches, wanted, sums->free, coming, sums->serving);
	if (sums->back_possible)
		violate(world, "a launch, and one in standby could come back");
}

/* Most of the fleet does not answer: one launch in PANIC_LAUNCH_INTERVAL. */
static void
check_panic_launches(struct world *world, const struct sums *sums,
		     int64_t launches)
{
	const struct stored *store = &world->store;
	const size_t before = store->nlaunch - (size_t)launches;

	if (!rules_is_cut_off(world) || sums->asked == 0 || sums->unknown > 0 ||
	    world->utc_jumped_ms > world->partition_from_ms - HOUR_MS ||
	    world->now_ms - world->amnesia_ms < HOUR_MS)
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
	if (rules_is_cut_off(world) && sums.asked > 0 && sums.unknown == 0)
		world->cut_off_ms = world->now_ms;
	if (world->store.late || launches == 0)
		return;
	if (sums.live > c->max_servers)
		violate(world,
			"I4 a launch makes %" PRId64
			" gameservers, MAX_SERVERS is %" PRId64,
			sums.live, c->max_servers);
	if (world->launches_this_turn > c->launches_per_turn)
		violate(world, "I4 %" PRId64 " launches in a turn",
			world->launches_this_turn);
	check_launches_wanted(world, &sums, launches);
	check_panic_launches(world, &sums, launches);
}
