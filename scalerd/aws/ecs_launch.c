/* SPDX-License-Identifier: MIT */
/* What the phases of a launch have in common, and which there are. */
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/ecs_launch.h"
#include "scalerd/aws/ecs_request.h"

bool
ecs_launch_note(const struct ecs_job *job, struct ecs_note *note,
		struct step *step)
{
	struct err err;

	if (ecs_note_read(note, job->operation->request, &err))
		return true;
	return ecs_step_says(step, STEP_REFUSED, err.msg);
}

bool
ecs_launch_subject(const struct ecs_job *job, struct look_subject *subject,
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

void
ecs_launch_option_error(struct step *step, const char *option,
			const char *value, const struct client_answer *answer)
{
	struct err what;

	err_set(&what, "%s=%s", option, value);
	ecs_step_error(step, what.msg, answer);
}

char *
ecs_launch_write_definition(const struct ecs_job *job)
{
	return ecs_describe_task_definition(
	    job->site->config.server_task_definition);
}

const struct ecs_container *
ecs_launch_definition(const struct ecs_job *job,
		      const struct client_answer *answer, bool fargate,
		      struct ecs_task_definition *definition, struct step *step)
{
	const struct config *config = &job->site->config;
	const struct ecs_container *container;
	struct err err;

	if (answer->outcome != CLIENT_ANSWERED) {
		ecs_launch_option_error(step, "SERVER_TASK_DEFINITION",
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

bool
ecs_launch_is_token_good(const struct ecs_job *job, const char *look_phase,
			 const struct ecs_note *note, struct step *step)
{
	if (ecs_job_age_ms(job) < ECS_TOKEN_TRUST_MS)
		return true;
	return ecs_step_note(step, look_phase, note);
}

void
ecs_launch_next_join(const struct ecs_job *job, const char *machine,
		     int64_t tries, struct step *step)
{
	struct ecs_note note = {.tries = tries, .at_utc_ms = job->now_utc_ms};

	snprintf(note.machine, sizeof(note.machine), "%s", machine);
	ecs_step_note(step, "join", &note);
	ecs_step_sight(step, job, machine, NULL);
}

bool
ecs_launch_is_alive(const struct facts_machine *machine, struct step *step)
{
	struct err err;

	if (!machine || strcmp(machine->state, "pending") == 0 ||
	    strcmp(machine->state, "running") == 0)
		return true;
	err_set(&err, "instance %s is %s: %s", machine->id, machine->state,
		machine->reason);
	return ecs_step_says(step, STEP_REFUSED, err.msg);
}

const struct ecs_phase *
ecs_launch_phase(const char *name)
{
	for (size_t i = 0; i < ecs_launch_nmachine; i++)
		if (strcmp(ecs_launch_machine[i].name, name) == 0)
			return &ecs_launch_machine[i];
	for (size_t i = 0; i < ecs_launch_ntask; i++)
		if (strcmp(ecs_launch_task[i].name, name) == 0)
			return &ecs_launch_task[i];
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
