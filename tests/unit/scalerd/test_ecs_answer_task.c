/* SPDX-License-Identifier: MIT */
/* Tasks, as DescribeTasks tells of them. */
#include "tests/unit/scalerd/ecs_answers.h"

static void
a_task_is_read_with_its_marks(void **state)
{
	const struct facts_task *task;

	assert_reads(ecs_read_tasks, *state, task_answer);
	task = facts_find_task(*state, TASK);
	assert_non_null(task);
	assert_string_equal(task->family, "game");
	assert_string_equal(task->last, "RUNNING");
	assert_false(task->to_stop);
	assert_string_equal(task->stop_code, "");
	assert_string_equal(task->reason, "");
	assert_string_equal(task->host, HOST);
	assert_string_equal(task->started_by, "gsm/blitz");
	assert_string_equal(task->fleet, "blitz");
	assert_string_equal(task->mark, OPERATION);
	assert_string_equal(task->eni, "eni-0f62d866");
}

static void
assert_binding(const struct facts_binding *binding, const char *container,
	       int container_port, int host_port, bool tcp)
{
	assert_string_equal(binding->container, container);
	assert_int_equal(binding->container_port, container_port);
	assert_int_equal(binding->host_port, host_port);
	assert_int_equal(binding->tcp, tcp);
}

static void
a_tasks_host_and_network_interface_are_named(void **state)
{
	assert_reads(ecs_read_tasks, *state, task_answer);
	assert_int_equal(facts_count(*state, FACTS_HOST), 1);
	assert_string_equal(facts_host_at(*state, 0)->arn, HOST);
	assert_int_equal(facts_known(*state, FACTS_HOST, 0), FACTS_NAMED);
	assert_int_equal(facts_count(*state, FACTS_ENI), 1);
	assert_string_equal(facts_name(*state, FACTS_ENI, 0), "eni-0f62d866");
}

static void
a_binding_without_a_protocol_is_tcp(void **state)
{
	assert_reads(ecs_read_tasks, *state, BOUND(BINDING("1", "2", "null")));
	assert_binding(&facts_find_task(*state, TASK)->binding[0], "game", 1, 2,
		       true);
}

static void
every_binding_of_a_single_port_is_kept(void **state)
{
	const struct facts_task *task;

	assert_reads(ecs_read_tasks, *state, task_answer);
	task = facts_find_task(*state, TASK);
	assert_non_null(task);
	assert_int_equal(task->nbinding, 4);
	assert_binding(&task->binding[0], "game", 27015, 32768, true);
	assert_binding(&task->binding[1], "game", 27015, 32769, true);
	assert_binding(&task->binding[2], "game", 27016, 32770, false);
	assert_binding(&task->binding[3], "sidecar", 80, 32771, true);
	assert_false(task->binding[0].ipv6);
	assert_true(task->binding[1].ipv6);
}

static void
a_task_that_is_described_again_is_what_it_is_now(void **state)
{
	const struct facts_task *task;

	assert_reads(ecs_read_tasks, *state, task_answer);
	assert_reads(ecs_read_tasks, *state, TASKS("{" CORE "}"));
	assert_int_equal(facts_count(*state, FACTS_TASK), 1);
	task = facts_find_task(*state, TASK);
	assert_int_equal(task->nbinding, 0);
	assert_string_equal(task->mark, "");
	assert_string_equal(task->host, "");
}

static void
assert_reason(struct facts *facts, const char *body, const char *reason)
{
	assert_reads(ecs_read_tasks, facts, body);
	assert_string_equal(facts_find_task(facts, TASK)->reason, reason);
}

#define STOPPED                                                                \
	"\"stoppedReason\":\"Essential container in task exited\","            \
	"\"stopCode\":\"EssentialContainerExited\""
#define CONTAINERS(containers) "\"containers\":[" containers "]"

static void
why_a_task_stopped_names_the_first_container_that_failed(void **state)
{
	assert_reason(
	    *state,
	    WITH(STOPPED "," CONTAINERS("{\"name\":\"log\",\"exitCode\":0},"
					"{\"name\":\"game\",\"exitCode\":1},"
					"{\"name\":\"other\",\"exitCode\":2}")),
	    "Essential container in task exited (game: exit code 1)");
	assert_string_equal(facts_find_task(*state, TASK)->stop_code,
			    "EssentialContainerExited");
	assert_reason(*state,
		      WITH(CONTAINERS("{\"name\":\"game\",\"exitCode\":137,"
				      "\"reason\":\"OutOfMemoryError\"}")),
		      "game: exit code 137, OutOfMemoryError");
	assert_reason(
	    *state,
	    WITH("\"stoppedReason\":\"Task failed to start\"," CONTAINERS(
		"{\"name\":\"game\",\"reason\":\"CannotPullContainer\"}")),
	    "Task failed to start (game: CannotPullContainer)");
	assert_reason(*state,
		      WITH(STOPPED "," CONTAINERS("{\"name\":\"game\"}")),
		      "Essential container in task exited");
}

static void
a_task_is_to_stop_when_its_desired_status_says_so(void **state)
{
	assert_reads(ecs_read_tasks, *state,
		     TASKS("{\"taskArn\":\"" TASK "\",\"lastStatus\":\"RUNNING"
			   "\",\"desiredStatus\":\"STOPPED\","
			   "\"taskDefinitionArn\":\"" FAMILY "\"}"));
	assert_true(facts_find_task(*state, TASK)->to_stop);
}

static void
a_task_that_aws_does_not_have_is_missing(void **state)
{
	facts_task(*state, TASK)->known = FACTS_ASKED;
	facts_task(*state, TASK "2")->known = FACTS_ASKED;
	assert_reads(ecs_read_tasks, *state,
		     "{\"tasks\":[],\"failures\":[{\"arn\":\"" TASK
		     "\",\"reason\":\"MISSING\"}]}");
	assert_int_equal(facts_known(*state, FACTS_TASK, 0), FACTS_MISSING);
	assert_int_equal(facts_known(*state, FACTS_TASK, 1), FACTS_ASKED);
}

static void
a_malformed_description_of_tasks_is_refused(void **state)
{
	static const struct bad bad[] = {
	    {"", "no JSON object"},
	    {"[]", "no JSON object"},
	    {TASKS("") "x", "no JSON"},
	    {"{\"failures\":[]}", "the answer.tasks is missing"},
	    {"{\"tasks\":null}", "the answer.tasks is missing"},
	    {"{\"tasks\":{}}", "the answer.tasks is not a list"},
	    {"{\"tasks\":[],\"failures\":{}}", "failures is not a list"},
	    {"{\"tasks\":[1]}", "tasks[] is not an object"},
	    {"{\"tasks\":[],\"tasks\":[]}", "a member twice"},
	    {WITH("\"x\":{\"y\":1,\"y\":2}"), "a member twice"},
	    {TASKS("{}"), "tasks[].taskArn is missing"},
	    {TASKS("{\"taskArn\":1}"), "tasks[].taskArn is not a text"},
	    {TASKS("{\"taskArn\":\"\"}"), "tasks[].taskArn is empty"},
	    {TASKS("{\"taskArn\":\"a\",\"lastStatus\":\"x\","
		   "\"desiredStatus\":\"x\",\"taskDefinitionArn\":\"game:7\"}"),
	     "not an ARN"},
	    {TASKS("{\"taskArn\":\"a\",\"lastStatus\":\"x\","
		   "\"desiredStatus\":\"x\",\"taskDefinitionArn\":"
		   "\"arn:aws:ecs:r:1:task-definition/game\"}"),
	     "not an ARN"},
	    {WITH("\"stopCode\":\"01234567890123456789012345678901\""),
	     "tasks[].stopCode is longer than 31 bytes"},
	    {WITH("\"startedBy\":true"), "tasks[].startedBy is not a text"},
	    {WITH("\"stoppedReason\":[]"), "stoppedReason is not a text"},
	    {WITH("\"containers\":[{}]"),
	     "tasks[].containers[].name is missing"},
	    {WITH(CONTAINERS("{\"name\":\"g\",\"exitCode\":\"1\"}")),
	     "exitCode is not an integer"},
	    {WITH(CONTAINERS("{\"name\":\"g\",\"exitCode\":2147483648}")),
	     "exitCode is 2147483648"},
	    {BOUND("{}"), "networkBindings[].containerPort is missing"},
	    {BOUND(BINDING("0", "1", "\"tcp\"")), "containerPort is 0"},
	    {BOUND(BINDING("1", "65536", "\"tcp\"")), "hostPort is 65536"},
	    {BOUND(BINDING("1", "-1", "\"tcp\"")), "hostPort is -1"},
	    {BOUND(BINDING("1", "1.0", "\"tcp\"")), "hostPort is not an int"},
	    {BOUND(BINDING("1", "\"1\"", "\"tcp\"")), "hostPort is not an int"},
	    {BOUND(BINDING("1", "1", "\"sctp\"")), "neither tcp nor udp"},
	    {BOUND(BINDING("1", "1", "5")), "protocol is not a text"},
	    {WITH("\"attachments\":[{}]"), "attachments[].type is missing"},
	    {WITH("\"attachments\":[{\"type\":\"ElasticNetworkInterface\","
		  "\"details\":[{}]}]"),
	     "tasks[].attachments[].details[].name is missing"},
	    {WITH("\"tags\":[{\"value\":\"x\"}]"), "tags[].key is missing"},
	    {"{\"tasks\":[],\"failures\":[{\"arn\":\"" TASK "\"}]}",
	     "failures[].reason is missing"},
	    {"{\"tasks\":[],\"failures\":[{\"reason\":\"MISSING\"}]}",
	     "failures[].arn is missing"},
	    {"{\"tasks\":[],\"failures\":[{\"arn\":\"" TASK
	     "\",\"reason\":\"ACCESS\"}]}",
	     "does not describe " TASK ": ACCESS"},
	};

	assert_all_malformed(ecs_read_tasks, *state, bad, COUNT(bad));
}

/* A task with that many bindings. */
static bool
reads_bindings(struct facts *facts, int n, struct err *err)
{
	char body[4096];
	size_t used = (size_t)snprintf(body, sizeof(body),
				       "{\"tasks\":[{" CORE
				       ",\"containers\":[{\"name\":\"game\","
				       "\"networkBindings\":[");

	for (int i = 1; i <= n; i++)
		used += (size_t)snprintf(body + used, sizeof(body) - used,
					 "%s" BINDING("%d", "%d", "\"udp\""),
					 i > 1 ? "," : "", i, i);
	used += (size_t)snprintf(body + used, sizeof(body) - used, "]}]}]}");
	return ecs_read_tasks(facts, body, used, err);
}

static void
more_bindings_than_there_may_be_are_refused(void **state)
{
	struct err err = {0};

	assert_true(reads_bindings(*state, FACTS_BINDINGS_MAX, &err));
	assert_int_equal(facts_find_task(*state, TASK)->nbinding,
			 FACTS_BINDINGS_MAX);
	assert_false(reads_bindings(*state, FACTS_BINDINGS_MAX + 1, &err));
	assert_non_null(strstr(err.msg, "more than 16 bindings"));
}

/* An answer that is nested as deep as that. */
static bool
reads_nested(struct facts *facts, int depth, struct err *err)
{
	char body[256];
	int used = snprintf(body, sizeof(body), "{\"tasks\":[],\"x\":");

	memset(body + used, '[', (size_t)depth - 1);
	used += depth - 1;
	memset(body + used, ']', (size_t)depth - 1);
	used += depth - 1;
	body[used++] = '}';
	return ecs_read_tasks(facts, body, (size_t)used, err);
}

static void
deep_nesting_is_refused(void **state)
{
	struct err err = {0};

	assert_true(reads_nested(*state, 32, &err));
	assert_false(reads_nested(*state, 33, &err));
	assert_string_equal(err.msg, "the answer is no JSON");
}

UNIT_MAIN(FACTS_TEST(a_task_is_read_with_its_marks),
	  FACTS_TEST(a_tasks_host_and_network_interface_are_named),
	  FACTS_TEST(a_binding_without_a_protocol_is_tcp),
	  FACTS_TEST(every_binding_of_a_single_port_is_kept),
	  FACTS_TEST(a_task_that_is_described_again_is_what_it_is_now),
	  FACTS_TEST(why_a_task_stopped_names_the_first_container_that_failed),
	  FACTS_TEST(a_task_is_to_stop_when_its_desired_status_says_so),
	  FACTS_TEST(a_task_that_aws_does_not_have_is_missing),
	  FACTS_TEST(a_malformed_description_of_tasks_is_refused),
	  FACTS_TEST(more_bindings_than_there_may_be_are_refused),
	  FACTS_TEST(deep_nesting_is_refused))
