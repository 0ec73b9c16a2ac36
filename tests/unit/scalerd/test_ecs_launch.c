/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/ecs_bench.h"

#define BENCH_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, ecs_bench_open, ecs_bench_close)

#define PLACED "{\"tasks\":[{\"taskArn\":\"" BENCH_TASK "\"}],\"failures\":[]}"
#define FAILED(reason)                                                         \
	"{\"tasks\":[],\"failures\":[{\"arn\":\"" BENCH_HOST                   \
	"\",\"reason\":\"" reason "\"}]}"
#define PORT(n) "{\"containerPort\":" n ",\"hostPort\":0,\"protocol\":\"tcp\"}"
#define DEFINITION(mode, containers)                                           \
	"{\"taskDefinition\":{\"taskDefinitionArn\":\"" BENCH_ARN              \
	"task-definition/game:7\",\"networkMode\":\"" mode "\","               \
	"\"containerDefinitions\":[" containers "]}}"
#define CONTAINER(name, ports)                                                 \
	"{\"name\":\"" name "\",\"portMappings\":[" ports "]}"
#define GAME DEFINITION("bridge", CONTAINER("game", PORT("27015")))
#define RAN                                                                    \
	"<RunInstancesResponse><instancesSet><item><instanceId>" BENCH_MACHINE \
	"</instanceId><instanceState><name>pending</name></instanceState>"     \
	"</item></instancesSet></RunInstancesResponse>"
#define TEMPLATE                                                               \
	"<DescribeLaunchTemplatesResponse><launchTemplates><item>"             \
	"<launchTemplateId>lt-0abc</launchTemplateId>"                         \
	"<defaultVersionNumber>12</defaultVersionNumber></item>"               \
	"</launchTemplates></DescribeLaunchTemplatesResponse>"

enum { HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };

static const struct ecs_phase *
phase(const char *name)
{
	return ecs_launch_phase(name);
}

/* The operation is in run_task, with the given tries behind it. */
static void
begin_run_task(struct ecs_bench *bench, int64_t tries)
{
	snprintf(bench->gameserver.instance, sizeof(bench->gameserver.instance),
		 "%s", BENCH_MACHINE);
	ecs_bench_note(bench, BENCH_MACHINE, "", tries);
	ecs_bench_answer(bench, phase("find_task_definition"), GAME);
	ecs_bench_record(bench);
}

/* A task of it runs on its machine, and is looked at. */
static struct facts_task *
begin_running(struct ecs_bench *bench)
{
	struct facts_task *task;

	snprintf(bench->gameserver.instance, sizeof(bench->gameserver.instance),
		 "%s", BENCH_MACHINE);
	ecs_bench_note(bench, BENCH_MACHINE, BENCH_TASK, 0);
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE)->tasks = 1;
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	task = ecs_bench_task(bench, BENCH_TASK, "RUNNING");
	ecs_bench_bind(task, "game", 27015, 32768);
	return task;
}

/* ---- prepare, template and task definition ----------------------------- */

static void
a_launch_checks_the_task_definition_before_it_costs_a_machine(void **state)
{
	struct ecs_bench *bench = *state;
	struct err err;

	assert_true(ecs_launch_prepare(&bench->site, &bench->operation, &err));
	assert_string_equal(bench->operation.phase, "check_task_definition");
	ecs_bench_answer(bench, phase("check_task_definition"), GAME);
	ecs_bench_assert_next(bench, "find_template", "{}");
}

static void
a_fargate_launch_needs_no_machine(void **state)
{
	struct ecs_bench *bench = *state;
	struct err err;

	bench->site.config.launch_type = CONFIG_LAUNCH_FARGATE;
	assert_true(ecs_launch_prepare(&bench->site, &bench->operation, &err));
	assert_string_equal(bench->operation.phase, "find_task_definition");
	ecs_bench_answer(
	    bench, phase("find_task_definition"),
	    DEFINITION("awsvpc", CONTAINER("game", PORT("27015"))));
	ecs_bench_assert_next(bench, "run_task", "\"launchType\":\"FARGATE\"");
}

static void
assert_definition_refused(struct ecs_bench *bench, const char *body,
			  const char *why)
{
	ecs_bench_answer(bench, phase("check_task_definition"), body);
	ecs_bench_assert_says(bench, STEP_REFUSED, why);
}

static void
a_task_definition_without_the_container_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(bench->site.config.gameserver_container, CONFIG_TEXT_SIZE,
		 "chess");
	assert_definition_refused(bench, GAME, "GAMESERVER_CONTAINER=chess");
}

static void
of_several_containers_one_must_be_chosen(void **state)
{
	assert_definition_refused(
	    *state,
	    DEFINITION("bridge", CONTAINER("game", PORT("27015")) "," CONTAINER(
				     "log", "")),
	    "set GAMESERVER_CONTAINER");
}

static void
of_several_ports_one_must_be_chosen(void **state)
{
	assert_definition_refused(
	    *state,
	    DEFINITION("bridge",
		       CONTAINER("game", PORT("27015") "," PORT("27016"))),
	    "set GAMESERVER_PORT");
}

static void
a_port_that_is_not_mapped_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	bench->site.config.gameserver_port = 80;
	assert_definition_refused(bench, GAME, "GAMESERVER_PORT=80");
}

static void
a_network_mode_of_fargate_is_refused_for_machines(void **state)
{
	assert_definition_refused(
	    *state, DEFINITION("awsvpc", CONTAINER("game", PORT("27015"))),
	    "awsvpc");
}

static void
a_description_that_cannot_be_read_is_asked_for_again(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_answer(bench, phase("check_task_definition"), "<html>");
	assert_int_equal(bench->step.result, STEP_UNKNOWN);
	ecs_bench_answer(bench, phase("find_template"), "{}");
	assert_int_equal(bench->step.result, STEP_UNKNOWN);
}

static void
the_recorded_request_pins_the_version_of_the_template(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_answer(bench, phase("find_template"), TEMPLATE);
	ecs_bench_assert_next(bench, "run_instances", "lt-0abc");
	assert_non_null(strstr(bench->step.request, "Version=12"));
	assert_non_null(strstr(bench->step.request, "ClientToken=" BENCH_MARK));
}

static void
a_template_that_does_not_exist_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("find_template"),
			 "InvalidLaunchTemplateName.NotFoundException", 400,
			 "no such template", "");
	ecs_bench_assert_says(bench, STEP_REFUSED,
			      "ECS_INSTANCE_LAUNCH_TEMPLATE=servers");
	ecs_bench_answer(bench, phase("find_template"),
			 "<DescribeLaunchTemplatesResponse><launchTemplates/>"
			 "</DescribeLaunchTemplatesResponse>");
	ecs_bench_assert_says(bench, STEP_REFUSED,
			      "ECS_INSTANCE_LAUNCH_TEMPLATE=servers");
}

/* ---- the machine ------------------------------------------------------- */

static void
a_machine_that_was_made_is_joined_and_known(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_answer(bench, phase("run_instances"), RAN);
	ecs_bench_assert_next(bench, "join", BENCH_MACHINE);
	assert_true(bench->step.sighted);
	assert_true(bench->step.sighting.ours);
	assert_string_equal(bench->step.sighting.mark, BENCH_MARK);
	assert_string_equal(bench->step.sighting.instance, BENCH_MACHINE);
}

static void
a_lost_answer_of_run_instances_is_unknown(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_lose(bench, phase("run_instances"));
	ecs_bench_assert_says(bench, STEP_UNKNOWN, "RunInstances");
	ecs_bench_answer(bench, phase("run_instances"), "<cut");
	assert_int_equal(bench->step.result, STEP_UNKNOWN);
}

static void
within_the_hour_the_same_bytes_are_sent_again(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_age(bench, HOUR_MS - 1);
	assert_true(ecs_bench_judge(bench, phase("run_instances")));
	assert_null(phase("run_instances")->write);
}

static void
a_token_older_than_an_hour_is_not_sent_but_looked_for(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_age(bench, HOUR_MS);
	assert_false(ecs_bench_judge(bench, phase("run_instances")));
	ecs_bench_assert_next(bench, "find_instance", "{}");
}

static void
a_token_is_looked_for_when_the_clock_jumped_back(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_age(bench, -MINUTE_MS);
	assert_false(ecs_bench_judge(bench, phase("run_instances")));
	ecs_bench_assert_next(bench, "find_instance", "{}");
}

static void
throttled_run_instances_is_tried_again(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("run_instances"), "RequestLimitExceeded",
			 503, "slow down", "");
	assert_int_equal(bench->step.result, STEP_UNKNOWN);
}

static void
refused_keys_are_tried_again(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("run_instances"), "ExpiredToken", 400,
			 "expired", "");
	assert_int_equal(bench->step.result, STEP_UNKNOWN);
}

static void
no_capacity_refuses_the_launch_and_holds_the_next_back(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("run_instances"),
			 "InsufficientInstanceCapacity", 500, "none left", "");
	ecs_bench_assert_says(bench, STEP_REFUSED,
			      "InsufficientInstanceCapacity");
	assert_int_equal(bench->step.wait_ms, ECS_CAPACITY_WAIT_MS);
}

static void
a_full_quota_refuses_the_launch_and_holds_the_next_back(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("run_instances"), "VcpuLimitExceeded",
			 400, "too many", "");
	ecs_bench_assert_says(bench, STEP_REFUSED, "VcpuLimitExceeded");
	assert_int_equal(bench->step.wait_ms, ECS_CAPACITY_WAIT_MS);
}

static void
a_mismatched_token_is_looked_for(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("run_instances"),
			 "IdempotentParameterMismatch", 400, "other", "");
	ecs_bench_assert_next(bench, "find_instance", "{}");
	ecs_bench_refuse(bench, phase("run_instances"),
			 "IdempotentInstanceTerminated", 400, "ended", "");
	ecs_bench_assert_next(bench, "find_instance", "{}");
}

static void
a_refusal_after_an_unknown_attempt_is_looked_for(void **state)
{
	struct ecs_bench *bench = *state;

	bench->operation.attempts = 1;
	ecs_bench_refuse(bench, phase("run_instances"), "UnauthorizedOperation",
			 403, "no", "");
	ecs_bench_assert_next(bench, "find_instance", "{}");
}

/* EC2 looks at the token first: an earlier attempt's machine is none. */
static void
no_room_after_an_unknown_attempt_is_refused_at_once(void **state)
{
	struct ecs_bench *bench = *state;

	bench->operation.attempts = 1;
	ecs_bench_refuse(bench, phase("run_instances"),
			 "InsufficientInstanceCapacity", 500, "none left", "");
	ecs_bench_assert_says(bench, STEP_REFUSED,
			      "InsufficientInstanceCapacity");
	assert_int_equal(bench->step.wait_ms, ECS_CAPACITY_WAIT_MS);
	ecs_bench_refuse(bench, phase("run_instances"), "VcpuLimitExceeded",
			 400, "too many", "");
	ecs_bench_assert_says(bench, STEP_REFUSED, "VcpuLimitExceeded");
	assert_int_equal(bench->step.wait_ms, ECS_CAPACITY_WAIT_MS);
}

static void
the_machine_is_found_by_its_mark(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_note(bench, "", "", 0);
	ecs_bench_machine(bench, BENCH_MACHINE, "pending");
	assert_false(ecs_bench_judge(bench, phase("find_instance")));
	ecs_bench_assert_next(bench, "join", BENCH_MACHINE);
	assert_string_equal(bench->step.sighting.instance, BENCH_MACHINE);
}

static void
another_fleets_machine_with_the_mark_is_not_it(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_age(bench, HOUR_MS);
	snprintf(ecs_bench_machine(bench, BENCH_MACHINE, "running")->fleet,
		 FACTS_NAME_SIZE, "rapid");
	snprintf(ecs_bench_machine(bench, BENCH_OTHER_MACHINE, "running")->mark,
		 MARK_SIZE, BENCH_OTHER);
	assert_false(ecs_bench_judge(bench, phase("find_instance")));
	assert_int_equal(bench->step.result, STEP_REFUSED);
}

static void
no_machine_is_believed_only_after_aws_is_consistent(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_age(bench, ECS_CONSISTENT_MS - 1);
	assert_false(ecs_bench_judge(bench, phase("find_instance")));
	ecs_bench_assert_wait(bench);
	ecs_bench_age(bench, ECS_CONSISTENT_MS);
	assert_false(ecs_bench_judge(bench, phase("find_instance")));
	ecs_bench_assert_says(bench, STEP_REFUSED, "mark");
}

/* ---- join -------------------------------------------------------------- */

static void
assert_join_waits(struct ecs_bench *bench)
{
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_wait(bench);
}

static void
a_machine_that_ec2_does_not_show_yet_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	facts_machine(bench->facts, BENCH_MACHINE)->known = FACTS_MISSING;
	ecs_bench_age(bench, 10 * MINUTE_MS);
	assert_join_waits(bench);
}

static void
a_machine_that_never_joins_is_waited_for_until_the_deadline(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	ecs_bench_age(bench, 10 * MINUTE_MS);
	assert_join_waits(bench);
}

static void
a_machine_that_ends_at_once_is_refused_with_its_reason(void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_machine *machine;

	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	machine = ecs_bench_machine(bench, BENCH_MACHINE, "terminated");
	snprintf(machine->reason, sizeof(machine->reason),
		 "Client.VolumeLimitExceeded");
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_says(bench, STEP_REFUSED,
			      "terminated: Client.VolumeLimitExceeded");
}

static void
a_host_counts_when_it_is_active_and_connected(void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_host *host;

	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	host = ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE);
	host->connected = false;
	assert_join_waits(bench);
	host->connected = true;
	snprintf(host->status, sizeof(host->status), "REGISTERING");
	assert_join_waits(bench);
	snprintf(host->status, sizeof(host->status), "ACTIVE");
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_next(bench, "find_task_definition", BENCH_MACHINE);
}

static void
a_host_of_another_machine_is_not_it(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	ecs_bench_host(bench, BENCH_HOST, BENCH_OTHER_MACHINE);
	assert_join_waits(bench);
}

static void
a_machine_that_joined_twice_counts_with_its_connected_host(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE)->connected = false;
	ecs_bench_host(bench, BENCH_HOST_2, BENCH_MACHINE);
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_next(bench, "find_task_definition", BENCH_MACHINE);
}

static void
a_draining_host_is_refused(void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_host *host;

	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	host = ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE);
	snprintf(host->status, sizeof(host->status), "DRAINING");
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_says(bench, STEP_REFUSED, "draining");
}

static void
a_note_that_cannot_be_read_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(bench->operation.request, REQUEST_SIZE, "{\"machine\":");
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_says(bench, STEP_REFUSED, "can't be read");
}

/* ---- the task ---------------------------------------------------------- */

static void
the_task_is_pinned_to_its_machine_under_the_operations_token(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_assert_next(bench, "run_task",
			      "ec2InstanceId in ['" BENCH_MACHINE "']");
	assert_non_null(
	    strstr(bench->step.request, "\"clientToken\":\"" BENCH_MARK "\""));
	assert_non_null(strstr(bench->step.request, "task-definition/game:7"));
}

static void
run_task_is_sent_again_within_the_hour(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_age(bench, HOUR_MS - 1);
	assert_true(ecs_bench_judge(bench, phase("run_task")));
}

static void
a_task_older_than_an_hour_is_looked_for(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 2);
	ecs_bench_age(bench, HOUR_MS);
	assert_false(ecs_bench_judge(bench, phase("run_task")));
	ecs_bench_assert_next(bench, "find_task", BENCH_MACHINE);
	assert_non_null(strstr(bench->step.request, "\"tries\":2"));
}

static void
a_lost_answer_of_run_task_is_unknown(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_lose(bench, phase("run_task"));
	ecs_bench_assert_says(bench, STEP_UNKNOWN, "RunTask");
}

static void
an_answer_without_task_and_failure_is_unknown(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_answer(bench, phase("run_task"),
			 "{\"tasks\":[],\"failures\":[]}");
	assert_int_equal(bench->step.result, STEP_UNKNOWN);
}

static void
a_placed_task_is_watched_and_known(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_answer(bench, phase("run_task"), PLACED);
	ecs_bench_assert_next(bench, "task_running", BENCH_TASK);
	assert_non_null(strstr(bench->step.request, BENCH_MACHINE));
	assert_true(bench->step.sighted);
	assert_string_equal(bench->step.sighting.ref, BENCH_TASK);
	assert_string_equal(bench->step.sighting.instance, BENCH_MACHINE);
}

static void
a_conflict_leads_to_the_task_that_there_is(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_refuse(bench, phase("run_task"), "ConflictException", 400,
			 "used", "{\"resourceIds\":[\"" BENCH_TASK "\"]}");
	ecs_bench_assert_next(bench, "task_running", BENCH_TASK);
	assert_string_equal(bench->step.sighting.ref, BENCH_TASK);
}

static void
a_conflict_that_names_no_task_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_refuse(bench, phase("run_task"), "ConflictException", 400,
			 "used", "{}");
	ecs_bench_assert_says(bench, STEP_REFUSED, "ConflictException");
}

/* Tries again after each refusal until it is one for good. */
static int
count_tries(struct ecs_bench *bench, const char *body)
{
	int tries = 0;

	begin_run_task(bench, 0);
	do {
		assert_true(++tries < 1000);
		ecs_bench_answer(bench, phase("run_task"), body);
		if (bench->step.result != STEP_NEXT)
			return tries;
		ecs_bench_assert_next(bench, "join", BENCH_MACHINE);
		ecs_bench_record(bench);
		ecs_bench_answer(bench, phase("find_task_definition"), GAME);
		ecs_bench_record(bench);
	} while (true);
}

static void
a_disconnected_agent_is_tried_many_times(void **state)
{
	struct ecs_bench *bench = *state;

	assert_int_equal(count_tries(bench, FAILED("AGENT")),
			 ECS_AGENT_TRIES_MAX);
	ecs_bench_assert_says(bench, STEP_REFUSED, "RunTask: AGENT");
}

static void
missing_resources_are_tried_a_few_times(void **state)
{
	struct ecs_bench *bench = *state;

	assert_int_equal(count_tries(bench, FAILED("RESOURCE:MEMORY")),
			 ECS_OTHER_TRIES_MAX);
	ecs_bench_assert_says(bench, STEP_REFUSED, "RunTask: RESOURCE:MEMORY");
	assert_int_equal(bench->step.wait_ms, ECS_CAPACITY_WAIT_MS);
}

static void
each_try_has_a_token_of_its_own(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_answer(bench, phase("run_task"), FAILED("AGENT"));
	ecs_bench_assert_next(bench, "join", "\"tries\":1");
	ecs_bench_record(bench);
	ecs_bench_answer(bench, phase("find_task_definition"), GAME);
	ecs_bench_assert_next(bench, "run_task",
			      "\"clientToken\":\"" BENCH_MARK "-1\"");
}

static void
there_is_a_pause_between_tries(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_answer(bench, phase("run_task"), FAILED("AGENT"));
	ecs_bench_record(bench);
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE);
	bench->now_utc_ms += ECS_TRY_WAIT_MS - 1;
	assert_join_waits(bench);
	bench->now_utc_ms += 1;
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_next(bench, "find_task_definition", "\"tries\":1");
}

static void
a_cluster_that_does_not_show_its_host_yet_is_tried_again(void **state)
{
	struct ecs_bench *bench = *state;

	begin_run_task(bench, 0);
	ecs_bench_refuse(
	    bench, phase("run_task"), "InvalidParameterException", 400,
	    "No Container Instances were found in your cluster.", "");
	ecs_bench_assert_next(bench, "join", "\"tries\":1");
}

static void
a_fargate_task_that_was_not_placed_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_note(bench, "", "", 0);
	ecs_bench_answer(
	    bench, phase("find_task_definition"),
	    DEFINITION("awsvpc", CONTAINER("game", PORT("27015"))));
	ecs_bench_record(bench);
	ecs_bench_answer(bench, phase("run_task"), FAILED("AGENT"));
	ecs_bench_assert_says(bench, STEP_REFUSED, "AGENT");
}

static void
the_task_is_found_by_its_mark(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench);
	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	assert_false(ecs_bench_judge(bench, phase("find_task")));
	ecs_bench_assert_next(bench, "task_running", BENCH_TASK);
}

static void
a_task_with_another_mark_is_not_it(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(begin_running(bench)->mark, MARK_SIZE, BENCH_OTHER);
	ecs_bench_note(bench, BENCH_MACHINE, "", 0);
	assert_false(ecs_bench_judge(bench, phase("find_task")));
	ecs_bench_assert_says(bench, STEP_REFUSED, "mark");
}

/* ---- task_running ------------------------------------------------------ */

static void
assert_running_waits(struct ecs_bench *bench)
{
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	ecs_bench_assert_wait(bench);
}

static void
a_task_that_runs_with_its_address_is_done(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench);
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	assert_int_equal(bench->step.result, STEP_DONE);
	assert_true(bench->step.sighted);
	assert_true(bench->step.sighting.running);
	assert_string_equal(bench->step.sighting.address, "203.0.113.7:32768");
}

static void
a_task_that_ecs_does_not_show_yet_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench)->known = FACTS_MISSING;
	assert_running_waits(bench);
}

static void
a_task_that_starts_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_task *task = begin_running(bench);

	snprintf(task->last, sizeof(task->last), "PENDING");
	assert_running_waits(bench);
}

static void
a_task_that_stopped_at_once_is_refused_with_its_reason(void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_task *task = begin_running(bench);

	snprintf(task->last, sizeof(task->last), "STOPPED");
	snprintf(task->stop_code, sizeof(task->stop_code), "TaskFailedToStart");
	snprintf(task->reason, sizeof(task->reason), "CannotPullContainer");
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	ecs_bench_assert_says(bench, STEP_REFUSED,
			      "TaskFailedToStart CannotPullContainer");
}

static void
a_task_that_is_to_stop_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench)->to_stop = true;
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	assert_int_equal(bench->step.result, STEP_REFUSED);
}

static void
a_machine_that_ends_under_its_task_is_refused(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench);
	ecs_bench_machine(bench, BENCH_MACHINE, "shutting-down");
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	ecs_bench_assert_says(bench, STEP_REFUSED, "shutting-down");
}

static void
missing_bindings_are_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench)->nbinding = 0;
	assert_running_waits(bench);
	assert_true(bench->step.sighted);
	assert_false(bench->step.sighting.running);
}

static void
a_missing_address_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench);
	ecs_bench_machine(bench, BENCH_MACHINE, "running")->public_ip[0] = '\0';
	assert_running_waits(bench);
}

static void
bindings_of_other_containers_alone_are_refused(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench);
	snprintf(bench->site.config.gameserver_container, CONFIG_TEXT_SIZE,
		 "chess");
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	ecs_bench_assert_says(bench, STEP_REFUSED, "GAMESERVER_CONTAINER");
}

static void
a_task_on_another_machine_is_refused_and_not_taken_over(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench);
	ecs_bench_host(bench, BENCH_HOST, BENCH_OTHER_MACHINE);
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	ecs_bench_assert_says(bench, STEP_REFUSED, "elsewhere");
	assert_false(bench->step.sighted);
}

static void
a_host_that_ecs_does_not_show_just_now_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	begin_running(bench);
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE)->known = FACTS_MISSING;
	assert_running_waits(bench);
}

static void
a_draining_host_is_told_with_the_running_task(void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_host *host;

	begin_running(bench);
	host = ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE);
	snprintf(host->status, sizeof(host->status), "DRAINING");
	assert_false(ecs_bench_judge(bench, phase("task_running")));
	assert_int_equal(bench->step.result, STEP_DONE);
	assert_true(bench->step.sighting.leaving);
}

static void
an_unknown_phase_is_none(void **state)
{
	(void)state;
	assert_null(phase("find"));
	assert_null(phase(""));
}

UNIT_MAIN(
    BENCH_TEST(a_launch_checks_the_task_definition_before_it_costs_a_machine),
    BENCH_TEST(a_fargate_launch_needs_no_machine),
    BENCH_TEST(a_task_definition_without_the_container_is_refused),
    BENCH_TEST(of_several_containers_one_must_be_chosen),
    BENCH_TEST(of_several_ports_one_must_be_chosen),
    BENCH_TEST(a_port_that_is_not_mapped_is_refused),
    BENCH_TEST(a_network_mode_of_fargate_is_refused_for_machines),
    BENCH_TEST(a_description_that_cannot_be_read_is_asked_for_again),
    BENCH_TEST(the_recorded_request_pins_the_version_of_the_template),
    BENCH_TEST(a_template_that_does_not_exist_is_refused),
    BENCH_TEST(a_machine_that_was_made_is_joined_and_known),
    BENCH_TEST(a_lost_answer_of_run_instances_is_unknown),
    BENCH_TEST(within_the_hour_the_same_bytes_are_sent_again),
    BENCH_TEST(a_token_older_than_an_hour_is_not_sent_but_looked_for),
    BENCH_TEST(a_token_is_looked_for_when_the_clock_jumped_back),
    BENCH_TEST(throttled_run_instances_is_tried_again),
    BENCH_TEST(refused_keys_are_tried_again),
    BENCH_TEST(no_capacity_refuses_the_launch_and_holds_the_next_back),
    BENCH_TEST(a_full_quota_refuses_the_launch_and_holds_the_next_back),
    BENCH_TEST(a_mismatched_token_is_looked_for),
    BENCH_TEST(a_refusal_after_an_unknown_attempt_is_looked_for),
    BENCH_TEST(no_room_after_an_unknown_attempt_is_refused_at_once),
    BENCH_TEST(the_machine_is_found_by_its_mark),
    BENCH_TEST(another_fleets_machine_with_the_mark_is_not_it),
    BENCH_TEST(no_machine_is_believed_only_after_aws_is_consistent),
    BENCH_TEST(a_machine_that_ec2_does_not_show_yet_is_waited_for),
    BENCH_TEST(a_machine_that_never_joins_is_waited_for_until_the_deadline),
    BENCH_TEST(a_machine_that_ends_at_once_is_refused_with_its_reason),
    BENCH_TEST(a_host_counts_when_it_is_active_and_connected),
    BENCH_TEST(a_host_of_another_machine_is_not_it),
    BENCH_TEST(a_machine_that_joined_twice_counts_with_its_connected_host),
    BENCH_TEST(a_draining_host_is_refused),
    BENCH_TEST(a_note_that_cannot_be_read_is_refused),
    BENCH_TEST(the_task_is_pinned_to_its_machine_under_the_operations_token),
    BENCH_TEST(run_task_is_sent_again_within_the_hour),
    BENCH_TEST(a_task_older_than_an_hour_is_looked_for),
    BENCH_TEST(a_lost_answer_of_run_task_is_unknown),
    BENCH_TEST(an_answer_without_task_and_failure_is_unknown),
    BENCH_TEST(a_placed_task_is_watched_and_known),
    BENCH_TEST(a_conflict_leads_to_the_task_that_there_is),
    BENCH_TEST(a_conflict_that_names_no_task_is_refused),
    BENCH_TEST(a_disconnected_agent_is_tried_many_times),
    BENCH_TEST(missing_resources_are_tried_a_few_times),
    BENCH_TEST(each_try_has_a_token_of_its_own),
    BENCH_TEST(there_is_a_pause_between_tries),
    BENCH_TEST(a_cluster_that_does_not_show_its_host_yet_is_tried_again),
    BENCH_TEST(a_fargate_task_that_was_not_placed_is_refused),
    BENCH_TEST(the_task_is_found_by_its_mark),
    BENCH_TEST(a_task_with_another_mark_is_not_it),
    BENCH_TEST(a_task_that_runs_with_its_address_is_done),
    BENCH_TEST(a_task_that_ecs_does_not_show_yet_is_waited_for),
    BENCH_TEST(a_task_that_starts_is_waited_for),
    BENCH_TEST(a_task_that_stopped_at_once_is_refused_with_its_reason),
    BENCH_TEST(a_task_that_is_to_stop_is_refused),
    BENCH_TEST(a_machine_that_ends_under_its_task_is_refused),
    BENCH_TEST(missing_bindings_are_waited_for),
    BENCH_TEST(a_missing_address_is_waited_for),
    BENCH_TEST(bindings_of_other_containers_alone_are_refused),
    BENCH_TEST(a_task_on_another_machine_is_refused_and_not_taken_over),
    BENCH_TEST(a_host_that_ecs_does_not_show_just_now_is_waited_for),
    BENCH_TEST(a_draining_host_is_told_with_the_running_task),
    BENCH_TEST(an_unknown_phase_is_none))
