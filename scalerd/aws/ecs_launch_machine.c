/* SPDX-License-Identifier: MIT */
/* The phases of a launch until its machine is a host of the cluster. */
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/ec2_answer.h"
#include "scalerd/aws/ec2_request.h"
#include "scalerd/aws/ecs_launch.h"
#include "scalerd/aws/ecs_sight.h"

/* ---- before a machine is paid for -------------------------------------- */

/* A task definition that can't work must not cost a machine. */
static void
checked_task_definition(const struct ecs_job *job,
			const struct client_answer *answer, struct step *step)
{
	struct ecs_task_definition definition;

	if (ecs_launch_definition(job, answer, false, &definition, step))
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
		ecs_launch_option_error(
		    step, "ECS_INSTANCE_LAUNCH_TEMPLATE",
		    job->site->config.ecs_instance_launch_template, answer);
	} else if (!ec2_read_template(&template, answer->body, answer->size,
				      &err)) {
		ecs_step_says(step, STEP_UNKNOWN, err.msg);
	} else if (template.id[0] == '\0') {
		err_set(&err,
			"ECS_INSTANCE_LAUNCH_TEMPLATE=%s: set it to a launch "
			"template that exists in AWS_REGION",
			job->site->config.ecs_instance_launch_template);
		ecs_step_says(step, STEP_REFUSED, err.msg);
	} else {
		run.template = template.id;
		run.version = template.version;
		ecs_step_send(step, "run_instances", ec2_run_instances(&run));
	}
}

/* ---- the machine ------------------------------------------------------- */

static bool
judge_run_instances(const struct ecs_job *job, const struct facts *facts,
		    struct step *step)
{
	(void)facts;
	return ecs_launch_is_token_good(job, "find_instance",
					&(struct ecs_note){.tries = 0}, step);
}

/* EC2 looks at the token before it looks for room: nothing was made. */
static bool is_definite(enum aws_error_class class)
{
	return class == AWS_ERROR_CAPACITY || class == AWS_ERROR_QUOTA;
}

static void
ran_instances(const struct ecs_job *job, const struct client_answer *answer,
	      struct step *step)
{
	char machine[FACTS_ID_SIZE];
	struct err err;

	if (answer->outcome == CLIENT_ANSWERED) {
		if (ec2_read_run(machine, answer->body, answer->size, &err))
			ecs_launch_next_join(job, machine, 0, step);
		else
			ecs_step_says(step, STEP_UNKNOWN, err.msg);
		return;
	}
	ecs_step_error(step, "RunInstances", answer);
	if (step->result != STEP_REFUSED || is_definite(answer->error.class))
		return;
	/* The token was used, or an earlier attempt may have acted. */
	if (answer->error.class == AWS_ERROR_IDEMPOTENCY ||
	    job->operation->attempts > 0)
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
		ecs_launch_next_join(job, machine->id, 0, step);
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

static bool
judge_join(const struct ecs_job *job, const struct facts *facts,
	   struct step *step)
{
	const struct facts_machine *machine;
	const struct facts_host *host;
	struct ecs_note note;

	if (!ecs_launch_note(job, &note, step))
		return false;
	machine = facts_find_machine(facts, note.machine);
	if (!ecs_launch_is_alive(machine, step))
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

/* ---- the table --------------------------------------------------------- */

/* clang-format off */
const struct ecs_phase ecs_launch_machine[] = {
	{.name = "check_task_definition",
	 .action = "DescribeTaskDefinition", .service = CLIENT_ECS,
	 .write = ecs_launch_write_definition, .answered = checked_task_definition},
	{.name = "find_template",
	 .action = "DescribeLaunchTemplates", .service = CLIENT_EC2,
	 .write = write_template, .answered = found_template},
	{.name = "run_instances", .judge = judge_run_instances,
	 .action = "RunInstances", .service = CLIENT_EC2, .changes = true,
	 .answered = ran_instances},
	{.name = "find_instance", .subject = ecs_launch_subject,
	 .judge = judge_find_instance},
	{.name = "join", .subject = ecs_launch_subject, .judge = judge_join},
};
/* clang-format on */

const size_t ecs_launch_nmachine =
    sizeof(ecs_launch_machine) / sizeof(ecs_launch_machine[0]);
