/* SPDX-License-Identifier: MIT */
/* RunTask, and until the task runs with its address. */
#include "tests/unit/scalerd/ecs_launch_bench.h"

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

UNIT_MAIN(
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
    BENCH_TEST(a_draining_host_is_told_with_the_running_task))
