/* SPDX-License-Identifier: MIT */
/*
 * The bodies of the requests to ECS (JSON 1.1) that scalerd sends: pure
 * functions from their parameters to bytes. The same parameters give the same
 * bytes. Docs: Amazon ECS API Reference, the action's page.
 *
 * Every function returns a NUL-terminated text that the caller frees, or NULL:
 * out of memory.
 */
#ifndef GSM_AWS_ECS_REQUEST_H
#define GSM_AWS_ECS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* ListTasks: exactly one of family, started_by and host is set (startedBy must
 * be the only filter). page: nextToken, NULL for the first. Those whose desired
 * status is RUNNING, 100 to a page. */
struct ecs_list_tasks {
	const char *cluster;
	const char *family;
	const char *started_by;
	const char *host; /* containerInstance */
	const char *page;
};
char *ecs_list_tasks(const struct ecs_list_tasks *list);

/* DescribeTasks with TAGS, at most ECS_DESCRIBE_MAX. */
enum { ECS_DESCRIBE_MAX = 100 };
char *ecs_describe_tasks(const char *cluster, const char *const *arn, size_t n);

/* ListContainerInstances with the filter `ec2InstanceId in ['i-..', ...]`, of
 * every status. At most ECS_LIST_HOSTS_MAX machines, so that the filter stays
 * short and one page holds the answer. */
enum { ECS_LIST_HOSTS_MAX = 20 };
char *ecs_list_hosts(const char *cluster, const char *const *machine, size_t n,
		     const char *page);

/* DescribeContainerInstances, at most ECS_DESCRIBE_MAX. */
char *ecs_describe_hosts(const char *cluster, const char *const *arn, size_t n);

/* UpdateContainerInstancesState to DRAINING. */
char *ecs_drain_host(const char *cluster, const char *arn);

/* DescribeTaskDefinition. */
char *ecs_describe_task_definition(const char *name);

/* RunTask of one task. With `machine`: launchType EC2, placementConstraints
 * distinctInstance and memberOf "ec2InstanceId in ['<machine>']". Without:
 * launchType FARGATE and networkConfiguration.awsvpcConfiguration. */
struct ecs_run_task {
	const char *cluster;
	const char *task_definition; /* ARN with its revision */
	const char *container;       /* gets GAMESERVER_OPERATION, and
					GAMESERVER_FLEET */
	const char *fleet;           /* FLEET_NAME: startedBy gsm/<fleet>, tag
					gameserver-manager:fleet */
	const char *operation;       /* tag gameserver-manager:operation */
	const char *token;           /* clientToken, at most 64 characters */
	const char *machine;         /* NULL: Fargate */
	const char *subnets;         /* Fargate: separated by commas */
	const char *security_groups; /* likewise, "": the VPC's default */
	bool public_ip;              /* assignPublicIp */
};
char *ecs_run_task(const struct ecs_run_task *run);

/* StopTask; reason is shown by AWS as the task's stoppedReason. */
char *ecs_stop_task(const char *cluster, const char *arn, const char *reason);

#endif
