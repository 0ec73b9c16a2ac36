/* SPDX-License-Identifier: MIT */
/*
 * Reads the bodies of ECS's answers (JSON 1.1), strictly: what is missing, of
 * another type or too long makes the answer malformed, members that are not
 * known are ignored. Depth and size are bounded.
 *
 * False: malformed (or out of memory); err says what. Facts may then be half
 * read: throw them away.
 */
#ifndef GSM_AWS_ECS_ANSWER_H
#define GSM_AWS_ECS_ANSWER_H

#include "common/err.h"
#include "scalerd/aws/facts.h"

enum {
	ECS_PAGE_SIZE = 2048,    /* a nextToken */
	ECS_CONTAINERS_MAX = 16, /* of a task definition */
	ECS_PORTS_MAX = 16,      /* of one of its containers */
};

/* ListTasks: names each of them. *page is the next nextToken, "": it was the
 * last page. */
NODISCARD bool ecs_read_task_list(struct facts *facts, const char *body,
				  size_t size, char page[ECS_PAGE_SIZE],
				  struct err *err);

/* DescribeTasks: SEEN or, from failures[], MISSING. Names their hosts and
 * network interfaces. Other failures are malformed. */
NODISCARD bool ecs_read_tasks(struct facts *facts, const char *body,
			      size_t size, struct err *err);

/* ListContainerInstances. */
NODISCARD bool ecs_read_host_list(struct facts *facts, const char *body,
				  size_t size, char page[ECS_PAGE_SIZE],
				  struct err *err);

/* DescribeContainerInstances, as ecs_read_tasks. Names its machines. */
NODISCARD bool ecs_read_hosts(struct facts *facts, const char *body,
			      size_t size, struct err *err);

/* DescribeTaskDefinition. */
struct ecs_container {
	char name[FACTS_NAME_SIZE];
	size_t nport;
	int port[ECS_PORTS_MAX]; /* containerPort of its tcp mappings */
};
struct ecs_task_definition {
	char arn[REF_SIZE];                 /* with its revision */
	char network_mode[FACTS_WORD_SIZE]; /* "bridge", "awsvpc", ... */
	size_t ncontainer;
	struct ecs_container container[ECS_CONTAINERS_MAX];
};
NODISCARD bool ecs_read_task_definition(struct ecs_task_definition *definition,
					const char *body, size_t size,
					struct err *err);

/* RunTask of one task: either its ARN or the reason of failures[0]. Neither
 * (or both empty arrays) is malformed. */
struct ecs_run {
	char arn[REF_SIZE];            /* "": it did not run */
	char host[REF_SIZE];           /* where it was placed; "": Fargate */
	char failure[FACTS_NAME_SIZE]; /* "AGENT", "RESOURCE:MEMORY", ... */
};
NODISCARD bool ecs_read_run(struct ecs_run *run, const char *body, size_t size,
			    struct err *err);

/* The first of resourceIds in the body of a ConflictException. False: there is
 * none. */
NODISCARD bool ecs_read_conflict(char arn[REF_SIZE], const char *body,
				 size_t size);

#endif
