/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_answer.h"

#include <json-c/json.h>
#include <string.h>

#include "scalerd/aws/ecs_answer_private.h"
#include "scalerd/edge/strict_json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { DEPTH_MAX = 32 };

bool
ecs_answer_open(struct json_place *place, const char *body, size_t size,
		struct err *err)
{
	*place = (struct json_place){
	    .value = strict_json_parse(body, size, DEPTH_MAX, err),
	    .where = "the answer",
	    .err = err,
	};
	return place->value != NULL;
}

void
ecs_answer_drop(struct json_place *place)
{
	json_object_put(place->value);
}

struct facts_task *
ecs_answer_task(struct facts *facts, const char *arn, struct err *err)
{
	struct facts_task *task = facts_task(facts, arn);

	if (!task)
		err_set(err, "no room for task %.400s", arn);
	return task;
}

struct facts_host *
ecs_answer_host(struct facts *facts, const char *arn, struct err *err)
{
	struct facts_host *host = facts_host(facts, arn);

	if (!host)
		err_set(err, "no room for container instance %.400s", arn);
	return host;
}

static bool
read_task_arn(const struct json_place *place, void *facts)
{
	const char *arn;

	return json_own_text(place, &arn) &&
	       ecs_answer_task(facts, arn, place->err);
}

static bool
read_host_arn(const struct json_place *place, void *facts)
{
	const char *arn;

	return json_own_text(place, &arn) &&
	       ecs_answer_host(facts, arn, place->err);
}

/* A page of names. */
static bool
read_list(struct facts *facts, const char *name, json_each_fn *each,
	  const char *body, size_t size, char page[ECS_PAGE_SIZE],
	  struct err *err)
{
	static const struct json_text next = {.name = "nextToken",
					      .size = ECS_PAGE_SIZE};
	struct json_place answer;
	bool ok;

	if (!ecs_answer_open(&answer, body, size, err))
		return false;
	ok = json_member_each(&answer, name, true, name, each, facts) &&
	     json_member_texts(&answer, &next, 1, page);
	ecs_answer_drop(&answer);
	return ok;
}

bool
ecs_read_task_list(struct facts *facts, const char *body, size_t size,
		   char page[ECS_PAGE_SIZE], struct err *err)
{
	return read_list(facts, "taskArns", read_task_arn, body, size, page,
			 err);
}

bool
ecs_read_host_list(struct facts *facts, const char *body, size_t size,
		   char page[ECS_PAGE_SIZE], struct err *err)
{
	return read_list(facts, "containerInstanceArns", read_host_arn, body,
			 size, page, err);
}

struct failures {
	struct facts *facts;
	enum facts_kind kind;
};

static bool
note_missing(const struct failures *failures, const char *arn, struct err *err)
{
	struct facts_task *task;
	struct facts_host *host;

	if (failures->kind == FACTS_TASK) {
		task = ecs_answer_task(failures->facts, arn, err);
		if (task)
			task->known = FACTS_MISSING;
		return task != NULL;
	}
	host = ecs_answer_host(failures->facts, arn, err);
	if (host)
		host->known = FACTS_MISSING;
	return host != NULL;
}

static bool
read_failure(const struct json_place *place, void *arg)
{
	const char *reason, *arn;

	if (!json_member_text(place, "reason", true, &reason) ||
	    !json_member_text(place, "arn", true, &arn))
		return false;
	if (strcmp(reason, "MISSING") != 0)
		return err_set(place->err, "AWS does not describe %.400s: %s",
			       arn, reason);
	return note_missing(arg, arn, place->err);
}

bool
ecs_answer_failures(const struct json_place *place, struct facts *facts,
		    enum facts_kind kind)
{
	struct failures failures = {.facts = facts, .kind = kind};

	return json_member_each(place, "failures", false, "failures[]",
				read_failure, &failures);
}

static const struct json_text host_texts[] = {
    ECS_TEXT("containerInstanceArn", facts_host, arn, true),
    ECS_TEXT("ec2InstanceId", facts_host, machine, false),
    ECS_TEXT("status", facts_host, status, true),
};

static bool
read_host(const struct json_place *place, void *facts)
{
	struct facts_host seen = {.known = FACTS_SEEN};
	struct facts_host *host;
	int64_t running = 0, pending = 0;

	if (!json_member_texts(place, host_texts, COUNT(host_texts), &seen) ||
	    !json_member_truth(place, "agentConnected", &seen.connected) ||
	    !json_member_integer(place, "runningTasksCount", true, 0, INT32_MAX,
				 &running) ||
	    !json_member_integer(place, "pendingTasksCount", true, 0, INT32_MAX,
				 &pending))
		return false;
	seen.tasks = running + pending;
	host = ecs_answer_host(facts, seen.arn, place->err);
	if (!host)
		return false;
	*host = seen;
	if (seen.machine[0] != '\0' && !facts_machine(facts, seen.machine))
		return err_set(place->err, "no room for machine %s",
			       seen.machine);
	return true;
}

bool
ecs_read_hosts(struct facts *facts, const char *body, size_t size,
	       struct err *err)
{
	struct json_place answer;
	bool ok;

	if (!ecs_answer_open(&answer, body, size, err))
		return false;
	ok = json_member_each(&answer, "containerInstances", true,
			      "containerInstances[]", read_host, facts) &&
	     ecs_answer_failures(&answer, facts, FACTS_HOST);
	ecs_answer_drop(&answer);
	return ok;
}
