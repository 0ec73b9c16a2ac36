/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/aws/ec2_request.h"
#include "scalerd/aws/ecs_request.h"
#include "scalerd/aws/form.h"

#define ARN         "arn:aws:ecs:eu-west-1:123456789012:"
#define TASK        ARN "task/chess/0123456789abcdef0123456789abcdef"
#define HOST        ARN "container-instance/chess/00112233445566778899aabbccddeeff"
#define OPERATION   "00112233445566778899aabbccddee01"
#define EC2(action) "Action=" action "&Version=2016-11-15"
#define FLEET_PAIR  "{\"key\":\"gameserver-manager:fleet\",\"value\":\"blitz\"}"
#define OPERATION_PAIR                                                         \
	"{\"key\":\"gameserver-manager:operation\",\"value\":\"" OPERATION "\"}"
#define OVERRIDES                                                              \
	"\"overrides\":{\"containerOverrides\":[{\"name\":\"game\","           \
	"\"environment\":[{\"name\":\"GAMESERVER_OPERATION\",\"value\":"       \
	"\"" OPERATION                                                         \
	"\"},{\"name\":\"GAMESERVER_FLEET\",\"value\":\"blitz\"}"              \
	"]}]},\"startedBy\":\"gsm/blitz\",\"tags\":[" FLEET_PAIR               \
	"," OPERATION_PAIR "],\"enableECSManagedTags\":true}"

static const char *const ids[] = {"i-0a", "i-0b"};

/* Frees what was made. */
static void
assert_made(char *made, const char *wanted)
{
	assert_non_null(made);
	assert_string_equal(made, wanted);
	free(made);
}

static void
tasks_are_listed_by_one_filter_at_a_time(void **state)
{
	const struct ecs_list_tasks by_family = {.cluster = "chess",
						 .family = "game"};
	const struct ecs_list_tasks by_mark = {
	    .cluster = "chess", .started_by = "gsm/blitz", .page = "p+/=2"};
	const struct ecs_list_tasks by_host = {.cluster = "chess",
					       .host = HOST};

	(void)state;
	assert_made(
	    ecs_list_tasks(&by_family),
	    "{\"cluster\":\"chess\",\"family\":\"game\",\"maxResults\":100}");
	assert_made(ecs_list_tasks(&by_mark),
		    "{\"cluster\":\"chess\",\"startedBy\":\"gsm/blitz\","
		    "\"maxResults\":100,\"nextToken\":\"p+/=2\"}");
	assert_made(ecs_list_tasks(&by_host),
		    "{\"cluster\":\"chess\",\"containerInstance\":\"" HOST
		    "\",\"maxResults\":100}");
}

static void
tasks_are_described_with_their_tags(void **state)
{
	static const char *const arn[] = {TASK, TASK "2"};

	(void)state;
	assert_made(ecs_describe_tasks("chess", arn, 2),
		    "{\"cluster\":\"chess\",\"tasks\":[\"" TASK "\",\"" TASK
		    "2\"],\"include\":[\"TAGS\"]}");
}

static void
hosts_are_listed_by_their_machines(void **state)
{
	(void)state;
	assert_made(ecs_list_hosts("chess", ids, 1, NULL),
		    "{\"cluster\":\"chess\",\"filter\":\"ec2InstanceId in "
		    "['i-0a']\",\"maxResults\":100}");
	assert_made(ecs_list_hosts("chess", ids, 2, "next"),
		    "{\"cluster\":\"chess\",\"filter\":\"ec2InstanceId in "
		    "['i-0a','i-0b']\",\"maxResults\":100,"
		    "\"nextToken\":\"next\"}");
}

static void
the_longest_ids_of_machines_fit_the_filter(void **state)
{
	const char *longest[ECS_LIST_HOSTS_MAX];
	char *made;

	(void)state;
	for (size_t i = 0; i < ECS_LIST_HOSTS_MAX; i++)
		longest[i] = "i-0123456789abcdef0123456789abc";
	made = ecs_list_hosts("chess", longest, ECS_LIST_HOSTS_MAX, NULL);
	assert_non_null(made);
	assert_non_null(strstr(
	    made, ",'i-0123456789abcdef0123456789abc']\",\"maxResults\""));
	free(made);
}

static void
a_host_is_described_and_drained(void **state)
{
	static const char *const arn[] = {HOST};

	(void)state;
	assert_made(ecs_describe_hosts("chess", arn, 1),
		    "{\"cluster\":\"chess\",\"containerInstances\":[\"" HOST
		    "\"]}");
	assert_made(ecs_drain_host("chess", HOST),
		    "{\"cluster\":\"chess\",\"containerInstances\":[\"" HOST
		    "\"],\"status\":\"DRAINING\"}");
}

static void
a_task_definition_is_described_by_its_name(void **state)
{
	(void)state;
	assert_made(ecs_describe_task_definition("game:7"),
		    "{\"taskDefinition\":\"game:7\"}");
}

static void
a_task_is_run_on_its_machine(void **state)
{
	const struct ecs_run_task run = {
	    .cluster = "chess",
	    .task_definition = ARN "task-definition/game:7",
	    .container = "game",
	    .fleet = "blitz",
	    .operation = OPERATION,
	    .token = OPERATION "-2",
	    .machine = "i-0a",
	};

	(void)state;
	assert_made(
	    ecs_run_task(&run),
	    "{\"cluster\":\"chess\",\"taskDefinition\":\"" ARN
	    "task-definition/game:7\",\"count\":1,\"clientToken\":\"" OPERATION
	    "-2\",\"launchType\":\"EC2\",\"placementConstraints\":[{\"type\":"
	    "\"distinctInstance\"},{\"type\":\"memberOf\",\"expression\":"
	    "\"ec2InstanceId in ['i-0a']\"}]," OVERRIDES);
}

static void
a_task_is_run_on_fargate(void **state)
{
	struct ecs_run_task run = {
	    .cluster = "chess",
	    .task_definition = "game:7",
	    .container = "game",
	    .fleet = "blitz",
	    .operation = OPERATION,
	    .token = OPERATION,
	    .subnets = "subnet-1,subnet-2",
	    .security_groups = "sg-1",
	    .public_ip = true,
	};

	(void)state;
	assert_made(
	    ecs_run_task(&run),
	    "{\"cluster\":\"chess\",\"taskDefinition\":\"game:7\",\"count\":1,"
	    "\"clientToken\":\"" OPERATION "\",\"launchType\":\"FARGATE\","
	    "\"networkConfiguration\":{\"awsvpcConfiguration\":{\"subnets\":["
	    "\"subnet-1\",\"subnet-2\"],\"securityGroups\":[\"sg-1\"],"
	    "\"assignPublicIp\":\"ENABLED\"}}," OVERRIDES);
	run.subnets = "subnet-1";
	run.security_groups = "";
	run.public_ip = false;
	assert_made(
	    ecs_run_task(&run),
	    "{\"cluster\":\"chess\",\"taskDefinition\":\"game:7\",\"count\":1,"
	    "\"clientToken\":\"" OPERATION "\",\"launchType\":\"FARGATE\","
	    "\"networkConfiguration\":{\"awsvpcConfiguration\":{\"subnets\":["
	    "\"subnet-1\"],\"assignPublicIp\":\"DISABLED\"}}," OVERRIDES);
}

static void
what_json_must_not_hold_is_escaped(void **state)
{
	(void)state;
	assert_made(ecs_stop_task("chess", TASK, "a \"b\"\n\\ \x01 \xc3\xa9 /"),
		    "{\"cluster\":\"chess\",\"task\":\"" TASK
		    "\",\"reason\":\"a \\\"b\\\"\\n\\\\ \\u0001 \xc3\xa9 "
		    "/\"}");
}

static void
machines_are_described_by_filters(void **state)
{
	static const char *const marks[] = {OPERATION};

	(void)state;
	assert_made(ec2_describe_machines(ids, 2, NULL),
		    EC2("DescribeInstances") "&Filter.1.Name=instance-id"
					     "&Filter.1.Value.1=i-0a"
					     "&Filter.1.Value.2=i-0b"
					     "&MaxResults=500");
	assert_made(
	    ec2_describe_marked(marks, 1, "a+/="),
	    EC2("DescribeInstances") "&Filter.1.Name=tag%3Agameserver-manager"
				     "%3Aoperation&Filter.1.Value.1=" OPERATION
				     "&MaxResults=500&NextToken=a%2B%2F%3D");
	assert_made(
	    ec2_describe_fleet("blitz", NULL),
	    EC2("DescribeInstances") "&Filter.1.Name=tag%3Agameserver-manager"
				     "%3Afleet&Filter.1.Value.1=blitz"
				     "&Filter.2.Name=instance-state-name"
				     "&Filter.2.Value.1=pending"
				     "&Filter.2.Value.2=running"
				     "&Filter.2.Value.3=shutting-down"
				     "&Filter.2.Value.4=stopping"
				     "&Filter.2.Value.5=stopped"
				     "&MaxResults=500");
}

static void
network_interfaces_are_described_by_a_filter(void **state)
{
	static const char *const enis[] = {"eni-1"};

	(void)state;
	assert_made(ec2_describe_enis(enis, 1, NULL),
		    EC2("DescribeNetworkInterfaces") "&Filter.1.Name=network-"
						     "interface-id"
						     "&Filter.1.Value.1=eni-1"
						     "&MaxResults=500");
}

static void
a_launch_template_is_described_by_id_or_name(void **state)
{
	(void)state;
	assert_made(
	    ec2_describe_template("lt-0a1b"),
	    EC2("DescribeLaunchTemplates") "&LaunchTemplateId.1=lt-0a1b");
	assert_made(
	    ec2_describe_template("game lt-1"),
	    EC2("DescribeLaunchTemplates") "&LaunchTemplateName.1=game%20lt-1");
}

static void
a_machine_is_run_and_terminated(void **state)
{
	const struct ec2_run_instances run = {.template = "lt-0a1b",
					      .version = "3",
					      .fleet = "blitz",
					      .operation = OPERATION};

	(void)state;
	assert_made(
	    ec2_run_instances(&run),
	    EC2("RunInstances") "&LaunchTemplate.LaunchTemplateId=lt-0a1b"
				"&LaunchTemplate.Version=3"
				"&MinCount=1&MaxCount=1"
				"&ClientToken=" OPERATION
				"&TagSpecification.1.ResourceType=instance"
				"&TagSpecification.1.Tag.1.Key="
				"gameserver-manager%3Afleet"
				"&TagSpecification.1.Tag.1.Value=blitz"
				"&TagSpecification.1.Tag.2.Key="
				"gameserver-manager%3Aoperation"
				"&TagSpecification.1.Tag.2.Value=" OPERATION
				"&TagSpecification.2.ResourceType=volume"
				"&TagSpecification.2.Tag.1.Key="
				"gameserver-manager%3Afleet"
				"&TagSpecification.2.Tag.1.Value=blitz"
				"&TagSpecification.2.Tag.2.Key="
				"gameserver-manager%3Aoperation"
				"&TagSpecification.2.Tag.2.Value=" OPERATION
				"&TagSpecification.1.Tag.3.Key=Name"
				"&TagSpecification.1.Tag.3.Value="
				"gameserver-blitz");
	assert_made(ec2_terminate("i-0a"),
		    EC2("TerminateInstances") "&InstanceId.1=i-0a");
}

static void
a_form_encodes_all_but_the_unreserved(void **state)
{
	struct form form;

	(void)state;
	form_open(&form, "A", "1");
	form_add(&form, "aZ09-_.~ &=+/%\n\x7f\xc3\xa9", "b.%d", 2);
	form_add(&form, "", "c");
	assert_made(form_close(&form),
		    "Action=A&Version=1&b.2=aZ09-_.~%20%26%3D%2B%2F%25%0A%7F"
		    "%C3%A9&c=");
}

UNIT_MAIN(cmocka_unit_test(tasks_are_listed_by_one_filter_at_a_time),
	  cmocka_unit_test(tasks_are_described_with_their_tags),
	  cmocka_unit_test(hosts_are_listed_by_their_machines),
	  cmocka_unit_test(the_longest_ids_of_machines_fit_the_filter),
	  cmocka_unit_test(a_host_is_described_and_drained),
	  cmocka_unit_test(a_task_definition_is_described_by_its_name),
	  cmocka_unit_test(a_task_is_run_on_its_machine),
	  cmocka_unit_test(a_task_is_run_on_fargate),
	  cmocka_unit_test(what_json_must_not_hold_is_escaped),
	  cmocka_unit_test(machines_are_described_by_filters),
	  cmocka_unit_test(network_interfaces_are_described_by_a_filter),
	  cmocka_unit_test(a_launch_template_is_described_by_id_or_name),
	  cmocka_unit_test(a_machine_is_run_and_terminated),
	  cmocka_unit_test(a_form_encodes_all_but_the_unreserved))
