/* SPDX-License-Identifier: MIT */
/* The phases of a launch from RunTask to an address. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/ecs_launch.h"
#include "scalerd/aws/ecs_request.h"
#include "scalerd/aws/ecs_sight.h"

enum { TOKEN_SIZE = 65 };

/* A refused RunTask is stored by AWS under its token: each try has one. */
static void
write_token(char token[TOKEN_SIZE], const struct ecs_job *job, int64_t tries)
{
	if (tries == 0)
		snprintf(token, TOKEN_SIZE, "%s", job->operation->id);
	else
		snprintf(token, TOKEN_SIZE, "%s-%" PRId64, job->operation->id,
			 tries);
}

static void
found_task_definition(const struct ecs_job *job,
		      const struct client_answer *answer, struct step *step)
{
	const struct config *config = &job->site->config;
	const struct ecs_container *container;
	struct ecs_task_definition definition;
	char token[TOKEN_SIZE];
	struct ecs_note note;
	bool fargate;

	if (!ecs_launch_note(job, &note, step))
		return;
	fargate = note.machine[0] == '\0';
	container =
	    ecs_launch_definition(job, answer, fargate, &definition, step);
	if (!container)
		return;
	write_token(token, job, note.tries);
	ecs_step_send(
	    step, "run_task",
	    ecs_run_task(&(struct ecs_run_task){
		.cluster = config->ecs_cluster,
		.task_definition = definition.arn,
		.container = container->name,
		.fleet = config->fleet_name,
		.operation = job->operation->id,
		.token = token,
		.machine = fargate ? NULL : note.machine,
		.subnets = config->fargate_subnets,
		.security_groups = config->fargate_security_groups,
		.public_ip = config->address_source == CONFIG_ADDRESS_PUBLIC}));
}

static bool
judge_run_task(const struct ecs_job *job, const struct facts *facts,
	       struct step *step)
{
	struct ecs_note note = {.tries =
				    ecs_note_tries(job->operation->request)};

	(void)facts;
	snprintf(note.machine, sizeof(note.machine), "%s",
		 job->gameserver->instance);
	return ecs_launch_is_token_good(job, "find_task", &note, step);
}

static void
next_running(const struct ecs_job *job, const char *task, struct step *step)
{
	const char *machine = job->gameserver->instance;
	struct ecs_note note = {.tries = 0};

	snprintf(note.machine, sizeof(note.machine), "%s", machine);
	snprintf(note.task, sizeof(note.task), "%s", task);
	ecs_step_note(step, "task_running", &note);
	ecs_step_sight(step, job, machine, task);
}

/* ECS did not place it, for good. The agent reconnects now and then, as normal
 * operation; what else there is passes seldom. */
static void
refused_task(const struct ecs_job *job, const char *failure, struct step *step)
{
	const bool agent = strcmp(failure, "AGENT") == 0;
	const int64_t most = agent ? ECS_AGENT_TRIES_MAX : ECS_OTHER_TRIES_MAX;
	const int64_t tries = ecs_note_tries(job->operation->request) + 1;
	struct err err;

	err_set(&err, "RunTask: %s", failure);
	if (tries < most && job->gameserver->instance[0] != '\0') {
		ecs_launch_next_join(job, job->gameserver->instance, tries,
				     step);
		return;
	}
	ecs_step_says(step, STEP_REFUSED, err.msg);
	step->wait_ms = ECS_CAPACITY_WAIT_MS;
}

static void
ran_task(const struct ecs_job *job, const struct client_answer *answer,
	 struct step *step)
{
	char arn[REF_SIZE];
	struct ecs_run run;
	struct err err;

	if (answer->outcome == CLIENT_ANSWERED) {
		if (!ecs_read_run(&run, answer->body, answer->size, &err))
			ecs_step_says(step, STEP_UNKNOWN, err.msg);
		else if (run.arn[0] == '\0')
			refused_task(job, run.failure, step);
		else
			next_running(job, run.arn, step);
		return;
	}
	ecs_step_error(step, "RunTask", answer);
	if (step->result != STEP_REFUSED)
		return;
	if (answer->error.class == AWS_ERROR_IDEMPOTENCY &&
	    ecs_read_conflict(arn, answer->body, answer->size))
		next_running(job, arn, step);
	/* "No Container Instances were found": ECS is late to see the host. */
	if (answer->error.class == AWS_ERROR_NOT_FOUND)
		refused_task(job, answer->error.message, step);
}

static bool
is_own_task(const struct ecs_job *job, const struct facts_task *task)
{
	return task->known == FACTS_SEEN &&
	       strcmp(task->started_by, job->site->started_by) == 0 &&
	       strcmp(task->mark, job->operation->id) == 0;
}

static bool
subject_find_task(const struct ecs_job *job, struct look_subject *subject,
		  struct err *err)
{
	if (!ecs_launch_subject(job, subject, err))
		return false;
	subject->host_tasks = true;
	return true;
}

/* A task without a machine can't be looked for this way: the fleet's list
 * finds it by its mark. */
static bool
judge_find_task(const struct ecs_job *job, const struct facts *facts,
		struct step *step)
{
	for (size_t i = 0; i < facts_count(facts, FACTS_TASK); i++) {
		const struct facts_task *task = facts_task_at(facts, i);

		if (is_own_task(job, task)) {
			next_running(job, task->arn, step);
			return false;
		}
	}
	return ecs_step_says(step, STEP_REFUSED,
			     "no task bears the operation's mark");
}

static bool
judge_task_running(const struct ecs_job *job, const struct facts *facts,
		   struct step *step)
{
	const struct facts_task *task;
	struct err err = {""};
	struct ecs_note note;

	if (!ecs_launch_note(job, &note, step))
		return false;
	if (!ecs_launch_is_alive(facts_find_machine(facts, note.machine), step))
		return false;
	task = facts_find_task(facts, note.task);
	if (!task)
		return ecs_step_wait(step);
	if (strcmp(task->last, "STOPPED") == 0 || task->to_stop) {
		err_set(&err, "the task ended: %s %s", task->stop_code,
			task->reason);
		return ecs_step_says(step, STEP_REFUSED, err.msg);
	}
	if (strcmp(task->last, "RUNNING") != 0)
		return ecs_step_wait(step);
	/* Its host is not described yet, or ECS does not find it just now. */
	if (task->host[0] != '\0' && !facts_find_host(facts, task->host))
		return ecs_step_wait(step);
	(void)ecs_sight_task(job->site, facts, task, &step->sighting);
	if (strcmp(step->sighting.instance, note.machine) != 0)
		return ecs_step_says(step, STEP_REFUSED,
				     "the task was placed elsewhere");
	step->sighted = true;
	if (step->sighting.running)
		return ecs_step_says(step, STEP_DONE, "");
	if (ecs_sight_address(job->site, facts, task, &step->sighting, &err) ==
	    ECS_ADDRESS_NEVER)
		return ecs_step_says(step, STEP_REFUSED, err.msg);
	return ecs_step_wait(step);
}

/* clang-format off */
const struct ecs_phase ecs_launch_task[] = {
	{.name = "find_task_definition",
	 .action = "DescribeTaskDefinition", .service = CLIENT_ECS,
	 .write = ecs_launch_write_definition, .answered = found_task_definition},
	{.name = "run_task", .judge = judge_run_task,
	 .action = "RunTask", .service = CLIENT_ECS, .changes = true,
	 .answered = ran_task},
	{.name = "find_task", .subject = subject_find_task,
	 .judge = judge_find_task},
	{.name = "task_running", .subject = ecs_launch_subject,
	 .judge = judge_task_running},
};
/* clang-format on */

const size_t ecs_launch_ntask =
    sizeof(ecs_launch_task) / sizeof(ecs_launch_task[0]);
