/* SPDX-License-Identifier: MIT */
/* The answers that a launch reads: what is to be run, and how that went. */
#include "scalerd/aws/ecs_answer.h"

#include <string.h>

#include "scalerd/aws/ecs_answer_private.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define CONTAINERS "taskDefinition.containerDefinitions[]"

static const struct json_text definition_texts[] = {
    ECS_TEXT("taskDefinitionArn", ecs_task_definition, arn, true),
    ECS_TEXT("networkMode", ecs_task_definition, network_mode, false),
};

static const struct json_text container_texts[] = {
    ECS_TEXT("name", ecs_container, name, true),
};

static bool
read_mapping(const struct json_place *place, void *arg)
{
	struct ecs_container *container = arg;
	const char *range, *protocol;
	int64_t port = 0;

	if (!json_member_text(place, "containerPortRange", false, &range) ||
	    !json_member_text(place, "protocol", false, &protocol))
		return false;
	/* Without a protocol it is tcp. */
	if (*range != '\0' ||
	    (*protocol != '\0' && strcmp(protocol, "tcp") != 0))
		return true;
	if (!json_member_integer(place, "containerPort", true, 1, ECS_PORT_MAX,
				 &port))
		return false;
	if (container->nport == ECS_PORTS_MAX)
		return err_set(place->err,
			       "container %s has more than %d tcp ports",
			       container->name, ECS_PORTS_MAX);
	container->port[container->nport++] = (int)port;
	return true;
}

static bool
read_container(const struct json_place *place, void *arg)
{
	struct ecs_task_definition *definition = arg;
	struct ecs_container *container;

	if (definition->ncontainer == ECS_CONTAINERS_MAX)
		return err_set(place->err,
			       "the task definition has more than %d "
			       "containers",
			       ECS_CONTAINERS_MAX);
	container = &definition->container[definition->ncontainer++];
	return json_member_texts(place, container_texts, COUNT(container_texts),
				 container) &&
	       json_member_each(place, "portMappings", false,
				CONTAINERS ".portMappings[]", read_mapping,
				container);
}

bool
ecs_read_task_definition(struct ecs_task_definition *definition,
			 const char *body, size_t size, struct err *err)
{
	struct json_place answer, inner;
	bool ok;

	*definition = (struct ecs_task_definition){0};
	if (!ecs_answer_open(&answer, body, size, err))
		return false;
	ok = json_member_object(&answer, "taskDefinition", "taskDefinition",
				&inner) &&
	     json_member_texts(&inner, definition_texts,
			       COUNT(definition_texts), definition) &&
	     json_member_each(&inner, "containerDefinitions", true, CONTAINERS,
			      read_container, definition);
	ecs_answer_drop(&answer);
	return ok;
}

static const struct json_text run_texts[] = {
    ECS_TEXT("taskArn", ecs_run, arn, true),
    ECS_TEXT("containerInstanceArn", ecs_run, host, false),
};

static const struct json_text failure_texts[] = {
    ECS_TEXT("reason", ecs_run, failure, true),
};

static bool
read_run(const struct json_place *place, void *arg)
{
	struct ecs_run *run = arg;

	if (run->arn[0] != '\0')
		return err_set(place->err, "AWS ran more than one task");
	return json_member_texts(place, run_texts, COUNT(run_texts), run);
}

/* Only the first: there is one task that can fail. */
static bool
read_failure(const struct json_place *place, void *arg)
{
	struct ecs_run *run = arg;

	return run->failure[0] != '\0' ||
	       json_member_texts(place, failure_texts, COUNT(failure_texts),
				 run);
}

bool
ecs_read_run(struct ecs_run *run, const char *body, size_t size,
	     struct err *err)
{
	struct json_place answer;
	bool ok;

	*run = (struct ecs_run){0};
	if (!ecs_answer_open(&answer, body, size, err))
		return false;
	ok = json_member_each(&answer, "tasks", false, "tasks[]", read_run,
			      run) &&
	     (run->arn[0] != '\0' ||
	      json_member_each(&answer, "failures", false, "failures[]",
			       read_failure, run));
	if (ok && run->arn[0] == '\0' && run->failure[0] == '\0')
		ok = err_set(err, "AWS ran no task and does not say why");
	ecs_answer_drop(&answer);
	return ok;
}

static bool
read_resource(const struct json_place *place, void *arg)
{
	char *first = arg;
	const char *arn;

	if (!json_own_text(place, &arn) || strlen(arn) >= REF_SIZE)
		return false;
	if (first[0] == '\0')
		memcpy(first, arn, strlen(arn) + 1);
	return true;
}

bool
ecs_read_conflict(char arn[REF_SIZE], const char *body, size_t size)
{
	struct json_place answer;
	struct err err;
	bool ok;

	arn[0] = '\0';
	if (!ecs_answer_open(&answer, body, size, &err))
		return false;
	ok = json_member_each(&answer, "resourceIds", true, "resourceIds[]",
			      read_resource, arn);
	ecs_answer_drop(&answer);
	return ok && arn[0] != '\0';
}
