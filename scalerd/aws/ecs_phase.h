/* SPDX-License-Identifier: MIT */
/*
 * The phases of the provider ecs's operations, as rows of two tables. A step
 * of an operation is its phase's row, from left to right: look at what is
 * there, judge it, send the request, read the answer. Every function is pure:
 * what it says depends on its arguments alone.
 *
 *	launch  check_task_definition -> find_template -> run_instances
 *	        -> join -> find_task_definition -> run_task -> task_running
 *	Fargate find_task_definition -> run_task -> task_running
 *	stop    find -> drain_host -> find_drained -> stop_task
 *	        -> task_stopping -> terminate_instance -> instance_terminating
 *
 * find_instance and find_task stand in for run_instances and run_task when
 * their token may no longer hold: what they made is looked for by its mark.
 */
#ifndef GSM_AWS_ECS_PHASE_H
#define GSM_AWS_ECS_PHASE_H

#include "scalerd/aws/client.h"
#include "scalerd/aws/ecs_note.h"
#include "scalerd/aws/ecs_site.h"
#include "scalerd/aws/facts.h"
#include "scalerd/aws/look.h"
#include "scalerd/scaler/ports.h"

enum {
	ECS_WAIT_MS = 2000, /* between looks at what takes its time */
	/* RunTask's clientToken holds for min(24 h, the task's life + 1 h),
	 * RunInstances' longer (ECS and EC2 API References): before that the
	 * same bytes are sent again, after it the mark is looked for. */
	ECS_TOKEN_TRUST_MS = 3600 * 1000,
	/* AWS is eventually consistent: what was made shows up within this. */
	ECS_CONSISTENT_MS = 120 * 1000,
	ECS_CAPACITY_WAIT_MS = 30 * 1000, /* until the next launch after that */
	ECS_REFUSED_WAIT_MS = 5 * 1000,   /* likewise, any other refusal */
	ECS_AGENT_TRIES_MAX = 60,   /* RunTask refused for AGENT, on one host */
	ECS_OTHER_TRIES_MAX = 3,    /* for any other reason */
	ECS_TRY_WAIT_MS = 5 * 1000, /* between them: what AWS shows may lag */
	/* A task that ECS was told to stop has stopped by then, unless its
	 * agent is gone: stopTimeout is minutes at most. */
	ECS_STOP_MAX_MS = 15 * 60 * 1000,
};

struct ecs_job {
	const struct ecs_site *site;
	const struct operation *operation;
	const struct gameserver *gameserver;
	int64_t now_utc_ms;
};

struct ecs_phase {
	const char *name;
	/* What it looks at; NULL: at nothing. False: the recorded request is
	 * broken, err says how. */
	bool (*subject)(const struct ecs_job *job, struct look_subject *subject,
			struct err *err);
	/* NULL: always true. `facts` is NULL without a subject. True: send.
	 * False: the step is filled in. */
	bool (*judge)(const struct ecs_job *job, const struct facts *facts,
		      struct step *step);
	const char *action; /* NULL: nothing is sent */
	enum client_service service;
	bool changes;
	/* The request, to be freed; NULL: the recorded one is sent. NULL
	 * comes back when there is no memory. */
	char *(*write)(const struct ecs_job *job);
	void (*answered)(const struct ecs_job *job,
			 const struct client_answer *answer, struct step *step);
};

/* NULL: there is no such phase. */
const struct ecs_phase *ecs_launch_phase(const char *name);
const struct ecs_phase *ecs_stop_phase(const char *name);

/* Phase and request of a new operation. */
NODISCARD bool ecs_launch_prepare(const struct ecs_site *site,
				  struct operation *operation, struct err *err);
NODISCARD bool ecs_stop_prepare(const struct gameserver *gameserver,
				struct operation *operation, struct err *err);

/* ---- ecs_step.c: how steps are filled in ---- */

/* Each sets the result, and returns false, for judges. */
bool ecs_step_says(struct step *step, enum step_result result,
		   const char *detail);
bool ecs_step_wait(struct step *step);
/* The next phase, with a request that is freed here, or a note. */
bool ecs_step_send(struct step *step, const char *phase, char *request);
bool ecs_step_note(struct step *step, const char *phase,
		   const struct ecs_note *note);
/* REFUSED or UNKNOWN, as the answer's error means for the operation; `what`
 * failed. */
void ecs_step_error(struct step *step, const char *what,
		    const struct client_answer *answer);
/* What is known of the gameserver by now: machine and task, or NULL. */
void ecs_step_sight(struct step *step, const struct ecs_job *job,
		    const char *machine, const char *task);
/* How long the operation exists; more than any bound when the wall clock
 * jumped back. */
int64_t ecs_job_age_ms(const struct ecs_job *job);
/* Likewise, since the recorded note was made; also when it does not say when.
 */
int64_t ecs_job_since_ms(const struct ecs_job *job);

#endif
