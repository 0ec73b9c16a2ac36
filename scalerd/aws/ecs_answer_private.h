/* SPDX-License-Identifier: MIT */
/* What the readers of ECS's answers share. */
#ifndef GSM_AWS_ECS_ANSWER_PRIVATE_H
#define GSM_AWS_ECS_ANSWER_PRIVATE_H

#include "scalerd/aws/facts.h"
#include "scalerd/aws/json_member.h"

enum { ECS_PORT_MAX = 65535 };

#define ECS_TEXT(member, type, field, must)                                    \
	{                                                                      \
		member, offsetof(struct type, field),                          \
		    sizeof(((struct type *)0)->field), must                    \
	}

/* The outermost object. False: the body is none. Drop it after use. */
NODISCARD bool ecs_answer_open(struct json_place *place, const char *body,
			       size_t size, struct err *err);
void ecs_answer_drop(struct json_place *place);

/* failures[] of a Describe: MISSING is noted, anything else is malformed. */
NODISCARD bool ecs_answer_failures(const struct json_place *place,
				   struct facts *facts, enum facts_kind kind);

/* The one with that name. NULL: err says why it can't be kept. */
struct facts_task *ecs_answer_task(struct facts *facts, const char *arn,
				   struct err *err);
struct facts_host *ecs_answer_host(struct facts *facts, const char *arn,
				   struct err *err);

#endif
