/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/aws/ecs_answer.h"
#include "tests/unit/scalerd/damage.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ARN       "arn:aws:ecs:eu-west-1:123456789012:"
#define TASK      ARN "task/chess/0123456789abcdef0123456789abcdef"
#define HOST      ARN "container-instance/chess/00112233445566778899aabbccddeeff"
#define FAMILY    ARN "task-definition/game:7"
#define OPERATION "00112233445566778899aabbccddee01"

/* What every task has. */
#define CORE                                                                   \
	"\"taskArn\":\"" TASK "\",\"lastStatus\":\"RUNNING\","                 \
	"\"desiredStatus\":\"RUNNING\",\"taskDefinitionArn\":\"" FAMILY "\""
#define TASKS(tasks) "{\"tasks\":[" tasks "],\"failures\":[]}"
#define WITH(rest)   TASKS("{" CORE "," rest "}")
#define BINDING(c, h, p)                                                       \
	"{\"bindIP\":\"0.0.0.0\",\"containerPort\":" c ",\"hostPort\":" h      \
	",\"protocol\":" p "}"
#define BOUND(bindings)                                                        \
	WITH("\"containers\":[{\"name\":\"game\",\"networkBindings\":"         \
	     "[" bindings "]}]")
#define TAG_OF(k, v) "{\"key\":\"" k "\",\"value\":\"" v "\"}"

/* As the ECS API Reference shows it, shortened. */
static const char task_answer[] =
    "{\"failures\":[],\"tasks\":[{"
    "\"attachments\":[{\"id\":\"1\",\"type\":\"ElasticNetworkInterface\","
    "\"status\":\"ATTACHED\",\"details\":[{\"name\":\"subnetId\","
    "\"value\":\"subnet-1\"},{\"name\":\"networkInterfaceId\","
    "\"value\":\"eni-0f62d866\"}]},{\"type\":\"Service Connect\"}],"
    "\"attributes\":[{\"name\":\"ecs.cpu-architecture\",\"value\":\"x86_64\"}],"
    "\"clusterArn\":\"" ARN "cluster/chess\",\"connectivityAt\":1.5E9,"
    "\"containerInstanceArn\":\"" HOST "\",\"containers\":[{"
    "\"containerArn\":\"" ARN "container/chess/1\",\"name\":\"game\","
    "\"lastStatus\":\"RUNNING\",\"networkBindings\":[" BINDING(
	"27015", "32768",
	"\"tcp\"") ","
		   "{\"bindIP\":\"::\",\"containerPort\":27015,\"hostPort\":"
		   "32769,"
		   "\"protocol\":\"tcp\"}," BINDING(
		       "27016", "32770",
		       "\"udp\"") ",{\"bindIP\":\"0.0.0.0\","
				  "\"containerPortRange\":\"1-9\","
				  "\"hostPortRange\":\"1-9\",\"protocol\":"
				  "\"udp\"}]},"
				  "{\"name\":\"sidecar\",\"networkBindings\":"
				  "[" BINDING(
				      "80", "32771",
				      "\"tcp\"") "],\"exitCode\":0}],"
						 "\"cpu\":\"128\","
						 "\"createdAt\":1482287744.123,"
						 "\"desiredStatus\":"
						 "\"RUNNING\",\"lastStatus\":"
						 "\"RUNNING\","
						 "\"startedBy\":\"gsm/"
						 "blitz\",\"stopCode\":null,"
						 "\"tags\":[" TAG_OF("Name", "x") "," TAG_OF(
						     "gameserver-manager:fleet",
						     "blitz") "," TAG_OF("games"
									 "erver"
									 "-mana"
									 "ger:"
									 "opera"
									 "tion",
									 OPERATION) ",{\"key\":\"empty\"}],"
										    "\"taskArn\":\"" TASK
										    "\",\"taskDefinitionArn\":\"" FAMILY
										    "\","
										    "\"version\":1}]}";

static const char task_list[] =
    "{\"nextToken\":\"p+/=2\",\"taskArns\":[\"" TASK "\",\"" TASK "2\"]}";

static const char host_answer[] =
    "{\"containerInstances\":[{\"agentConnected\":true,"
    "\"containerInstanceArn\":\"" HOST "\","
    "\"ec2InstanceId\":\"i-1234567890abcdef0\",\"pendingTasksCount\":1,"
    "\"registeredAt\":1.7E9,\"runningTasksCount\":2,\"status\":\"DRAINING\","
    "\"versionInfo\":{\"agentVersion\":\"1.91.0\"}}],\"failures\":[{\"arn\":"
    "\"" HOST "2\",\"reason\":\"MISSING\"}]}";

static const char definition_answer[] =
    "{\"taskDefinition\":{\"containerDefinitions\":[{\"name\":\"game\","
    "\"portMappings\":[{\"containerPort\":27015,\"hostPort\":0,"
    "\"protocol\":\"tcp\"},{\"containerPort\":27016,\"protocol\":\"udp\"},"
    "{\"containerPortRange\":\"1-9\",\"protocol\":\"tcp\"},"
    "{\"containerPort\":8080}],\"essential\":true},{\"name\":\"log\"}],"
    "\"family\":\"game\",\"networkMode\":\"bridge\",\"revision\":7,"
    "\"taskDefinitionArn\":\"" FAMILY "\",\"volumes\":[]},\"tags\":[]}";

static const char run_answer[] =
    "{\"failures\":[],\"tasks\":[{\"containerInstanceArn\":\"" HOST "\","
    "\"desiredStatus\":\"RUNNING\",\"lastStatus\":\"PENDING\","
    "\"taskArn\":\"" TASK "\"}]}";

static int
open_facts(void **state)
{
	*state = facts_new();
	return *state ? 0 : -1;
}

static int
close_facts(void **state)
{
	facts_free(*state);
	return 0;
}

/* Each reader of one answer, behind one signature; the outcome is dropped. */
typedef bool reader_fn(struct facts *facts, const char *body, size_t size,
		       struct err *err);

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
assert_reads(reader_fn *reader, struct facts *facts, const char *body)
{
	struct err err = {0};

	if (!reader(facts, body, strlen(body), &err))
		fail_msg("%s", err.msg);
}

struct bad {
	const char *body;
	const char *because;
};

static void
assert_malformed(reader_fn *reader, struct facts *facts, const struct bad *bad,
		 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct err err = {0};

		if (reader(facts, bad[i].body, strlen(bad[i].body), &err) ||
		    !strstr(err.msg, bad[i].because))
			fail_msg("%s: %s", bad[i].body, err.msg);
	}
}

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

	assert_malformed(ecs_read_tasks, *state, bad, COUNT(bad));
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

	assert_malformed(task_names, *state, bad, COUNT(bad));
	assert_malformed(host_names, *state, host, COUNT(host));
	memset(text, 'x', sizeof(text));
	snprintf(body, sizeof(body), "{\"taskArns\":[],\"nextToken\":\"%.*s\"}",
		 ECS_PAGE_SIZE - 1, text);
	assert_reads(task_names, *state, body);
	snprintf(body, sizeof(body), "{\"taskArns\":[],\"nextToken\":\"%.*s\"}",
		 ECS_PAGE_SIZE, text);
	assert_malformed(task_names, *state, too_long, 1);
	snprintf(body, sizeof(body), "{\"taskArns\":[\"%.*s\"]}", REF_SIZE,
		 text);
	assert_malformed(task_names, *state, too_long, 1);
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

	assert_malformed(ecs_read_hosts, *state, bad, COUNT(bad));
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

	assert_malformed(definition, *state, bad, COUNT(bad));
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

	assert_malformed(run, *state, bad, COUNT(bad));
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

static const struct {
	reader_fn *reader;
	const char *body;
} good[] = {
    {ecs_read_tasks, task_answer},   {ecs_read_hosts, host_answer},
    {definition, definition_answer}, {run, run_answer},
    {task_names, task_list},
};

static void
an_answer_cut_at_any_byte_is_refused(void **state)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		for (size_t size = 0; size < strlen(good[i].body); size++) {
			char *copy = malloc(size > 0 ? size : 1);
			struct err err = {0};

			assert_non_null(copy);
			memcpy(copy, good[i].body, size);
			assert_false(good[i].reader(*state, copy, size, &err));
			assert_string_not_equal(err.msg, "");
			free(copy);
		}
		assert_reads(good[i].reader, *state, good[i].body);
	}
}

static void
a_damaged_answer_is_read_or_refused_with_a_reason(void **state)
{
	uint64_t seed = DAMAGE_SEED;
	int refused = 0;

	for (int round = 0; round < DAMAGE_ROUNDS; round++) {
		const size_t i = (size_t)round % COUNT(good);
		const size_t size = strlen(good[i].body);
		char *body = damaged(good[i].body, size, &seed);
		struct err err = {0};

		facts_clear(*state);
		if (!good[i].reader(*state, body, size, &err)) {
			refused++;
			assert_string_not_equal(err.msg, "");
		}
		free(body);
	}
	assert_in_range(refused, DAMAGE_ROUNDS / 10, DAMAGE_ROUNDS - 1);
}

#define FACTS_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, open_facts, close_facts)

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
	  FACTS_TEST(deep_nesting_is_refused),
	  FACTS_TEST(listed_tasks_and_hosts_are_named),
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
