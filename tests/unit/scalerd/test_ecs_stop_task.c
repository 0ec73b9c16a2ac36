/* SPDX-License-Identifier: MIT */
/* Stopping: the host is drained, the task stopped and watched. */
#include "tests/unit/scalerd/ecs_stop_bench.h"

static void
a_drained_host_is_looked_at_again(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_answer(bench, phase("drain_host"), "{}");
	ecs_bench_assert_next(bench, "find_drained", "{");
}

static void
a_host_that_cannot_be_drained_does_not_hold_the_stop_up(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("drain_host"), "AccessDeniedException",
			 400, "no", "");
	ecs_bench_assert_next(bench, "find_drained", "{");
}

static void
a_lost_answer_is_asked_for_again(void **state)
{
	static const char *const names[] = {"drain_host", "stop_task",
					    "terminate_instance"};
	struct ecs_bench *bench = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ecs_bench_lose(bench, phase(names[i]));
		assert_int_equal(bench->step.result, STEP_UNKNOWN);
	}
}

static void
a_stopped_task_is_watched(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_answer(bench, phase("stop_task"), "{}");
	ecs_bench_assert_next(bench, "task_stopping", "{");
}

static void
a_task_that_ecs_does_not_find_is_watched(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("stop_task"), "InvalidParameterException",
			 400, "The referenced task was not found.", "");
	ecs_bench_assert_next(bench, "task_stopping", "{");
}

static void
a_refused_stop_is_said(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("stop_task"), "AccessDeniedException",
			 400, "no", "");
	ecs_bench_assert_says(bench, STEP_REFUSED, "StopTask");
}

static void
a_task_that_is_stopping_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_answer(bench, phase("stop_task"), "{}");
	ecs_bench_record(bench);
	its_task(bench)->to_stop = true;
	bench->now_utc_ms += ECS_STOP_MAX_MS - 1;
	assert_judged_wait(bench, "task_stopping");
}

static void
a_task_that_stopped_lets_its_machine_end(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	assert_judged_next(bench, "task_stopping", "terminate_instance",
			   BENCH_MACHINE);
}

static void
a_task_that_was_not_told_to_stop_is_told_again(void **state)
{
	struct ecs_bench *bench = *state;

	bench->now_utc_ms += ECS_CONSISTENT_MS - 1;
	assert_judged_wait(bench, "task_stopping");
	bench->now_utc_ms += 1;
	assert_judged_next(bench, "task_stopping", "stop_task", BENCH_TASK);
}

static void
a_task_whose_agent_is_gone_ends_with_its_machine(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->to_stop = true;
	its_host(bench)->tasks = 0;
	its_host(bench)->connected = false;
	bench->now_utc_ms += ECS_STOP_MAX_MS;
	assert_judged_next(bench, "task_stopping", "terminate_instance",
			   BENCH_MACHINE);
	ecs_bench_record(bench);
	assert_true(ecs_bench_judge(bench, phase("terminate_instance")));
}

static void
a_task_that_never_ends_beside_another_is_said(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->to_stop = true;
	bench->now_utc_ms += ECS_STOP_MAX_MS;
	assert_false(ecs_bench_judge(bench, phase("task_stopping")));
	ecs_bench_assert_says(bench, STEP_UNKNOWN, "does not end");
}

static void
a_fargate_task_is_stopped_and_that_is_all(void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_task *task;

	bench->gameserver.instance[0] = '\0';
	facts_clear(bench->facts);
	task = ecs_bench_task(bench, BENCH_TASK, "RUNNING");
	task->host[0] = '\0';
	assert_judged_next(bench, "find", "stop_task", BENCH_TASK);
	snprintf(task->last, sizeof(task->last), "DEPROVISIONING");
	assert_judged_wait(bench, "task_stopping");
	snprintf(task->last, sizeof(task->last), "STOPPED");
	assert_judged(bench, "task_stopping", STEP_DONE);
}

UNIT_MAIN(RUNNING_TEST(a_drained_host_is_looked_at_again),
	  RUNNING_TEST(a_host_that_cannot_be_drained_does_not_hold_the_stop_up),
	  RUNNING_TEST(a_lost_answer_is_asked_for_again),
	  RUNNING_TEST(a_stopped_task_is_watched),
	  RUNNING_TEST(a_task_that_ecs_does_not_find_is_watched),
	  RUNNING_TEST(a_refused_stop_is_said),
	  RUNNING_TEST(a_task_that_is_stopping_is_waited_for),
	  RUNNING_TEST(a_task_that_stopped_lets_its_machine_end),
	  RUNNING_TEST(a_task_that_was_not_told_to_stop_is_told_again),
	  RUNNING_TEST(a_task_whose_agent_is_gone_ends_with_its_machine),
	  RUNNING_TEST(a_task_that_never_ends_beside_another_is_said),
	  RUNNING_TEST(a_fargate_task_is_stopped_and_that_is_all))
