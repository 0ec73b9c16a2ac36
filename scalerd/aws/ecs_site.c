/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_site.h"

#include <stdio.h>
#include <string.h>

#include "scalerd/aws/marks.h"

/* family, family:revision or arn:...:task-definition/family:revision */
static void
set_family(char family[FACTS_NAME_SIZE], const char *definition)
{
	const char *slash = strrchr(definition, '/');
	const char *from = slash ? slash + 1 : definition;

	snprintf(family, FACTS_NAME_SIZE, "%.*s", (int)strcspn(from, ":"),
		 from);
}

void
ecs_site_set(struct ecs_site *site, const struct config *config)
{
	site->config = *config;
	set_family(site->family, config->server_task_definition);
	snprintf(site->started_by, sizeof(site->started_by), "%s%.*s",
		 MARKS_STARTED_BY, FACTS_NAME_SIZE - 8, config->fleet_name);
}
