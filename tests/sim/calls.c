/* SPDX-License-Identifier: MIT */
/*
 * The provider's launch and stop, one step at a time, idempotent on the
 * operation's id. In two steps as EC2 and ECS do it, or in one as a local
 * process. A call acts at one moment and is answered at a later one: between
 * the two scalerd may die, and the call acts all the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

enum {
	CALL_MAX_MS = 1500,
	WAIT_MS = 2000,
	STOP_MAX_MS = 15000,
	JUST_NOW_MS = 1000, /* so old a commit still proves the writer */
};

enum call_phase {
	CALL_SPAWN,    /* machine and task at once */
	CALL_INSTANCE, /* the machine */
	CALL_TASK,     /* its task */
	CALL_AWAIT,    /* until it runs */
	CALL_END,      /* stop at once */
	CALL_STOP_TASK,
	CALL_TERMINATE,
	CALL_PHASES
};

typedef void act_fn(struct world *world, struct call *call);

static act_fn act_create, act_task, act_await, act_end, act_stop_task,
    act_terminate;

static const struct {
	const char *name;
	act_fn *act;
} phases[CALL_PHASES] = {
    [CALL_SPAWN] = {"spawn", act_create},
    [CALL_INSTANCE] = {"instance", act_create},
    [CALL_TASK] = {"task", act_task},
    [CALL_AWAIT] = {"await", act_await},
    [CALL_END] = {"end", act_end},
    [CALL_STOP_TASK] = {"stop-task", act_stop_task},
    [CALL_TERMINATE] = {"terminate", act_terminate},
};

/* ---- what a step does -------------------------------------------------- */

static bool
is_refused(const struct cloud *cloud, const char *operation)
{
	for (size_t i = 0; i < cloud->nrefused; i++)
		if (strcmp(cloud->refused[i], operation) == 0)
			return true;
	return false;
}

static void
refuse(struct world *world, struct call *call)
{
	struct cloud *cloud = &world->cloud;

	call->result = STEP_REFUSED;
	if (!is_refused(cloud, call->operation) &&
	    cloud->nrefused < LAUNCHES_MAX)
		memcpy(cloud->refused[cloud->nrefused++], call->operation,
		       MARK_SIZE);
}

static void
act_create(struct world *world, struct call *call)
{
	call->vm = cloud_find_mark(&world->cloud, call->operation);
	if (call->vm == VMS_MAX) {
		if (is_refused(&world->cloud, call->operation) ||
		    world_is_on(world, FAULT_REFUSE)) {
			refuse(world, call);
			return;
		}
		call->vm = cloud_add_vm(world, call->operation, true);
	}
	call->result = STEP_DONE;
	if (call->phase == CALL_INSTANCE) {
		call->result = STEP_NEXT;
		call->next_phase = CALL_TASK;
	}
}

static void
act_task(struct world *world, struct call *call)
{
	struct vm *vm;

	call->vm = cloud_find_mark(&world->cloud, call->operation);
	if (call->vm == VMS_MAX || !world->cloud.vm[call->vm].alive ||
	    world->cloud.vm[call->vm].stopping) {
		refuse(world, call);
		return;
	}
	vm = &world->cloud.vm[call->vm];
	if (world->phase == PHASE_FAULTS && rng_percent(&world->rng, 20)) {
		call->result = STEP_WAIT; /* it has not joined yet */
		call->wait_ms = WAIT_MS;
		return;
	}
	if (world_is_on(world, FAULT_REFUSE) && rng_percent(&world->rng, 30)) {
		refuse(world, call);
		return;
	}
	vm->task = true;
	call->result = STEP_NEXT;
	call->next_phase = CALL_AWAIT;
}

static void
act_await(struct world *world, struct call *call)
{
	const struct vm *vm;

	call->vm = cloud_find_mark(&world->cloud, call->operation);
	if (call->vm == VMS_MAX) {
		refuse(world, call);
		return;
	}
	vm = &world->cloud.vm[call->vm];
	call->result = STEP_DONE;
	if (vm->alive && world->now_ms < vm->runs_ms) {
		call->result = STEP_WAIT;
		call->wait_ms = WAIT_MS;
	}
}

static void
begin_to_end(struct world *world, struct call *call)
{
	struct vm *vm = &world->cloud.vm[call->vm];

	if (!vm->alive || vm->stopping)
		return;
	rules_nobody_there(world, call->vm, "I1 a stop acted");
	if (!vm->ours)
		violate(world, "I3 %s is not ours and is stopped", vm->ref);
	vm->stopping = true;
	world_plan(world,
		   world->now_ms + rng_range(&world->rng, 100, STOP_MAX_MS),
		   MOMENT_VM_ENDS, call->vm, 0);
}

/* The machine of a stop: by its name, or by its mark if that is all that is
 * known. */
static void
find_target(struct world *world, struct call *call)
{
	call->vm = cloud_find_ref(&world->cloud, call->ref);
	if (call->vm == VMS_MAX)
		call->vm = cloud_find_mark(&world->cloud, call->mark);
}

static void
act_end(struct world *world, struct call *call)
{
	find_target(world, call);
	call->result = STEP_DONE;
	if (call->vm == VMS_MAX)
		return;
	begin_to_end(world, call);
	if (world->cloud.vm[call->vm].alive) {
		call->result = STEP_WAIT;
		call->wait_ms = WAIT_MS;
	}
}

static void
act_stop_task(struct world *world, struct call *call)
{
	find_target(world, call);
	call->result = STEP_DONE;
	if (call->vm == VMS_MAX)
		return;
	begin_to_end(world, call);
	call->result = STEP_NEXT;
	call->next_phase = CALL_TERMINATE;
}

static void
act_terminate(struct world *world, struct call *call)
{
	find_target(world, call);
	call->result = STEP_DONE;
	if (call->vm != VMS_MAX && world->cloud.vm[call->vm].alive) {
		call->result = STEP_WAIT;
		call->wait_ms = WAIT_MS;
	}
}

/* ---- calls ------------------------------------------------------------- */

static size_t
phase_of(const char *name)
{
	size_t i = 0;

	while (i < CALL_PHASES && strcmp(phases[i].name, name) != 0)
		i++;
	return i;
}

static void
write_request(char request[REQUEST_SIZE], size_t phase, const char *operation)
{
	snprintf(request, REQUEST_SIZE, "{\"do\":\"%s\",\"token\":\"%s\"}",
		 phases[phase].name, operation);
}

bool
calls_prepare(void *self, const struct gameserver *gameserver,
	      struct operation *operation, struct err *err)
{
	struct world *world = self;
	const enum gate gate = world_enter_port(world);
	const bool two = world->cloud.two_steps;
	size_t phase = two ? CALL_INSTANCE : CALL_SPAWN;

	(void)gameserver;
	if (operation->kind == OP_STOP)
		phase = two ? CALL_STOP_TASK : CALL_END;
	if (gate == GATE_SHUT)
		return err_set(err, "the process is dead");
	world_leave_port(world, gate);
	if (world_is_on(world, FAULT_REFUSE) && rng_percent(&world->rng, 10)) {
		world->unprepared_ms = world->now_ms;
		return err_set(err, "no template");
	}
	snprintf(operation->phase, sizeof(operation->phase), "%s",
		 phases[phase].name);
	write_request(operation->request, phase, operation->id);
	return true;
}

/* What goes out must be exactly what is committed. */
static void
check_call(struct world *world, enum op_kind kind, const struct operation *op,
	   const struct gameserver *gameserver)
{
	const struct stored_op *stored = store_op(world, op->id);
	char exact[REQUEST_SIZE];
	const size_t phase = phase_of(op->phase);

	if (stored == NULL || stored->op.result != OP_PENDING)
		violate(world, "I2 %s goes out, but no operation is committed",
			op->id);
	else if (strcmp(stored->op.phase, op->phase) != 0 ||
		 strcmp(stored->op.request, op->request) != 0)
		violate(world, "I2 %s goes out with other bytes than committed",
			op->id);
	else if (op->kind != kind || stored->op.kind != kind ||
		 gameserver->id != op->gameserver)
		violate(world, "I2 %s goes out as something else", op->id);
	if (phase == CALL_PHASES) {
		violate(world, "%s has an unknown phase", op->id);
		return;
	}
	write_request(exact, phase, op->id);
	if (strcmp(exact, op->request) != 0)
		violate(world, "I2 %s is not sent as it was prepared", op->id);
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (world->cloud.call[i].open &&
		    world->cloud.call[i].generation == world->generation &&
		    strcmp(world->cloud.call[i].operation, op->id) == 0)
			violate(world, "%s goes out again before its answer",
				op->id);
}

static int64_t
stored_ms(struct world *world, const char *operation)
{
	const struct stored_op *stored = store_op(world, operation);

	return stored == NULL ? INT64_MAX : stored->created_ms;
}

/* A stop must find what the launch before it makes. */
static void
check_launch_is_over(struct world *world, const struct gameserver *gameserver)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		const struct call *call = &world->cloud.call[i];

		if (call->open && call->generation == world->generation &&
		    call->kind == OP_LAUNCH &&
		    strcmp(call->operation, gameserver->mark) == 0)
			violate(world,
				"I2 %" PRId64 " is stopped while its "
				"launch is under way",
				gameserver->id);
	}
}

static struct call *
free_call(struct world *world)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (!world->cloud.call[i].open)
			return &world->cloud.call[i];
	violate(world, "%d calls are under way", CALLS_MAX);
	return &world->cloud.call[0];
}

static void
plan_call(struct world *world, struct call *call)
{
	struct rng *rng = &world->rng;
	int64_t acts_ms = world->now_ms + rng_range(rng, 5, CALL_MAX_MS);
	int64_t answers_ms;
	const size_t i = (size_t)(call - world->cloud.call);

	call->acts = call->told = true;
	if (world_is_on(world, FAULT_UNKNOWN) && rng_percent(rng, 60)) {
		call->told = false;
		call->acts = rng_percent(rng, 50);
	}
	if (world_is_on(world, FAULT_SLOW))
		acts_ms += rng_range(rng, 0, CALL_LATE_MAX_MS);
	answers_ms = acts_ms + rng_range(rng, 5, CALL_MAX_MS);
	if (world_is_on(world, FAULT_SLOW))
		answers_ms += rng_range(rng, 0, CALL_ANSWER_LATE_MAX_MS);
	world_plan(world, acts_ms, MOMENT_CALL_ACTS, i, 0);
	world_plan(world, answers_ms, MOMENT_CALL_ANSWER, i, 0);
}

static void
begin_call(struct world *world, enum op_kind kind, const struct operation *op,
	   const struct gameserver *gameserver)
{
	const enum gate gate = world_enter_port(world);
	struct call *call;

	if (gate == GATE_SHUT)
		return;
	if (world->store.fenced &&
	    world->now_ms - world->store.committed_ms > JUST_NOW_MS)
		violate(world, "I2 %s goes out, another writer has the store",
			op->id);
	check_call(world, kind, op, gameserver);
	call = free_call(world);
	*call = (struct call){.open = true,
			      .generation = world->generation,
			      .kind = kind,
			      .phase = phase_of(op->phase) % CALL_PHASES,
			      .vm = VMS_MAX};
	memcpy(call->operation, op->id, MARK_SIZE);
	memcpy(call->ref, gameserver->ref, REF_SIZE);
	memcpy(call->mark, gameserver->mark, MARK_SIZE);
	if (!world->has_list && world->started_ms > stored_ms(world, op->id))
		violate(world, "I2 %s is resumed before the list was seen",
			op->id);
	if (kind == OP_STOP) {
		check_launch_is_over(world, gameserver);
		find_target(world, call);
		rules_nobody_there(world, call->vm, "I1 a stop goes out");
	}
	plan_call(world, call);
	trace(world, "%s %s %s%s", phases[call->phase].name, op->id, call->ref,
	      call->told   ? ""
	      : call->acts ? " (lost answer)"
			   : " (lost)");
	world_leave_port(world, gate);
}

void
calls_launch(void *self, const struct operation *operation,
	     const struct gameserver *gameserver)
{
	begin_call(self, OP_LAUNCH, operation, gameserver);
}

void
calls_stop(void *self, const struct operation *operation,
	   const struct gameserver *gameserver)
{
	begin_call(self, OP_STOP, operation, gameserver);
}

void
calls_act(struct world *world, const struct moment *moment)
{
	struct call *call = &world->cloud.call[moment->what];

	if (call->acts)
		phases[call->phase].act(world, call);
}

void
calls_answer(struct world *world, const struct moment *moment)
{
	static struct step step;
	struct call *call = &world->cloud.call[moment->what];
	const bool stands_still = world->scaler != NULL &&
				  call->generation == world->generation &&
				  world->now_ms < world->paused_until_ms;

	if (!world_can_deliver(world, moment, call->generation)) {
		call->open = stands_still;
		return;
	}
	call->open = false;
	memset(&step, 0, sizeof(step));
	step.result = call->told ? call->result : STEP_UNKNOWN;
	memcpy(step.operation, call->operation, MARK_SIZE);
	if (step.result == STEP_NEXT) {
		snprintf(step.phase, sizeof(step.phase), "%s",
			 phases[call->next_phase].name);
		write_request(step.request, call->next_phase, step.operation);
	}
	step.wait_ms = call->wait_ms;
	if (call->told && call->kind == OP_LAUNCH && call->vm != VMS_MAX &&
	    (step.result == STEP_DONE || step.result == STEP_NEXT)) {
		step.sighted = true;
		cloud_see(world, &world->cloud.vm[call->vm], &step.sighting);
	}
	if (step.result == STEP_REFUSED || step.result == STEP_UNKNOWN) {
		snprintf(step.detail, sizeof(step.detail), "%s",
			 step.result == STEP_REFUSED ? "no capacity"
						     : "timeout");
		trace(world, "%s %s: %s", phases[call->phase].name,
		      call->operation, step.detail);
	}
	scaler_stepped(world->scaler, &step);
	world_observed(world);
}
