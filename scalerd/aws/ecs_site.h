/* SPDX-License-Identifier: MIT */
/*
 * What the provider ecs knows of its configuration, in the words of AWS.
 */
#ifndef GSM_AWS_ECS_SITE_H
#define GSM_AWS_ECS_SITE_H

#include "common/config.h"
#include "scalerd/aws/facts.h"

struct ecs_site {
	struct config config;
	char family[FACTS_NAME_SIZE];     /* of SERVER_TASK_DEFINITION */
	char started_by[FACTS_NAME_SIZE]; /* gsm/<FLEET_NAME> */
};

void ecs_site_set(struct ecs_site *site, const struct config *config);

#endif
