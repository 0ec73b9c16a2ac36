/* SPDX-License-Identifier: MIT */
/* How steps are filled in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/aws/ecs_phase.h"

bool
ecs_step_says(struct step *step, enum step_result result, const char *detail)
{
	step->result = result;
	step->wait_ms = result == STEP_REFUSED ? ECS_REFUSED_WAIT_MS : 0;
	snprintf(step->detail, sizeof(step->detail), "%.*s",
		 (int)sizeof(step->detail) - 1, detail);
	return false;
}

bool
ecs_step_wait(struct step *step)
{
	step->result = STEP_WAIT;
	step->wait_ms = ECS_WAIT_MS;
	return false;
}

bool
ecs_step_send(struct step *step, const char *phase, char *request)
{
	const size_t size = request ? strlen(request) : 0;

	if (!request)
		return ecs_step_says(step, STEP_UNKNOWN, "out of memory");
	if (size >= sizeof(step->request)) {
		free(request);
		return ecs_step_says(step, STEP_REFUSED,
				     "the request is too long to be recorded");
	}
	step->result = STEP_NEXT;
	snprintf(step->phase, sizeof(step->phase), "%s", phase);
	memcpy(step->request, request, size + 1);
	free(request);
	return false;
}

bool
ecs_step_note(struct step *step, const char *phase, const struct ecs_note *note)
{
	struct err err;

	step->result = STEP_NEXT;
	snprintf(step->phase, sizeof(step->phase), "%s", phase);
	if (!ecs_note_write(step->request, note, &err))
		return ecs_step_says(step, STEP_UNKNOWN, err.msg);
	return false;
}

/* What an error means for an operation. Those that surely did not act and may
 * pass by themselves are tried again like those that may have acted. */
static const struct {
	enum aws_error_class class;
	enum step_result result;
	int64_t wait_ms;
} outcomes[] = {
    {AWS_ERROR_THROTTLED, STEP_UNKNOWN, 0},
    {AWS_ERROR_CREDENTIALS, STEP_UNKNOWN, 0},
    {AWS_ERROR_CLOCK, STEP_UNKNOWN, 0},
    {AWS_ERROR_TRANSIENT, STEP_UNKNOWN, 0},
    {AWS_ERROR_CAPACITY, STEP_REFUSED, ECS_CAPACITY_WAIT_MS},
    {AWS_ERROR_QUOTA, STEP_REFUSED, ECS_CAPACITY_WAIT_MS},
};

void
ecs_step_error(struct step *step, const char *what,
	       const struct client_answer *answer)
{
	struct err said = {""};
	struct err err;

	aws_error_say(&answer->error, &said);
	err_set(&err, "%s: %s", what, said.msg);
	ecs_step_says(step,
		      answer->outcome == CLIENT_UNKNOWN ? STEP_UNKNOWN
							: STEP_REFUSED,
		      err.msg);
	if (answer->outcome == CLIENT_UNKNOWN)
		return;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (outcomes[i].class == answer->error.class) {
			step->result = outcomes[i].result;
			step->wait_ms = outcomes[i].wait_ms;
		}
}

void
ecs_step_sight(struct step *step, const struct ecs_job *job,
	       const char *machine, const char *task)
{
	struct sighting *sighting = &step->sighting;

	step->sighted = true;
	*sighting = (struct sighting){
	    .ours = true,
	    .leaving = job->gameserver->host_leaving,
	};
	snprintf(sighting->mark, sizeof(sighting->mark), "%s",
		 job->gameserver->mark);
	snprintf(sighting->instance, sizeof(sighting->instance), "%s",
		 machine ? machine : "");
	snprintf(sighting->ref, sizeof(sighting->ref), "%s", task ? task : "");
}

static int64_t
passed_ms(const struct ecs_job *job, int64_t since_utc_ms)
{
	const int64_t passed = job->now_utc_ms - since_utc_ms;

	return passed < 0 ? INT64_MAX : passed;
}

int64_t
ecs_job_age_ms(const struct ecs_job *job)
{
	return passed_ms(job, job->operation->created_utc_ms);
}

int64_t
ecs_job_since_ms(const struct ecs_job *job)
{
	struct ecs_note note;
	struct err err;

	return ecs_note_read(&note, job->operation->request, &err)
		   ? passed_ms(job, note.at_utc_ms)
		   : INT64_MAX;
}
