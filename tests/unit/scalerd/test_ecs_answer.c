/* SPDX-License-Identifier: MIT */
/* What ECS answers beside its tasks: lists, hosts, task definitions, what was
 * run; and any answer of it, cut or damaged. */
#include "tests/unit/scalerd/ecs_answers.h"

static bool
task_names(struct facts *facts, const char *body, size_t size, struct err *err)
{
	char page[ECS_PAGE_SIZE];

	return ecs_read_task_list(facts, body, size, page, err);
}

static bool
host_names(struct facts *facts, const char *body, size_t size, struct err *err)
{
	char page[ECS_PAGE_SIZE];

	return ecs_read_host_list(facts, body, size, page, err);
}

static bool
definition(struct facts *facts, const char *body, size_t size, struct err *err)
{
	struct ecs_task_definition d;

	(void)facts;
	return ecs_read_task_definition(&d, body, size, err);
}

static bool
run(struct facts *facts, const char *body, size_t size, struct err *err)
{
	struct ecs_run r;

	(void)facts;
	return ecs_read_run(&r, body, size, err);
}

static void
listed_tasks_and_hosts_are_named(void **state)
{
	char page[ECS_PAGE_SIZE];
	struct err err;
	static const char hosts[] =
	    "{\"containerInstanceArns\":[\"" HOST "\"]}";

	assert_true(ecs_read_task_list(*state, task_list, sizeof(task_list) - 1,
				       page, &err));
	assert_string_equal(page, "p+/=2");
	assert_int_equal(facts_count(*state, FACTS_TASK), 2);
	assert_string_equal(facts_name(*state, FACTS_TASK, 1), TASK "2");
	assert_int_equal(facts_known(*state, FACTS_TASK, 1), FACTS_NAMED);
	assert_true(
	    ecs_read_host_list(*state, hosts, sizeof(hosts) - 1, page, &err));
	assert_string_equal(page, "");
	assert_string_equal(facts_name(*state, FACTS_HOST, 0), HOST);
}

static void
a_malformed_list_is_refused(void **state)
{
	static const struct bad bad[] = {
	    {"{}", "the answer.taskArns is missing"},
	    {"{\"taskArns\":\"a\"}", "taskArns is not a list"},
	    {"{\"taskArns\":[1]}", "taskArns is not a text"},
	    {"{\"taskArns\":[null]}", "taskArns is not a text"},
	    {"{\"taskArns\":[\"\"]}", "taskArns is empty"},
	    {"{\"taskArns\":[],\"nextToken\":1}", "nextToken is not a text"},
	};
	static const struct bad host[] = {
	    {"{\"taskArns\":[]}", "containerInstanceArns is missing"},
	};
	char body[ECS_PAGE_SIZE + 64], text[ECS_PAGE_SIZE + 1];
	const struct bad too_long[] = {{body, ""}};

	assert_all_malformed(task_names, *state, bad, COUNT(bad));
	assert_all_malformed(host_names, *state, host, COUNT(host));
	memset(text, 'x', sizeof(text));
	snprintf(body, sizeof(body), "{\"taskArns\":[],\"nextToken\":\"%.*s\"}",
		 ECS_PAGE_SIZE - 1, text);
	assert_reads(task_names, *state, body);
	snprintf(body, sizeof(body), "{\"taskArns\":[],\"nextToken\":\"%.*s\"}",
		 ECS_PAGE_SIZE, text);
	assert_all_malformed(task_names, *state, too_long, 1);
	snprintf(body, sizeof(body), "{\"taskArns\":[\"%.*s\"]}", REF_SIZE,
		 text);
	assert_all_malformed(task_names, *state, too_long, 1);
}

static void
a_host_is_read_and_its_machine_named(void **state)
{
	const struct facts_host *host;

	assert_reads(ecs_read_hosts, *state, host_answer);
	host = facts_find_host(*state, HOST);
	assert_non_null(host);
	assert_string_equal(host->machine, "i-1234567890abcdef0");
	assert_string_equal(host->status, "DRAINING");
	assert_true(host->connected);
	assert_int_equal(host->tasks, 3);
	assert_int_equal(facts_count(*state, FACTS_MACHINE), 1);
	assert_int_equal(facts_known(*state, FACTS_MACHINE, 0), FACTS_NAMED);
	assert_int_equal(facts_host(*state, HOST "2")->known, FACTS_MISSING);
}

#define HOSTS(members)                                                         \
	"{\"containerInstances\":[{\"containerInstanceArn\":\"a\","            \
	"\"status\":\"ACTIVE\"," members "}]}"

static void
a_malformed_description_of_hosts_is_refused(void **state)
{
	static const struct bad bad[] = {
	    {"{}", "containerInstances is missing"},
	    {HOSTS("\"x\":1"), "agentConnected is missing"},
	    {HOSTS("\"agentConnected\":1"),
	     "agentConnected is not true or false"},
	    {HOSTS("\"agentConnected\":true"), "runningTasksCount is missing"},
	    {HOSTS("\"agentConnected\":true,\"runningTasksCount\":-1"),
	     "runningTasksCount is -1"},
	    {HOSTS("\"agentConnected\":true,\"runningTasksCount\":1"),
	     "pendingTasksCount is missing"},
	    {HOSTS("\"ec2InstanceId\":\"i-0123456789abcdef0123456789abcd\""),
	     "ec2InstanceId is longer than 31 bytes"},
	};

	assert_all_malformed(ecs_read_hosts, *state, bad, COUNT(bad));
}

static void
a_task_definition_is_read_with_its_tcp_ports(void **state)
{
	struct ecs_task_definition d;
	struct err err;

	(void)state;
	assert_true(ecs_read_task_definition(
	    &d, definition_answer, sizeof(definition_answer) - 1, &err));
	assert_string_equal(d.arn, FAMILY);
	assert_string_equal(d.network_mode, "bridge");
	assert_int_equal(d.ncontainer, 2);
	assert_string_equal(d.container[0].name, "game");
	assert_int_equal(d.container[0].nport, 2);
	assert_int_equal(d.container[0].port[0], 27015);
	assert_int_equal(d.container[0].port[1], 8080);
	assert_string_equal(d.container[1].name, "log");
	assert_int_equal(d.container[1].nport, 0);
}

#define DEFINITION(containers)                                                 \
	"{\"taskDefinition\":{\"taskDefinitionArn\":\"a\","                    \
	"\"containerDefinitions\":[" containers "]}}"
#define FOUR(x) x "," x "," x "," x

static void
a_malformed_task_definition_is_refused(void **state)
{
	static const struct bad bad[] = {
	    {"{}", "the answer.taskDefinition is missing"},
	    {"{\"taskDefinition\":[]}", "taskDefinition is not an object"},
	    {"{\"taskDefinition\":{}}", "taskDefinitionArn is missing"},
	    {"{\"taskDefinition\":{\"taskDefinitionArn\":\"a\"}}",
	     "containerDefinitions is missing"},
	    {DEFINITION("{}"), "containerDefinitions[].name is missing"},
	    {DEFINITION("{\"name\":\"g\",\"portMappings\":[{}]}"),
	     "portMappings[].containerPort is missing"},
	    {DEFINITION("{\"name\":\"g\",\"portMappings\":["
			"{\"containerPort\":65536}]}"),
	     "containerPort is 65536"},
	    {DEFINITION(FOUR(FOUR("{\"name\":\"g\"}")) ",{\"name\":\"g\"}"),
	     "more than 16 containers"},
	    {DEFINITION("{\"name\":\"g\",\"portMappings\":[" FOUR(
		 FOUR("{\"containerPort\":1}")) ",{\"containerPort\":1}]}"),
	     "more than 16 tcp ports"},
	};

	assert_all_malformed(definition, *state, bad, COUNT(bad));
}

static void
a_task_that_ran_is_read_with_its_host(void **state)
{
	struct ecs_run r;
	struct err err;

	(void)state;
	assert_true(ecs_read_run(&r, run_answer, sizeof(run_answer) - 1, &err));
	assert_string_equal(r.arn, TASK);
	assert_string_equal(r.host, HOST);
	assert_string_equal(r.failure, "");
}

static void
a_task_that_did_not_run_is_read_with_the_first_reason(void **state)
{
	static const char body[] =
	    "{\"tasks\":[],\"failures\":[{\"arn\":\"" HOST
	    "\",\"reason\":\"RESOURCE:MEMORY\"},{\"reason\":\"AGENT\"}]}";
	struct ecs_run r;
	struct err err;

	(void)state;
	assert_true(ecs_read_run(&r, body, sizeof(body) - 1, &err));
	assert_string_equal(r.arn, "");
	assert_string_equal(r.failure, "RESOURCE:MEMORY");
}

static void
a_run_without_task_or_reason_is_refused(void **state)
{
	static const struct bad bad[] = {
	    {"{}", "does not say why"},
	    {"{\"tasks\":[],\"failures\":[]}", "does not say why"},
	    {"{\"tasks\":[{}]}", "tasks[].taskArn is missing"},
	    {"{\"tasks\":[{\"taskArn\":\"a\"},{\"taskArn\":\"b\"}]}",
	     "more than one task"},
	    {"{\"failures\":[{}]}", "failures[].reason is missing"},
	};

	assert_all_malformed(run, *state, bad, COUNT(bad));
}

static void
a_conflict_names_the_task_that_there_is(void **state)
{
	static const char body[] =
	    "{\"__type\":\"ConflictException\",\"message\":\"x\","
	    "\"resourceIds\":[\"" TASK "\",\"" TASK "2\"]}";
	static const char *const none[] = {
	    "",
	    "{}",
	    "{\"resourceIds\":[]}",
	    "{\"resourceIds\":[1]}",
	    "{\"resourceIds\":\"a\"}",
	};
	char arn[REF_SIZE];

	(void)state;
	assert_true(ecs_read_conflict(arn, body, sizeof(body) - 1));
	assert_string_equal(arn, TASK);
	for (size_t i = 0; i < COUNT(none); i++)
		assert_false(ecs_read_conflict(arn, none[i], strlen(none[i])));
}

static const struct good good[] = {
    {ecs_read_tasks, task_answer},   {ecs_read_hosts, host_answer},
    {definition, definition_answer}, {run, run_answer},
    {task_names, task_list},
};

static void
an_answer_cut_at_any_byte_is_refused(void **state)
{
	assert_refused_when_cut(*state, good, COUNT(good), '}');
}

static void
a_damaged_answer_is_read_or_refused_with_a_reason(void **state)
{
	assert_survives_damage(*state, good, COUNT(good));
}

UNIT_MAIN(FACTS_TEST(listed_tasks_and_hosts_are_named),
	  FACTS_TEST(a_malformed_list_is_refused),
	  FACTS_TEST(a_host_is_read_and_its_machine_named),
	  FACTS_TEST(a_malformed_description_of_hosts_is_refused),
	  FACTS_TEST(a_task_definition_is_read_with_its_tcp_ports),
	  FACTS_TEST(a_malformed_task_definition_is_refused),
	  FACTS_TEST(a_task_that_ran_is_read_with_its_host),
	  FACTS_TEST(a_task_that_did_not_run_is_read_with_the_first_reason),
	  FACTS_TEST(a_run_without_task_or_reason_is_refused),
	  FACTS_TEST(a_conflict_names_the_task_that_there_is),
	  FACTS_TEST(an_answer_cut_at_any_byte_is_refused),
	  FACTS_TEST(a_damaged_answer_is_read_or_refused_with_a_reason))
