/* SPDX-License-Identifier: MIT */
/* The phases of a stop: the task first, its machine when nothing runs on it
 * any more. What does not bear the fleet's mark is left alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/aws/ec2_request.h"
#include "scalerd/aws/ecs_phase.h"
#include "scalerd/aws/ecs_request.h"
#include "scalerd/aws/ecs_sight.h"

enum { STOP_REASON_SIZE = 64 };

/* What a look found of the gameserver that is to end. NULL: not there. */
struct remains {
	const struct facts_task *task;       /* that has not stopped yet */
	const struct facts_machine *machine; /* ours, and not ending yet */
	const struct facts_machine *ending;  /* ours, shutting down */
	const struct facts_host *host;
	int64_t others; /* tasks on the machine beside it */
	bool ended;     /* AWS says of its task or machine that it ended */
};

/* ---- what is there ----------------------------------------------------- */

static bool
subject_of_row(const struct ecs_job *job, struct look_subject *subject,
	       struct err *err)
{
	const struct gameserver *row = job->gameserver;

	(void)err;
	memcpy(subject->machine, row->instance, sizeof(subject->machine));
	memcpy(subject->task, row->ref, sizeof(subject->task));
	memcpy(subject->mark, row->mark, sizeof(subject->mark));
	/* A launch whose RunTask was not answered may have a task. */
	subject->host_tasks = row->ref[0] == '\0';
	return true;
}

static bool
is_its_machine(const struct ecs_job *job, const struct facts_machine *machine)
{
	return machine->known == FACTS_SEEN &&
	       ecs_sight_is_our_machine(job->site, machine) &&
	       strcmp(machine->mark, job->gameserver->mark) == 0;
}

static bool
is_its_task(const struct ecs_job *job, const struct facts_task *task)
{
	const struct gameserver *row = job->gameserver;

	if (task->known != FACTS_SEEN ||
	    !ecs_sight_is_our_task(job->site, task))
		return false;
	return row->ref[0] != '\0' ? strcmp(task->arn, row->ref) == 0
				   : strcmp(task->mark, row->mark) == 0;
}

static void
find_task(const struct ecs_job *job, const struct facts *facts,
	  struct remains *remains)
{
	for (size_t i = 0; i < facts_count(facts, FACTS_TASK); i++) {
		const struct facts_task *task = facts_task_at(facts, i);

		if (!is_its_task(job, task))
			continue;
		if (ecs_sight_has_ended(facts, task))
			remains->ended = true;
		else
			remains->task = task;
	}
}

static void
find_machine(const struct ecs_job *job, const struct facts *facts,
	     struct remains *remains)
{
	for (size_t i = 0; i < facts_count(facts, FACTS_MACHINE); i++) {
		const struct facts_machine *machine =
		    facts_machine_at(facts, i);

		if (!is_its_machine(job, machine))
			continue;
		if (ecs_sight_is_live(machine))
			remains->machine = machine;
		else if (strcmp(machine->state, "terminated") == 0)
			remains->ended = true;
		else
			remains->ending = machine;
	}
}

/* A machine that registered again has two, and tasks count on each. */
static void
find_host(const struct facts *facts, struct remains *remains)
{
	for (size_t i = 0; i < facts_count(facts, FACTS_HOST); i++) {
		const struct facts_host *host = facts_host_at(facts, i);

		if (!remains->machine || host->known != FACTS_SEEN ||
		    strcmp(host->status, "INACTIVE") == 0 ||
		    strcmp(host->machine, remains->machine->id) != 0)
			continue;
		/* ECS still counts what ran when its machine was stopped. */
		if (strcmp(remains->machine->state, "stopped") != 0)
			remains->others += host->tasks;
		if (!remains->host || host->connected)
			remains->host = host;
	}
	if (remains->others > 0 && remains->task && !remains->task->to_stop)
		remains->others--;
}

static struct remains
find_remains(const struct ecs_job *job, const struct facts *facts)
{
	struct remains remains = {.others = 0};

	find_task(job, facts, &remains);
	find_machine(job, facts, &remains);
	find_host(facts, &remains);
	return remains;
}

/* ---- what is next ------------------------------------------------------ */

static bool
next_stop_task(const struct ecs_job *job, const struct remains *remains,
	       struct step *step)
{
	char why[STOP_REASON_SIZE];

	snprintf(why, sizeof(why), "gameserver-manager: %s",
		 reason_name(job->operation->reason));
	ecs_step_sight(step, job, NULL, remains->task->arn);
	return ecs_step_send(step, "stop_task",
			     ecs_stop_task(job->site->config.ecs_cluster,
					   remains->task->arn, why));
}

/* No task of it runs any more. */
static bool
next_without_task(const struct ecs_job *job, const struct remains *remains,
		  struct step *step)
{
	const bool never_was =
	    job->operation->reason == REASON_LAUNCH_REFUSED &&
	    job->gameserver->instance[0] == '\0' &&
	    job->gameserver->ref[0] == '\0';

	if (remains->machine) {
		ecs_step_sight(step, job, remains->machine->id, NULL);
		return ecs_step_send(step, "terminate_instance",
				     ec2_terminate(remains->machine->id));
	}
	if (remains->ending)
		return ecs_step_wait(step);
	/* AWS may be late in showing what a launch has made. */
	if (!remains->ended && !never_was &&
	    ecs_job_age_ms(job) < ECS_CONSISTENT_MS)
		return ecs_step_wait(step);
	return ecs_step_says(step, STEP_DONE, "");
}

/* Nobody may put a task on the machine that is about to end: draining keeps
 * others away. With another task on it already it stays as it is. */
static bool
judge_find(const struct ecs_job *job, const struct facts *facts,
	   struct step *step)
{
	const struct remains remains = find_remains(job, facts);

	if (!remains.task)
		return next_without_task(job, &remains, step);
	if (remains.host && remains.others == 0 &&
	    strcmp(remains.host->status, "ACTIVE") == 0)
		return ecs_step_send(
		    step, "drain_host",
		    ecs_drain_host(job->site->config.ecs_cluster,
				   remains.host->arn));
	return next_stop_task(job, &remains, step);
}

static bool
judge_drained(const struct ecs_job *job, const struct facts *facts,
	      struct step *step)
{
	const struct remains remains = find_remains(job, facts);

	return remains.task ? next_stop_task(job, &remains, step)
			    : next_without_task(job, &remains, step);
}

static bool
judge_stopping(const struct ecs_job *job, const struct facts *facts,
	       struct step *step)
{
	const struct remains remains = find_remains(job, facts);
	const int64_t since_ms = ecs_job_since_ms(job);
	struct err err;

	if (!remains.task)
		return next_without_task(job, &remains, step);
	if (!remains.task->to_stop && since_ms >= ECS_CONSISTENT_MS)
		return next_stop_task(job, &remains, step);
	if (since_ms < ECS_STOP_MAX_MS)
		return ecs_step_wait(step);
	/* Its agent is gone: with its machine it ends for sure. */
	if (remains.machine && remains.others == 0)
		return next_without_task(job, &remains, step);
	err_set(&err, "ECS was told to stop task %.100s, which does not end",
		remains.task->arn);
	return ecs_step_says(step, STEP_UNKNOWN, err.msg);
}

/* Whether the recorded request is to end this machine. */
static bool
is_recorded(const struct ecs_job *job, const struct facts_machine *machine)
{
	char *request = ec2_terminate(machine->id);
	const bool is =
	    request && strcmp(request, job->operation->request) == 0;

	free(request);
	return is;
}

/* Whether a task of it is to be waited for, or stopped, before its machine
 * ends. */
static bool
has_task_to_end(const struct ecs_job *job, const struct remains *remains)
{
	return remains->task && (!remains->task->to_stop ||
				 ecs_job_age_ms(job) < ECS_STOP_MAX_MS);
}

/* The last look before the machine ends: whatever was recorded, and however
 * long ago, nothing else may run on it now. */
static bool
judge_terminate(const struct ecs_job *job, const struct facts *facts,
		struct step *step)
{
	const struct remains remains = find_remains(job, facts);
	struct err err;

	if (remains.machine && has_task_to_end(job, &remains))
		return remains.task->to_stop
			   ? ecs_step_wait(step)
			   : next_stop_task(job, &remains, step);
	if (!remains.machine || !is_recorded(job, remains.machine))
		return next_without_task(job, &remains, step);
	if (remains.others == 0)
		return true;
	if (ecs_job_age_ms(job) < ECS_CONSISTENT_MS)
		return ecs_step_wait(step);
	err_set(&err, "another task runs on instance %s: it is not terminated",
		remains.machine->id);
	return ecs_step_says(step, STEP_UNKNOWN, err.msg);
}

static bool
judge_terminating(const struct ecs_job *job, const struct facts *facts,
		  struct step *step)
{
	const struct remains remains = find_remains(job, facts);

	/* EC2 may be late in showing that it ends. */
	if (remains.machine && ecs_job_since_ms(job) < ECS_CONSISTENT_MS)
		return ecs_step_wait(step);
	return next_without_task(job, &remains, step);
}

/* ---- answers ----------------------------------------------------------- */

static void
next_look(const struct ecs_job *job, const char *phase, struct step *step)
{
	ecs_step_note(step, phase,
		      &(struct ecs_note){.at_utc_ms = job->now_utc_ms});
}

/* Draining is a courtesy: without it the last look still guards. */
static void
drained(const struct ecs_job *job, const struct client_answer *answer,
	struct step *step)
{
	if (answer->outcome == CLIENT_ANSWERED)
		next_look(job, "find_drained", step);
	else
		ecs_step_error(step, "UpdateContainerInstancesState", answer);
	if (step->result == STEP_REFUSED)
		next_look(job, "find_drained", step);
}

/* Whether an answer says that what is to end is not there. */
static bool
is_not_there(const struct client_answer *answer)
{
	return answer->outcome == CLIENT_REFUSED &&
	       answer->error.class == AWS_ERROR_NOT_FOUND;
}

static void
stopped_task(const struct ecs_job *job, const struct client_answer *answer,
	     struct step *step)
{
	if (answer->outcome == CLIENT_ANSWERED || is_not_there(answer))
		next_look(job, "task_stopping", step);
	else
		ecs_step_error(step, "StopTask", answer);
}

static void
terminated(const struct ecs_job *job, const struct client_answer *answer,
	   struct step *step)
{
	if (answer->outcome == CLIENT_ANSWERED || is_not_there(answer))
		next_look(job, "instance_terminating", step);
	else
		ecs_step_error(step, "TerminateInstances", answer);
}

/* ---- the table --------------------------------------------------------- */

/* clang-format off */
static const struct ecs_phase phases[] = {
	{.name = "find", .subject = subject_of_row, .judge = judge_find},
	{.name = "drain_host",
	 .action = "UpdateContainerInstancesState", .service = CLIENT_ECS,
	 .changes = true, .answered = drained},
	{.name = "find_drained", .subject = subject_of_row,
	 .judge = judge_drained},
	{.name = "stop_task",
	 .action = "StopTask", .service = CLIENT_ECS, .changes = true,
	 .answered = stopped_task},
	{.name = "task_stopping", .subject = subject_of_row,
	 .judge = judge_stopping},
	{.name = "terminate_instance", .subject = subject_of_row,
	 .judge = judge_terminate,
	 .action = "TerminateInstances", .service = CLIENT_EC2,
	 .changes = true, .answered = terminated},
	{.name = "instance_terminating", .subject = subject_of_row,
	 .judge = judge_terminating},
};
/* clang-format on */

const struct ecs_phase *
ecs_stop_phase(const char *name)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (strcmp(phases[i].name, name) == 0)
			return &phases[i];
	return NULL;
}

bool
ecs_stop_prepare(const struct gameserver *gameserver,
		 struct operation *operation, struct err *err)
{
	struct ecs_note note = {.tries = 0};

	if (!gameserver->ours || gameserver->mark[0] == '\0')
		return err_set(err, "it does not bear this fleet's mark");
	snprintf(operation->phase, sizeof(operation->phase), "find");
	memcpy(note.machine, gameserver->instance, sizeof(note.machine));
	memcpy(note.task, gameserver->ref, sizeof(note.task));
	return ecs_note_write(operation->request, &note, err);
}
