/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_answer.h"

#include <stdio.h>
#include <string.h>

#include "scalerd/aws/ecs_answer_private.h"
#include "scalerd/aws/marks.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { ENDED_SIZE = 96 };

/* What a task's members are read into beside the task itself. */
struct reading {
	struct facts_task task;
	char definition[REF_SIZE]; /* its task definition's ARN */
	char desired[FACTS_WORD_SIZE];
	char container[FACTS_NAME_SIZE]; /* the one that is read */
	char ended[ENDED_SIZE]; /* why the first container did; may be cut */
};

static const struct json_text task_texts[] = {
    ECS_TEXT("taskArn", reading, task.arn, true),
    ECS_TEXT("lastStatus", reading, task.last, true),
    ECS_TEXT("desiredStatus", reading, desired, true),
    ECS_TEXT("taskDefinitionArn", reading, definition, true),
    ECS_TEXT("stopCode", reading, task.stop_code, false),
    ECS_TEXT("containerInstanceArn", reading, task.host, false),
    ECS_TEXT("startedBy", reading, task.started_by, false),
};

static const struct json_text container_texts[] = {
    ECS_TEXT("name", reading, container, true),
};

static const struct json_text eni_texts[] = {
    ECS_TEXT("value", reading, task.eni, false),
};

/* arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION */
static bool
read_family(struct reading *r, struct err *err)
{
	static const char before[] = ":task-definition/";
	const char *family = strstr(r->definition, before);
	const char *colon = strrchr(r->definition, ':');
	size_t len;

	if (!family || colon <= family + strlen(before))
		return err_set(err,
			       "tasks[].taskDefinitionArn is %s, not an ARN "
			       "with :task-definition/FAMILY:REVISION",
			       r->definition);
	family += strlen(before);
	len = (size_t)(colon - family);
	if (len >= sizeof(r->task.family))
		return err_set(err, "the family of tasks[].taskDefinitionArn "
				    "is too long");
	memcpy(r->task.family, family, len);
	return true;
}

static bool
read_protocol(const struct json_place *place, bool *tcp)
{
	const char *protocol;

	if (!json_member_text(place, "protocol", false, &protocol))
		return false;
	*tcp = *protocol == '\0' || strcmp(protocol, "tcp") == 0;
	if (!*tcp && strcmp(protocol, "udp") != 0)
		return err_set(place->err, "%s.protocol is neither tcp nor udp",
			       place->where);
	return true;
}

static bool
read_binding(const struct json_place *place, void *arg)
{
	struct reading *r = arg;
	struct facts_binding *binding;
	const char *range, *ip;
	int64_t container_port = 0, host_port = 0;

	/* Of a whole range of ports there is no single one to tell. */
	if (!json_member_text(place, "containerPortRange", false, &range) ||
	    !json_member_text(place, "bindIP", false, &ip))
		return false;
	if (*range != '\0')
		return true;
	if (r->task.nbinding == FACTS_BINDINGS_MAX)
		return err_set(place->err, "task %s has more than %d bindings",
			       r->task.arn, FACTS_BINDINGS_MAX);
	binding = &r->task.binding[r->task.nbinding++];
	if (!json_member_integer(place, "containerPort", true, 1, ECS_PORT_MAX,
				 &container_port) ||
	    !json_member_integer(place, "hostPort", true, 1, ECS_PORT_MAX,
				 &host_port))
		return false;
	memcpy(binding->container, r->container, sizeof(r->container));
	binding->container_port = (int)container_port;
	binding->host_port = (int)host_port;
	binding->ipv6 = strchr(ip, ':') != NULL;
	return read_protocol(place, &binding->tcp);
}

/* "game: exit code 137, OutOfMemoryError: ..." */
static bool
read_end(const struct json_place *place, struct reading *r)
{
	const char *reason;
	int64_t code = 0;
	char exit_code[32] = "";

	if (!json_member_text(place, "reason", false, &reason) ||
	    !json_member_integer(place, "exitCode", false, INT32_MIN, INT32_MAX,
				 &code))
		return false;
	if (r->ended[0] != '\0' || (*reason == '\0' && code == 0))
		return true;
	if (code != 0)
		snprintf(exit_code, sizeof(exit_code), "exit code %d",
			 (int)code);
	snprintf(r->ended, sizeof(r->ended), "%.60s: %s%s%s", r->container,
		 exit_code, code != 0 && *reason != '\0' ? ", " : "", reason);
	return true;
}

static bool
read_container(const struct json_place *place, void *arg)
{
	struct reading *r = arg;

	return json_member_texts(place, container_texts, COUNT(container_texts),
				 r) &&
	       read_end(place, r) &&
	       json_member_each(place, "networkBindings", false,
				"tasks[].containers[].networkBindings[]",
				read_binding, r);
}

static bool
read_detail(const struct json_place *place, void *arg)
{
	struct reading *r = arg;
	const char *name;

	if (!json_member_text(place, "name", true, &name))
		return false;
	if (strcmp(name, "networkInterfaceId") != 0 || r->task.eni[0] != '\0')
		return true;
	return json_member_texts(place, eni_texts, COUNT(eni_texts), r);
}

static bool
read_attachment(const struct json_place *place, void *arg)
{
	const char *type;

	if (!json_member_text(place, "type", true, &type))
		return false;
	if (strcmp(type, "ElasticNetworkInterface") != 0)
		return true;
	return json_member_each(place, "details", false,
				"tasks[].attachments[].details[]", read_detail,
				arg);
}

static bool
read_tag(const struct json_place *place, void *arg)
{
	struct reading *r = arg;
	const char *key, *value;

	if (!json_member_text(place, "key", true, &key) ||
	    !json_member_text(place, "value", false, &value))
		return false;
	marks_take(key, value, r->task.fleet, r->task.mark);
	return true;
}

/* After the containers. */
static bool
read_reason(const struct json_place *place, struct reading *r)
{
	const char *stopped;
	bool both;

	if (!json_member_text(place, "stoppedReason", false, &stopped))
		return false;
	both = *stopped != '\0' && r->ended[0] != '\0';
	snprintf(r->task.reason, sizeof(r->task.reason), "%s%s%s%s", stopped,
		 both ? " (" : "", r->ended, both ? ")" : "");
	return true;
}

static bool
read_members(const struct json_place *place, struct reading *r)
{
	return json_member_texts(place, task_texts, COUNT(task_texts), r) &&
	       read_family(r, place->err) &&
	       json_member_each(place, "containers", false,
				"tasks[].containers[]", read_container, r) &&
	       read_reason(place, r) &&
	       json_member_each(place, "attachments", false,
				"tasks[].attachments[]", read_attachment, r) &&
	       json_member_each(place, "tags", false, "tasks[].tags[]",
				read_tag, r);
}

/* What the task runs on is to be described too. */
static bool
name_others(struct facts *facts, const struct facts_task *task, struct err *err)
{
	if (task->host[0] != '\0' && !ecs_answer_host(facts, task->host, err))
		return false;
	return task->eni[0] == '\0' || facts_eni(facts, task->eni) ||
	       err_set(err, "out of memory");
}

static bool
read_task(const struct json_place *place, void *arg)
{
	struct reading r = {0};
	struct facts_task *task;

	if (!read_members(place, &r))
		return false;
	r.task.to_stop = strcmp(r.desired, "STOPPED") == 0;
	r.task.known = FACTS_SEEN;
	task = ecs_answer_task(arg, r.task.arn, place->err);
	if (!task)
		return false;
	*task = r.task;
	return name_others(arg, &r.task, place->err);
}

bool
ecs_read_tasks(struct facts *facts, const char *body, size_t size,
	       struct err *err)
{
	struct json_place answer;
	bool ok;

	if (!ecs_answer_open(&answer, body, size, err))
		return false;
	ok = json_member_each(&answer, "tasks", true, "tasks[]", read_task,
			      facts) &&
	     ecs_answer_failures(&answer, facts, FACTS_TASK);
	ecs_answer_drop(&answer);
	return ok;
}
