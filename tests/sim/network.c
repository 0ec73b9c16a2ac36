/* SPDX-License-Identifier: MIT */
/* The prober: an answer is what was true when the question was asked, however
 * late it comes. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

enum { NO_ROOM_PERCENT = 1 };

static size_t
vm_at(const struct world *world, const char *ip)
{
	unsigned int high, low;
	size_t i;

	if (sscanf(ip, "10.0.%3u.%3u", &high, &low) != 2)
		return VMS_MAX;
	i = (size_t)high * 250 + low;
	return i < world->cloud.nvm ? i : VMS_MAX;
}

static enum answer_kind
answer_of(struct world *world, const struct vm *vm)
{
	if (world_is_on(world, FAULT_LOCAL_ERROR) &&
	    rng_percent(&world->rng, 70))
		return ANSWER_LOCAL_ERROR;
	if (world_is_on(world, FAULT_PARTITION))
		return ANSWER_TIMEOUT;
	if (vm == NULL || !vm->alive)
		return rng_percent(&world->rng, 50) ? ANSWER_REFUSED
						    : ANSWER_TIMEOUT;
	if (vm->hung)
		return ANSWER_TIMEOUT;
	if (!vm->task || world->now_ms < vm->answers_ms)
		return ANSWER_REFUSED;
	return vm->wrong ? ANSWER_WRONG : ANSWER_GOOD;
}

static struct open_question *
free_question(struct world *world)
{
	for (size_t i = 0; i < QUESTIONS_MAX; i++)
		if (!world->question[i].open)
			return &world->question[i];
	violate(world, "%d questions are open", QUESTIONS_MAX);
	return &world->question[0];
}

static void
check_question(struct world *world, const struct question *question)
{
	const struct stored_row *row = store_row(world, question->gameserver);

	for (size_t i = 0; i < QUESTIONS_MAX; i++)
		if (world->question[i].open &&
		    world->question[i].generation == world->generation &&
		    world->question[i].answer.gameserver ==
			question->gameserver)
			violate(world, "%lld is asked again before its answer",
				(long long)question->gameserver);
	if (strcmp(question->told_state, "available") != 0 &&
	    strcmp(question->told_state, "standby") != 0)
		violate(world, "a gameserver is told %s", question->told_state);
	/* While it can't commit it goes by what it decided. */
	if (row != NULL && row->row.state == STATE_STANDBY &&
	    !world->store.late && strcmp(question->told_state, "standby") != 0)
		violate(world, "a standby gameserver is told %s",
			question->told_state);
}

bool
network_ask(void *self, const struct question *question)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);
	struct open_question *open;
	const struct vm *vm;
	int64_t in_ms = rng_range(&world->rng, 1, PROBE_LATENCY_MAX_MS);

	if (gate == GATE_SHUT || (world->phase == PHASE_FAULTS &&
				  rng_percent(&world->rng, NO_ROOM_PERCENT)))
		return false;
	check_question(world, question);
	open = free_question(world);
	*open = (struct open_question){.open = true,
				       .generation = world->generation,
				       .vm = vm_at(world, question->ip)};
	vm = open->vm == VMS_MAX ? NULL : &world->cloud.vm[open->vm];
	open->answer = (struct answer){.gameserver = question->gameserver,
				       .kind = answer_of(world, vm),
				       .asked_ms = world->now_ms};
	if (open->answer.kind == ANSWER_TIMEOUT)
		in_ms = world->config.health_timeout_ms;
	if (open->answer.kind == ANSWER_GOOD) {
		open->answer.seats = vm->capacity - vm->players;
		open->answer.ready_to_close = vm->players == 0;
	} else {
		snprintf(open->answer.detail, sizeof(open->answer.detail),
			 "failed");
	}
	world_plan(world, world->now_ms + in_ms, MOMENT_ANSWER,
		   (size_t)(open - world->question), 0);
	world_leave_port(world, gate);
	return true;
}

/* What the checks of a later stop need to know of the answer. */
static void
note_told(struct world *world, const struct answer *answer, struct vm *vm)
{
	const struct stored_row *row = store_row(world, answer->gameserver);

	if (answer->kind == ANSWER_GOOD)
		vm->good_ms = world->now_ms;
	vm->answers += answer->kind != ANSWER_LOCAL_ERROR;
	if (answer->kind == ANSWER_GOOD && answer->ready_to_close &&
	    row != NULL && row->row.state == STATE_STANDBY &&
	    answer->asked_ms >= row->state_ms + world->config.join_grace_ms)
		vm->proofs++;
	else
		vm->proofs = 0;
}

void
network_answer(struct world *world, const struct moment *moment)
{
	struct open_question *open = &world->question[moment->what];

	if (!world_can_deliver(world, moment, open->generation)) {
		open->open = world->scaler != NULL &&
			     open->generation == world->generation;
		return;
	}
	open->open = false;
	if (open->vm != VMS_MAX)
		note_told(world, &open->answer, &world->cloud.vm[open->vm]);
	scaler_answered(world->scaler, &open->answer);
	if (open->vm != VMS_MAX && world->cloud.vm[open->vm].proofs > 0)
		faults_after_proof(world, open->vm);
	world_observed(world);
}
