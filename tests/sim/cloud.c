/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

enum {
	PORT = 7000,
	SECOND_MS = 1000,
	LIST_SLOW_MAX_MS = 60000,
	GONE_LISTED_MS = 60000, /* a dead machine is still shown, as gone */
};

enum list_fault {
	LIST_FAILS,
	LIST_PARTIAL,
	LIST_EMPTY, /* and says that it is complete */
	LIST_SLOW,
};

/* ---- machines ---------------------------------------------------------- */

static void
boot(struct world *world, struct vm *vm)
{
	struct rng *rng = &world->rng;
	const int64_t runs_in_ms =
	    rng_range(rng, 0, world->cloud.two_steps ? 40 : 3) * SECOND_MS;

	vm->runs_ms = world->now_ms + runs_in_ms;
	vm->answers_ms = vm->runs_ms + rng_range(rng, 0, 20) * SECOND_MS;
	if (!world_is_on(world, FAULT_BAD_BOOT) || rng_percent(rng, 30))
		return;
	if (rng_percent(rng, 33))
		vm->runs_ms = INT64_MAX;
	else if (rng_percent(rng, 50))
		vm->answers_ms = INT64_MAX;
	else
		vm->answers_ms += rng_range(rng, 60, 300) * SECOND_MS;
}

size_t
cloud_add_vm(struct world *world, const char *mark, bool ours)
{
	struct cloud *cloud = &world->cloud;
	struct vm *vm;

	if (cloud->nvm == VMS_MAX) {
		violate(world, "I4 %d machines were launched", VMS_MAX);
		return VMS_MAX;
	}
	vm = &cloud->vm[cloud->nvm];
	*vm = (struct vm){.alive = true,
			  .ours = ours,
			  .task = !ours || !cloud->two_steps,
			  .created_ms = world->now_ms,
			  .listed_from_ms = world->now_ms,
			  .recovers_ms = INT64_MAX,
			  .capacity = world->config.server_capacity};
	snprintf(vm->ref, sizeof(vm->ref), "vm-%zu", cloud->nvm);
	snprintf(vm->mark, sizeof(vm->mark), "%s", mark);
	boot(world, vm);
	if (world_is_on(world, FAULT_LAG))
		vm->listed_from_ms +=
		    rng_range(&world->rng, 0, LIST_LAG_MAX_MS);
	trace(world,
	      "%s is made for %s, runs in %" PRId64 " ms, answers in %" PRId64
	      " ms",
	      vm->ref, ours ? mark : "a stranger", vm->runs_ms - world->now_ms,
	      vm->answers_ms - world->now_ms);
	if (ours && cloud_count_ours(world) + 1 > world->most_max_servers)
		violate(world, "I4 more than MAX_SERVERS machines are ours");
	return cloud->nvm++;
}

int64_t
cloud_count_ours(const struct world *world)
{
	int64_t n = 0;

	for (size_t i = 0; i < world->cloud.nvm; i++)
		n += world->cloud.vm[i].alive && world->cloud.vm[i].ours;
	return n;
}

bool
cloud_is_still(const struct world *world)
{
	const struct cloud *cloud = &world->cloud;

	for (size_t i = 0; i < CALLS_MAX; i++)
		if (cloud->call[i].open)
			return false;
	for (size_t i = 0; i < cloud->nvm; i++)
		if (cloud->vm[i].alive && !cloud->vm[i].seen)
			return false;
	return true;
}

size_t
cloud_find_mark(const struct cloud *cloud, const char *mark)
{
	for (size_t i = 0; i < cloud->nvm; i++)
		if (mark[0] != '\0' && strcmp(cloud->vm[i].mark, mark) == 0)
			return i;
	return VMS_MAX;
}

size_t
cloud_find_ref(const struct cloud *cloud, const char *ref)
{
	for (size_t i = 0; i < cloud->nvm; i++)
		if (strcmp(cloud->vm[i].ref, ref) == 0)
			return i;
	return VMS_MAX;
}

void
cloud_vm_dies(struct world *world, size_t i, const char *why)
{
	struct vm *vm = &world->cloud.vm[i];

	if (!vm->alive)
		return;
	trace(world, "%s ends: %s, %" PRId64 " players", vm->ref, why,
	      vm->players);
	if (vm->stopping)
		rules_nobody_there(world, i, "I1 ended by a stop");
	vm->alive = false;
	vm->died_ms = world->now_ms;
	players_drop(world, i);
}

void
cloud_vm_ends(struct world *world, const struct moment *moment)
{
	cloud_vm_dies(world, moment->what,
		      world->cloud.vm[moment->what].stopping ? "stopped"
							     : "its host left");
}

/* ---- lists ------------------------------------------------------------- */

void
cloud_see(const struct world *world, const struct vm *vm, struct sighting *out)
{
	const size_t i = (size_t)(vm - world->cloud.vm);

	*out = (struct sighting){
	    .ours = vm->ours,
	    .gone = !vm->alive,
	    .leaving = vm->alive && (vm->leaving || vm->stopping),
	    .shares_host = vm->shares_host,
	    .running = vm->alive && vm->task && !vm->stopping &&
		       world->now_ms >= vm->runs_ms};
	snprintf(out->ref, sizeof(out->ref), "%s", vm->ref);
	snprintf(out->mark, sizeof(out->mark), "%s", vm->mark);
	snprintf(out->instance, sizeof(out->instance), "i-%zu", i);
	if (!out->running)
		return;
	snprintf(out->ip, sizeof(out->ip), "10.0.%zu.%zu", i / 250, i % 250);
	out->port = PORT;
	snprintf(out->address, sizeof(out->address), "%s:%d", out->ip, PORT);
}

static void
list(void *self, const struct known *known, size_t nknown)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);
	int64_t in_ms = rng_range(&world->rng, 5, 800);

	(void)known; /* whatever lives is listed by its mark */
	(void)nknown;
	if (gate == GATE_SHUT)
		return;
	if (world->cloud.list_open)
		violate(world, "list was called again before its answer");
	world->cloud.list_open = true;
	if (world_is_on(world, FAULT_LIST) && world->list_fault == LIST_SLOW)
		in_ms = rng_range(&world->rng, 1000, LIST_SLOW_MAX_MS);
	world_plan(world, world->now_ms + in_ms, MOMENT_LISTED, 0,
		   world->generation);
	world_leave_port(world, gate);
}

/* An eventually consistent list: misses what is there, but no machine more
 * often in a row than the port promises. */
static bool
is_missed(struct world *world, struct vm *vm)
{
	if (world->lists_are_true)
		return false;
	if (world->now_ms < vm->listed_from_ms)
		return true;
	if (!vm->seen || !world_is_on(world, FAULT_LAG) ||
	    vm->missed >= LIST_MISSES_MAX)
		return false;
	return rng_percent(&world->rng, 15);
}

static size_t
fill_list(struct world *world, struct sighting *sighting)
{
	size_t n = 0;

	for (size_t i = 0; i < world->cloud.nvm; i++) {
		struct vm *vm = &world->cloud.vm[i];

		if (!vm->alive &&
		    (world->seed % 2 == 0 ||
		     world->now_ms - vm->died_ms > GONE_LISTED_MS))
			continue;
		if (vm->alive && is_missed(world, vm)) {
			vm->missed++;
			continue;
		}
		vm->missed = 0;
		vm->told_shared = vm->shares_host;
		vm->seen = true;
		cloud_see(world, vm, &sighting[n++]);
	}
	return n;
}

/* A list without anybody, no more often in a row than the port promises; also
 * a miss of every machine. */
static bool
is_empty_possible(const struct world *world)
{
	for (size_t i = 0; i < world->cloud.nvm; i++)
		if (world->cloud.vm[i].alive &&
		    world->cloud.vm[i].missed >= LIST_MISSES_MAX)
			return false;
	return true;
}

static void
fill_wrong_list(struct world *world, struct listing *listing,
		struct sighting *sighting)
{
	if (world->list_fault == LIST_EMPTY && is_empty_possible(world)) {
		for (size_t i = 0; i < world->cloud.nvm; i++)
			world->cloud.vm[i].missed++;
		return;
	}
	listing->complete = false;
	snprintf(listing->detail, sizeof(listing->detail), "the list failed");
	if (world->list_fault == LIST_PARTIAL && world->cloud.nvm > 0)
		cloud_see(world, &world->cloud.vm[world->cloud.nvm - 1],
			  &sighting[listing->nsighting++]);
}

void
cloud_listed(struct world *world, const struct moment *moment)
{
	static struct sighting sighting[VMS_MAX];
	struct listing listing = {.complete = true, .sighting = sighting};

	if (!world_can_deliver(world, moment, moment->serial))
		return;
	world->cloud.list_open = false;
	listing.asked_ms = world->now_ms;
	if (!world->lists_are_true && world_is_on(world, FAULT_LIST) &&
	    world->list_fault != LIST_SLOW)
		fill_wrong_list(world, &listing, sighting);
	else
		listing.nsighting = fill_list(world, sighting);
	world->lists_are_true = false;
	world->list_is_good = listing.complete && listing.nsighting > 0;
	world->has_list |= listing.complete;
	scaler_listed(world->scaler, &listing);
	world_observed(world);
}

struct provider_port
cloud_port(struct world *world)
{
	return (struct provider_port){
	    .self = world,
	    .name = "sim",
	    .list_interval_ms = rng_range(&world->rng, 2, 15) * SECOND_MS,
	    .confirm_interval_ms = 2 * SECOND_MS,
	    .absent_rounds = ABSENT_ROUNDS,
	    .absent_ms = ABSENT_MS,
	    .prepare = calls_prepare,
	    .list = list,
	    .launch = calls_launch,
	    .stop = calls_stop};
}
