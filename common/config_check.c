/* SPDX-License-Identifier: MIT */
#include "common/config_check.h"

#include <string.h>

#include "common/config_aws.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
margins_leave_room(const struct config *config, struct err *err)
{
	if (config->downscale_margin - config->upscale_margin >
	    config->server_capacity)
		return true;
	return err_set(
	    err,
	    "DOWNSCALE_MARGIN=%lld - UPSCALE_MARGIN=%lld must be greater than "
	    "SERVER_CAPACITY=%lld",
	    (long long)config->downscale_margin,
	    (long long)config->upscale_margin,
	    (long long)config->server_capacity);
}

static bool
servers_are_ordered(const struct config *config, struct err *err)
{
	if (config->min_servers <= config->max_servers)
		return true;
	return err_set(
	    err, "MIN_SERVERS=%lld must not be greater than MAX_SERVERS=%lld",
	    (long long)config->min_servers, (long long)config->max_servers);
}

/* scalerd replaces whatever lies there. */
static bool
ledger_is_apart(const struct config *config, struct err *err)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	const size_t size = strlen(config->database);
	bool apart = true;

	if (strncmp(config->ledger, config->database, size) == 0)
		for (size_t i = 0; i < COUNT(suffixes); i++)
			apart = apart &&
				strcmp(config->ledger + size, suffixes[i]) != 0;
	if (apart)
		return true;
	return err_set(err, "LEDGER=%s must not be a file of DATABASE=%s",
		       config->ledger, config->database);
}

static bool
cluster_is_one(const struct config *config, struct err *err)
{
	if (config->provider != CONFIG_PROVIDER_ECS ||
	    config_aws_is_cluster(config->ecs_cluster))
		return true;
	return err_set(err,
		       "ECS_CLUSTER=%s must be a cluster's name "
		       "([A-Za-z0-9_-]) or ARN",
		       config->ecs_cluster);
}

static bool
template_is_one(const struct config *config, struct err *err)
{
	if (config->provider != CONFIG_PROVIDER_ECS ||
	    config_aws_is_launch_template(config->ecs_instance_launch_template))
		return true;
	return err_set(err,
		       "ECS_INSTANCE_LAUNCH_TEMPLATE=%s must be a launch "
		       "template's name (3 to 128 characters of "
		       "[A-Za-z0-9_.()/-]) or id (lt-...)",
		       config->ecs_instance_launch_template);
}

static bool
task_definition_is_one(const struct config *config, struct err *err)
{
	if (config->provider != CONFIG_PROVIDER_ECS ||
	    config_aws_is_task_definition(config->server_task_definition))
		return true;
	return err_set(err,
		       "SERVER_TASK_DEFINITION=%s must be a task definition's "
		       "family ([A-Za-z0-9_-]), family:revision or ARN",
		       config->server_task_definition);
}

static bool
is_fargate(const struct config *config)
{
	return config->provider == CONFIG_PROVIDER_ECS &&
	       config->launch_type == CONFIG_LAUNCH_FARGATE;
}

static bool
fargate_has_subnets(const struct config *config, struct err *err)
{
	if (!is_fargate(config) || config->fargate_subnets[0] != '\0')
		return true;
	return err_set(err, "LAUNCH_TYPE=FARGATE needs FARGATE_SUBNETS");
}

static bool
fargate_has_port(const struct config *config, struct err *err)
{
	if (!is_fargate(config) || config->gameserver_port != 0)
		return true;
	return err_set(err, "LAUNCH_TYPE=FARGATE needs GAMESERVER_PORT");
}

const struct config_check config_checks[] = {
    {margins_leave_room,
     {"DOWNSCALE_MARGIN", "UPSCALE_MARGIN", "SERVER_CAPACITY"}},
    {servers_are_ordered, {"MIN_SERVERS", "MAX_SERVERS"}},
    {ledger_is_apart, {"LEDGER", "DATABASE"}},
    {cluster_is_one, {"ECS_CLUSTER"}},
    {template_is_one, {"ECS_INSTANCE_LAUNCH_TEMPLATE"}},
    {task_definition_is_one, {"SERVER_TASK_DEFINITION"}},
    {fargate_has_subnets, {"LAUNCH_TYPE", "FARGATE_SUBNETS"}},
    {fargate_has_port, {"LAUNCH_TYPE", "GAMESERVER_PORT"}},
};
const size_t config_nchecks = sizeof(config_checks) / sizeof(config_checks[0]);
