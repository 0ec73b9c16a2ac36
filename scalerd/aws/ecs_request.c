/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_request.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/facts.h"
#include "scalerd/aws/marks.h"

enum {
	PAGE_MAX = 100,
	MACHINE_SIZE = FACTS_ID_SIZE + 3, /* quoted, with a comma */
	FILTER_SIZE = 32 + ECS_LIST_HOSTS_MAX * MACHINE_SIZE,
	STARTED_BY_SIZE = 300,
};

/* A request in the making. */
struct request {
	struct json_object *root;
	bool failed; /* out of memory */
};

/* Gives `value` to an array (without a name) or to an object. Returns it, or
 * NULL: out of memory. */
static struct json_object *
put(struct request *request, struct json_object *into, const char *name,
    struct json_object *value)
{
	bool ok = into && value;

	if (ok && name)
		ok = json_object_object_add(into, name, value) == 0;
	else if (ok)
		ok = json_object_array_add(into, value) == 0;
	if (ok)
		return value;
	json_object_put(value);
	request->failed = true;
	return NULL;
}

static void
put_text(struct request *request, struct json_object *into, const char *name,
	 const char *text)
{
	put(request, into, name, json_object_new_string(text));
}

static void
put_number(struct request *request, const char *name, int number)
{
	put(request, request->root, name, json_object_new_int(number));
}

static struct json_object *
put_object(struct request *request, struct json_object *into, const char *name)
{
	return put(request, into, name, json_object_new_object());
}

static struct json_object *
put_array(struct request *request, struct json_object *into, const char *name)
{
	return put(request, into, name, json_object_new_array());
}

static void
put_texts(struct request *request, const char *name, const char *const *text,
	  size_t n)
{
	struct json_object *array = put_array(request, request->root, name);

	for (size_t i = 0; i < n; i++)
		put_text(request, array, NULL, text[i]);
}

/* The parts of a text with commas. */
static void
put_list(struct request *request, struct json_object *into, const char *name,
	 const char *list)
{
	struct json_object *array = put_array(request, into, name);

	while (*list != '\0') {
		const size_t len = strcspn(list, ",");

		put(request, array, NULL,
		    json_object_new_string_len(list, (int)len));
		list += len + (list[len] == ',');
	}
}

/* {"<name_of_name>": name, "value": value}: a tag, a variable. */
static void
put_pair(struct request *request, struct json_object *array,
	 const char *name_of_name, const char *name, const char *value)
{
	struct json_object *pair = put_object(request, array, NULL);

	put_text(request, pair, name_of_name, name);
	put_text(request, pair, "value", value);
}

static struct request
begin(void)
{
	struct request request = {.root = json_object_new_object()};

	request.failed = !request.root;
	return request;
}

static struct request
begin_in(const char *cluster)
{
	struct request request = begin();

	put_text(&request, request.root, "cluster", cluster);
	return request;
}

static char *
finish(struct request *request)
{
	const char *text = NULL;
	char *copy = NULL;

	if (!request->failed)
		text = json_object_to_json_string_ext(
		    request->root,
		    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		copy = strdup(text);
	json_object_put(request->root);
	return copy;
}

static void
put_page(struct request *request, const char *page)
{
	put_number(request, "maxResults", PAGE_MAX);
	if (page)
		put_text(request, request->root, "nextToken", page);
}

char *
ecs_list_tasks(const struct ecs_list_tasks *list)
{
	struct request request = begin_in(list->cluster);

	assert(!!list->family + !!list->started_by + !!list->host == 1);
	if (list->family)
		put_text(&request, request.root, "family", list->family);
	if (list->started_by)
		put_text(&request, request.root, "startedBy", list->started_by);
	if (list->host)
		put_text(&request, request.root, "containerInstance",
			 list->host);
	/* desiredStatus would be a second filter. RUNNING is what it is when
	 * nobody says. */
	put_page(&request, list->page);
	return finish(&request);
}

char *
ecs_describe_tasks(const char *cluster, const char *const *arn, size_t n)
{
	static const char *const include[] = {"TAGS"};
	struct request request = begin_in(cluster);

	assert(n > 0 && n <= ECS_DESCRIBE_MAX);
	put_texts(&request, "tasks", arn, n);
	put_texts(&request, "include", include, 1);
	return finish(&request);
}

/* The cluster query language: ec2InstanceId in ['i-1','i-2'] */
static void
write_machines(char filter[FILTER_SIZE], const char *const *machine, size_t n)
{
	size_t used =
	    (size_t)snprintf(filter, FILTER_SIZE, "ec2InstanceId in [");

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(filter + used, FILTER_SIZE - used,
					 "%s'%.*s'", i > 0 ? "," : "",
					 FACTS_ID_SIZE - 1, machine[i]);
	snprintf(filter + used, FILTER_SIZE - used, "]");
}

char *
ecs_list_hosts(const char *cluster, const char *const *machine, size_t n,
	       const char *page)
{
	struct request request = begin_in(cluster);
	char filter[FILTER_SIZE];

	assert(n > 0 && n <= ECS_LIST_HOSTS_MAX);
	write_machines(filter, machine, n);
	put_text(&request, request.root, "filter", filter);
	put_page(&request, page);
	return finish(&request);
}

char *
ecs_describe_hosts(const char *cluster, const char *const *arn, size_t n)
{
	struct request request = begin_in(cluster);

	assert(n > 0 && n <= ECS_DESCRIBE_MAX);
	put_texts(&request, "containerInstances", arn, n);
	return finish(&request);
}

char *
ecs_drain_host(const char *cluster, const char *arn)
{
	struct request request = begin_in(cluster);

	put_texts(&request, "containerInstances", &arn, 1);
	put_text(&request, request.root, "status", "DRAINING");
	return finish(&request);
}

char *
ecs_describe_task_definition(const char *name)
{
	struct request request = begin();

	put_text(&request, request.root, "taskDefinition", name);
	return finish(&request);
}

static void
put_overrides(struct request *request, const struct ecs_run_task *run)
{
	struct json_object *overrides =
	    put_object(request, request->root, "overrides");
	struct json_object *container = put_object(
	    request, put_array(request, overrides, "containerOverrides"), NULL);
	struct json_object *environment;

	put_text(request, container, "name", run->container);
	environment = put_array(request, container, "environment");
	put_pair(request, environment, "name", "GAMESERVER_OPERATION",
		 run->operation);
	put_pair(request, environment, "name", "GAMESERVER_FLEET", run->fleet);
}

static void
put_marks(struct request *request, const struct ecs_run_task *run)
{
	char started_by[STARTED_BY_SIZE];
	struct json_object *tags;

	snprintf(started_by, sizeof(started_by), MARKS_STARTED_BY "%s",
		 run->fleet);
	put_text(request, request->root, "startedBy", started_by);
	tags = put_array(request, request->root, "tags");
	put_pair(request, tags, "key", MARKS_FLEET_TAG, run->fleet);
	put_pair(request, tags, "key", MARKS_OPERATION_TAG, run->operation);
	put(request, request->root, "enableECSManagedTags",
	    json_object_new_boolean(1));
}

/* On that machine and on none where a task of this definition runs. */
static void
put_machine(struct request *request, const struct ecs_run_task *run)
{
	char expression[FILTER_SIZE];
	struct json_object *array, *constraint;

	write_machines(expression, &run->machine, 1);
	put_text(request, request->root, "launchType", "EC2");
	array = put_array(request, request->root, "placementConstraints");
	put_text(request, put_object(request, array, NULL), "type",
		 "distinctInstance");
	constraint = put_object(request, array, NULL);
	put_text(request, constraint, "type", "memberOf");
	put_text(request, constraint, "expression", expression);
}

static void
put_network(struct request *request, const struct ecs_run_task *run)
{
	struct json_object *network, *vpc;

	put_text(request, request->root, "launchType", "FARGATE");
	network = put_object(request, request->root, "networkConfiguration");
	vpc = put_object(request, network, "awsvpcConfiguration");
	put_list(request, vpc, "subnets", run->subnets);
	if (run->security_groups[0] != '\0')
		put_list(request, vpc, "securityGroups", run->security_groups);
	put_text(request, vpc, "assignPublicIp",
		 run->public_ip ? "ENABLED" : "DISABLED");
}

char *
ecs_run_task(const struct ecs_run_task *run)
{
	struct request request = begin_in(run->cluster);

	put_text(&request, request.root, "taskDefinition",
		 run->task_definition);
	put_number(&request, "count", 1);
	put_text(&request, request.root, "clientToken", run->token);
	if (run->machine)
		put_machine(&request, run);
	else
		put_network(&request, run);
	put_overrides(&request, run);
	put_marks(&request, run);
	return finish(&request);
}

char *
ecs_stop_task(const char *cluster, const char *arn, const char *reason)
{
	struct request request = begin_in(cluster);

	put_text(&request, request.root, "task", arn);
	put_text(&request, request.root, "reason", reason);
	return finish(&request);
}
