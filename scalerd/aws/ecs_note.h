/* SPDX-License-Identifier: MIT */
/*
 * What an operation of the provider ecs records as its request while it has
 * nothing to send: {"machine":"i-0..","task":"arn:..","tries":2,"at":1795..},
 * for people to read and for the next step to go on from.
 */
#ifndef GSM_AWS_ECS_NOTE_H
#define GSM_AWS_ECS_NOTE_H

#include "common/err.h"
#include "scalerd/aws/facts.h"

enum { ECS_NOTE_TRIES_MAX = 1000 };

struct ecs_note {
	char machine[FACTS_ID_SIZE]; /* "": none */
	char task[REF_SIZE];         /* its ARN; "": none */
	int64_t tries;               /* of RunTask that AWS refused */
	int64_t at_utc_ms; /* when AWS answered what led here; 0: not said */
};

NODISCARD bool ecs_note_write(char request[REQUEST_SIZE],
			      const struct ecs_note *note, struct err *err);
/* False: the request is no note; err says so. */
NODISCARD bool ecs_note_read(struct ecs_note *note, const char *request,
			     struct err *err);

/* How many RunTasks AWS refused before this one, whose request this is: the
 * number behind the operation's id in its clientToken. ECS_NOTE_TRIES_MAX: it
 * can't be told. */
int64_t ecs_note_tries(const char *run_task);

#endif
