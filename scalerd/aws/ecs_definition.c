/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_definition.h"

#include <inttypes.h>
#include <string.h>

static const struct ecs_container *
choose_container(const struct config *config,
		 const struct ecs_task_definition *definition, struct err *err)
{
	const char *wanted = config->gameserver_container;

	if (wanted[0] == '\0') {
		if (definition->ncontainer == 1)
			return &definition->container[0];
		err_set(err,
			"SERVER_TASK_DEFINITION has %zu containers: set "
			"GAMESERVER_CONTAINER to the gameserver's (%s, %s, ..)",
			definition->ncontainer, definition->container[0].name,
			definition->container[1].name);
		return NULL;
	}
	for (size_t i = 0; i < definition->ncontainer; i++)
		if (strcmp(definition->container[i].name, wanted) == 0)
			return &definition->container[i];
	err_set(err,
		"GAMESERVER_CONTAINER=%s: SERVER_TASK_DEFINITION has no such "
		"container, it has %s%s",
		wanted, definition->container[0].name,
		definition->ncontainer > 1 ? " and others" : "");
	return NULL;
}

static bool
check_port(const struct config *config, const struct ecs_container *container,
	   struct err *err)
{
	if (config->gameserver_port == 0) {
		if (container->nport == 1)
			return true;
		return err_set(
		    err, "container %s has %zu tcp ports: set GAMESERVER_PORT",
		    container->name, container->nport);
	}
	for (size_t i = 0; i < container->nport; i++)
		if (container->port[i] == config->gameserver_port)
			return true;
	return err_set(err,
		       "GAMESERVER_PORT=%" PRId64
		       ": container %s has no such tcp port mapping",
		       config->gameserver_port, container->name);
}

static bool
check_network(const struct ecs_task_definition *definition, bool fargate,
	      struct err *err)
{
	const bool own = strcmp(definition->network_mode, "awsvpc") == 0;

	if (own == fargate)
		return true;
	return fargate ? err_set(err,
				 "SERVER_TASK_DEFINITION has network mode %s, "
				 "LAUNCH_TYPE=FARGATE needs awsvpc",
				 definition->network_mode)
		       : err_set(err, "SERVER_TASK_DEFINITION has network mode "
				      "awsvpc, LAUNCH_TYPE=EC2 needs bridge or "
				      "host");
}

const struct ecs_container *
ecs_definition_container(const struct config *config,
			 const struct ecs_task_definition *definition,
			 bool fargate, struct err *err)
{
	const struct ecs_container *container =
	    choose_container(config, definition, err);

	if (!container || !check_port(config, container, err) ||
	    !check_network(definition, fargate, err))
		return NULL;
	return container;
}
