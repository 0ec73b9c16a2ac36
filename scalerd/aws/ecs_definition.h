/* SPDX-License-Identifier: MIT */
/*
 * Whether a task definition suits the configuration: checked before a machine
 * is paid for. Pure.
 */
#ifndef GSM_AWS_ECS_DEFINITION_H
#define GSM_AWS_ECS_DEFINITION_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/aws/ecs_answer.h"

/* The container that players connect to: GAMESERVER_CONTAINER, or the only
 * one. NULL: it can't be told, or port or network mode don't suit; err says
 * which option to set. */
const struct ecs_container *
ecs_definition_container(const struct config *config,
			 const struct ecs_task_definition *definition,
			 bool fargate, struct err *err);

#endif
