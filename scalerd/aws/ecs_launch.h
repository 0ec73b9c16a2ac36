/* SPDX-License-Identifier: MIT */
/*
 * The inside of a launch: what its phases (ecs_phase.h) have in common, and
 * the two tables of them.
 */
#ifndef GSM_AWS_ECS_LAUNCH_H
#define GSM_AWS_ECS_LAUNCH_H

#include "scalerd/aws/ecs_definition.h"
#include "scalerd/aws/ecs_phase.h"

extern const struct ecs_phase ecs_launch_machine[];
extern const size_t ecs_launch_nmachine;
extern const struct ecs_phase ecs_launch_task[];
extern const size_t ecs_launch_ntask;

/* The recorded note. False: the step says what is wrong with it. */
bool ecs_launch_note(const struct ecs_job *job, struct ecs_note *note,
		     struct step *step);

/* Looks at what the note names or, while it names no machine, at those that
 * bear the operation's mark. */
bool ecs_launch_subject(const struct ecs_job *job, struct look_subject *subject,
			struct err *err);

/* The description of what an option names failed. */
void ecs_launch_option_error(struct step *step, const char *option,
			     const char *value,
			     const struct client_answer *answer);

/* SERVER_TASK_DEFINITION with the container that players connect to; NULL: the
 * step says why not. */
char *ecs_launch_write_definition(const struct ecs_job *job);
const struct ecs_container *ecs_launch_definition(
    const struct ecs_job *job, const struct client_answer *answer, bool fargate,
    struct ecs_task_definition *definition, struct step *step);

/* Whether the recorded token still stands for this operation alone. Else what
 * it made is looked for, in `look_phase`. */
bool ecs_launch_is_token_good(const struct ecs_job *job, const char *look_phase,
			      const struct ecs_note *note, struct step *step);

/* The machine is there: wait until it is a host. */
void ecs_launch_next_join(const struct ecs_job *job, const char *machine,
			  int64_t tries, struct step *step);

/* False: the machine is ending; the step says so. NULL is alive. */
bool ecs_launch_is_alive(const struct facts_machine *machine,
			 struct step *step);

#endif
