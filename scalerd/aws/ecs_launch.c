/* SPDX-License-Identifier: MIT */
/* The phases of a launch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/ec2_answer.h"
#include "scalerd/aws/ec2_request.h"
#include "scalerd/aws/ecs_definition.h"
#include "scalerd/aws/ecs_phase.h"
#include "scalerd/aws/ecs_request.h"
#include "scalerd/aws/ecs_sight.h"

enum { TOKEN_SIZE = 65 };

static bool
read_note(const struct ecs_job *job, struct ecs_note *note, struct step *step)
{
	struct err err;

	if (ecs_note_read(note, job->operation->request, &err))
		return true;
	return ecs_step_says(step, STEP_REFUSED, err.msg);
}

/* The machine of the recorded note, or, while none is recorded, those that
 * bear the operation's mark. */
static bool
subject_of_note(const struct ecs_job *job, struct look_subject *subject,
		struct err *err)
{
	struct ecs_note note;

	if (!ecs_note_read(&note, job->operation->request, err))
		return false;
	memcpy(subject->machine, note.machine, sizeof(subject->machine));
	memcpy(subject->task, note.task, sizeof(subject->task));
	memcpy(subject->mark, job->operation->id, sizeof(subject->mark));
	return true;
}

/* ---- what the launch template and the task definition say -------------- */

/* A description of what an option names failed. */
static void
step_option_error(struct step *step, const char *option, const char *value,
		  const struct client_answer *answer)
{
	struct err what;

	err_set(&what, "%s=%s", option, value);
	ecs_step_error(step, what.msg, answer);
}

static char *
write_task_definition(const struct ecs_job *job)
{
	return ecs_describe_task_definition(
	    job->site->config.server_task_definition);
}

/* The definition with the container that players connect to; NULL: the step
 * says why not. */
static const struct ecs_container *
read_definition(const struct ecs_job *job, const struct client_answer *answer,
		bool fargate, struct ecs_task_definition *definition,
		struct step *step)
{
	const struct config *config = &job->site->config;
	const struct ecs_container *container;
	struct err err;

	if (answer->outcome != CLIENT_ANSWERED) {
		step_option_error(step, "SERVER_TASK_DEFINITION",
				  config->server_task_definition, answer);
		return NULL;
	}
	if (!ecs_read_task_definition(definition, answer->body, answer->size,
				      &err)) {
		ecs_step_says(step, STEP_UNKNOWN, err.msg);
		return NULL;
	}
	container = ecs_definition_container(config, definition, fargate, &err);
	if (!container)
		ecs_step_says(step, STEP_REFUSED, err.msg);
	return container;
}

/* A task definition that can't work must not cost a machine. */
static void
checked_task_definition(const struct ecs_job *job,
			const struct client_answer *answer, struct step *step)
{
	struct ecs_task_definition definition;

	if (read_definition(job, answer, false, &definition, step))
		ecs_step_note(step, "find_template",
			      &(struct ecs_note){.tries = 0});
}

static char *
write_template(const struct ecs_job *job)
{
	return ec2_describe_template(
	    job->site->config.ecs_instance_launch_template);
}

static void
found_template(const struct ecs_job *job, const struct client_answer *answer,
	       struct step *step)
{
	struct ec2_template template;
	struct ec2_run_instances run = {.fleet = job->site->config.fleet_name,
					.operation = job->operation->id};
	struct err err;

	if (answer->outcome != CLIENT_ANSWERED) {
		step_option_error(
		    step, "ECS_INSTANCE_LAUNCH_TEMPLATE",
		    job->site->config.ecs_instance_launch_template, answer);
	} else if (!ec2_read_template(&template, answer->body, answer->size,
				      &err)) {
		ecs_step_says(step, STEP_UNKNOWN, err.msg);
	} else {
		run.template = template.id;
		run.version = template.version;
		ecs_step_send(step, "run_instances", ec2_run_instances(&run));
	}
}

/* ---- the machine ------------------------------------------------------- */

/* Whether the recorded token still stands for this operation alone. Else what
 * it made is looked for. */
static bool
is_token_good(const struct ecs_job *job, const char *look_phase,
	      const struct ecs_note *note, struct step *step)
{
	if (ecs_job_age_ms(job) < ECS_TOKEN_TRUST_MS)
		return true;
	return ecs_step_note(step, look_phase, note);
}

static bool
judge_run_instances(const struct ecs_job *job, const struct facts *facts,
		    struct step *step)
{
	(void)facts;
	return is_token_good(job, "find_instance",
			     &(struct ecs_note){.tries = 0}, step);
}

static void
next_join(const struct ecs_job *job, const char *machine, int64_t tries,
	  struct step *step)
{
	struct ecs_note note = {.tries = tries, .at_utc_ms = job->now_utc_ms};

	snprintf(note.machine, sizeof(note.machine), "%s", machine);
	ecs_step_note(step, "join", &note);
	ecs_step_sight(step, job, machine, NULL);
}

static void
ran_instances(const struct ecs_job *job, const struct client_answer *answer,
	      struct step *step)
{
	char machine[FACTS_ID_SIZE];
	struct err err;

	if (answer->outcome == CLIENT_ANSWERED) {
		if (ec2_read_run(machine, answer->body, answer->size, &err))
			next_join(job, machine, 0, step);
		else
			ecs_step_says(step, STEP_UNKNOWN, err.msg);
		return;
	}
	ecs_step_error(step, "RunInstances", answer);
	/* The token was used, or an earlier attempt may have acted. */
	if (step->result == STEP_REFUSED &&
	    (answer->error.class == AWS_ERROR_IDEMPOTENCY ||
	     job->operation->attempts > 0))
		ecs_step_note(step, "find_instance",
			      &(struct ecs_note){.tries = 0});
}

static const struct facts_machine *
find_marked(const struct ecs_job *job, const struct facts *facts)
{
	for (size_t i = 0; i < facts_count(facts, FACTS_MACHINE); i++) {
		const struct facts_machine *machine =
		    facts_machine_at(facts, i);

		if (machine->known == FACTS_SEEN &&
		    strcmp(machine->mark, job->operation->id) == 0 &&
		    ecs_sight_is_our_machine(job->site, machine))
			return machine;
	}
	return NULL;
}

static bool
judge_find_instance(const struct ecs_job *job, const struct facts *facts,
		    struct step *step)
{
	const struct facts_machine *machine = find_marked(job, facts);

	if (machine) {
		next_join(job, machine->id, 0, step);
		return false;
	}
	if (ecs_job_age_ms(job) < ECS_CONSISTENT_MS)
		return ecs_step_wait(step);
	return ecs_step_says(step, STEP_REFUSED,
			     "no instance bears the operation's mark");
}

/* A machine that registered again has two: the agent is with one of them. */
static const struct facts_host *
find_host(const struct facts *facts, const char *machine)
{
	const struct facts_host *found = NULL;

	for (size_t i = 0; i < facts_count(facts, FACTS_HOST); i++) {
		const struct facts_host *host = facts_host_at(facts, i);

		if (host->known == FACTS_SEEN &&
		    strcmp(host->machine, machine) == 0 &&
		    strcmp(host->status, "INACTIVE") != 0 &&
		    (!found || host->connected))
			found = host;
	}
	return found;
}

/* False: the machine is ending; the step says so. */
static bool
is_machine_alive(const struct facts_machine *machine, struct step *step)
{
	struct err err;

	if (!machine || strcmp(machine->state, "pending") == 0 ||
	    strcmp(machine->state, "running") == 0)
		return true;
	err_set(&err, "instance %s is %s: %s", machine->id, machine->state,
		machine->reason);
	return ecs_step_says(step, STEP_REFUSED, err.msg);
}

static bool
judge_join(const struct ecs_job *job, const struct facts *facts,
	   struct step *step)
{
	const struct facts_machine *machine;
	const struct facts_host *host;
	struct ecs_note note;

	if (!read_note(job, &note, step))
		return false;
	machine = facts_find_machine(facts, note.machine);
	if (!is_machine_alive(machine, step))
		return false;
	host = find_host(facts, note.machine);
	if (!machine || !host || strcmp(host->status, "REGISTERING") == 0 ||
	    !host->connected ||
	    (note.tries > 0 && ecs_job_since_ms(job) < ECS_TRY_WAIT_MS))
		return ecs_step_wait(step);
	if (strcmp(host->status, "ACTIVE") != 0)
		return ecs_step_says(step, STEP_REFUSED,
				     "the container instance is draining");
	return ecs_step_note(step, "find_task_definition", &note);
}

/* ---- the task ---------------------------------------------------------- */

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

	if (!read_note(job, &note, step))
		return;
	fargate = note.machine[0] == '\0';
	container = read_definition(job, answer, fargate, &definition, step);
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
	return is_token_good(job, "find_task", &note, step);
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
		next_join(job, job->gameserver->instance, tries, step);
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
	if (!subject_of_note(job, subject, err))
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

	if (!read_note(job, &note, step))
		return false;
	if (!is_machine_alive(facts_find_machine(facts, note.machine), step))
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

/* ---- the table --------------------------------------------------------- */

/* clang-format off */
static const struct ecs_phase phases[] = {
	{.name = "check_task_definition",
	 .action = "DescribeTaskDefinition", .service = CLIENT_ECS,
	 .write = write_task_definition, .answered = checked_task_definition},
	{.name = "find_template",
	 .action = "DescribeLaunchTemplates", .service = CLIENT_EC2,
	 .write = write_template, .answered = found_template},
	{.name = "run_instances", .judge = judge_run_instances,
	 .action = "RunInstances", .service = CLIENT_EC2, .changes = true,
	 .answered = ran_instances},
	{.name = "find_instance", .subject = subject_of_note,
	 .judge = judge_find_instance},
	{.name = "join", .subject = subject_of_note, .judge = judge_join},
	{.name = "find_task_definition",
	 .action = "DescribeTaskDefinition", .service = CLIENT_ECS,
	 .write = write_task_definition, .answered = found_task_definition},
	{.name = "run_task", .judge = judge_run_task,
	 .action = "RunTask", .service = CLIENT_ECS, .changes = true,
	 .answered = ran_task},
	{.name = "find_task", .subject = subject_find_task,
	 .judge = judge_find_task},
	{.name = "task_running", .subject = subject_of_note,
	 .judge = judge_task_running},
};
/* clang-format on */

const struct ecs_phase *
ecs_launch_phase(const char *name)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (strcmp(phases[i].name, name) == 0)
			return &phases[i];
	return NULL;
}

bool
ecs_launch_prepare(const struct ecs_site *site, struct operation *operation,
		   struct err *err)
{
	const bool fargate = site->config.launch_type == CONFIG_LAUNCH_FARGATE;

	snprintf(operation->phase, sizeof(operation->phase), "%s",
		 fargate ? "find_task_definition" : "check_task_definition");
	return ecs_note_write(operation->request,
			      &(struct ecs_note){.tries = 0}, err);
}
