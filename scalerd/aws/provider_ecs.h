/* SPDX-License-Identifier: MIT */
/*
 * Provider ecs: a gameserver is an ECS task, pinned to an EC2 instance of its
 * own (LAUNCH_TYPE=EC2), or a Fargate task.
 *
 * The fleet's mark: on the EC2 instance and the task the tags
 *
 *	gameserver-manager:fleet      FLEET_NAME
 *	gameserver-manager:operation  the launch operation's id: its mark
 *
 * and startedBy gsm/<FLEET_NAME> on the task. A task of the family of
 * SERVER_TASK_DEFINITION without any manager's mark is listed as not ours
 * (ADOPT=serve). Nothing without the mark is ever changed.
 */
#ifndef GSM_AWS_PROVIDER_ECS_H
#define GSM_AWS_PROVIDER_ECS_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/edge/loop.h"
#include "scalerd/scaler/ports.h"

/* *port is filled in; it lives until port->close. Answers go to sink from the
 * loop. Reaches nobody yet: whatever AWS says later is an answer to the calls.
 * False: something in the configuration can't work; err says what. */
NODISCARD bool provider_ecs_open(struct provider_port *port,
				 const struct config *config, struct loop *loop,
				 const struct port_sink *sink, struct err *err);

#endif
