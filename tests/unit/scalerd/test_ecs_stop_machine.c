/* SPDX-License-Identifier: MIT */
/* Stopping: the end of the machine, once nothing runs on it. */
#include "tests/unit/scalerd/ecs_stop_bench.h"

static void
the_machine_ends_when_nothing_runs_on_it(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	record_terminate(bench);
	assert_true(ecs_bench_judge(bench, phase("terminate_instance")));
}

static void
a_resumed_terminate_looks_again(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	record_terminate(bench);
	its_host(bench)->tasks = 1;
	assert_judged_wait(bench, "terminate_instance");
}

static void
a_machine_with_another_task_is_kept_and_said(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	record_terminate(bench);
	its_host(bench)->tasks = 1;
	ecs_bench_age(bench, ECS_CONSISTENT_MS);
	assert_false(ecs_bench_judge(bench, phase("terminate_instance")));
	ecs_bench_assert_says(bench, STEP_UNKNOWN,
			      BENCH_MACHINE ": it is not terminated");
}

static void
tasks_count_on_every_host_of_the_machine(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	record_terminate(bench);
	its_host(bench)->tasks = 1;
	ecs_bench_host(bench, BENCH_HOST_2, BENCH_MACHINE);
	assert_judged_wait(bench, "terminate_instance");
}

static void
a_task_of_its_own_that_shows_up_late_is_stopped_first(void **state)
{
	struct ecs_bench *bench = *state;

	bench->gameserver.ref[0] = '\0';
	record_terminate(bench);
	ecs_bench_age(bench, 10 * ECS_CONSISTENT_MS);
	assert_judged_next(bench, "terminate_instance", "stop_task",
			   BENCH_TASK);
}

static void
a_task_of_its_own_that_is_stopping_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->to_stop = true;
	its_host(bench)->tasks = 0;
	record_terminate(bench);
	assert_judged_wait(bench, "terminate_instance");
}

static void
only_the_machine_that_was_looked_at_is_terminated(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	record_terminate(bench);
	its_machine(bench)->known = FACTS_MISSING;
	ecs_bench_machine(bench, BENCH_OTHER_MACHINE, "running");
	assert_judged_next(bench, "terminate_instance", "terminate_instance",
			   BENCH_OTHER_MACHINE);
}

static void
a_machine_that_is_gone_needs_no_end(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	record_terminate(bench);
	end_machine(bench, "terminated");
	assert_judged(bench, "terminate_instance", STEP_DONE);
}

static void
a_terminated_machine_is_watched(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_answer(bench, phase("terminate_instance"), "<x/>");
	ecs_bench_assert_next(bench, "instance_terminating", "{");
}

static void
a_machine_that_ec2_does_not_find_is_watched(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("terminate_instance"),
			 "InvalidInstanceID.NotFound", 400, "none", "");
	ecs_bench_assert_next(bench, "instance_terminating", "{");
}

static void
a_protected_machine_is_said(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_refuse(bench, phase("terminate_instance"),
			 "OperationNotPermitted", 400, "protected", "");
	ecs_bench_assert_says(bench, STEP_REFUSED, "OperationNotPermitted");
}

static void
the_stop_is_done_when_ec2_says_terminated(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	end_machine(bench, "shutting-down");
	assert_judged_wait(bench, "instance_terminating");
	end_machine(bench, "terminated");
	assert_judged(bench, "instance_terminating", STEP_DONE);
}

/* However long the steps before took, and however old the operation is. */
static void
a_machine_that_still_shows_up_is_terminated_again_after_a_while(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	ecs_bench_age(bench, 10 * ECS_CONSISTENT_MS);
	ecs_bench_answer(bench, phase("terminate_instance"), "<x/>");
	ecs_bench_record(bench);
	assert_judged_wait(bench, "instance_terminating");
	bench->now_utc_ms += ECS_CONSISTENT_MS;
	assert_judged_next(bench, "instance_terminating", "terminate_instance",
			   BENCH_MACHINE);
}

UNIT_MAIN(RUNNING_TEST(the_machine_ends_when_nothing_runs_on_it),
	  RUNNING_TEST(a_resumed_terminate_looks_again),
	  RUNNING_TEST(a_machine_with_another_task_is_kept_and_said),
	  RUNNING_TEST(tasks_count_on_every_host_of_the_machine),
	  RUNNING_TEST(a_task_of_its_own_that_shows_up_late_is_stopped_first),
	  RUNNING_TEST(a_task_of_its_own_that_is_stopping_is_waited_for),
	  RUNNING_TEST(only_the_machine_that_was_looked_at_is_terminated),
	  RUNNING_TEST(a_machine_that_is_gone_needs_no_end),
	  RUNNING_TEST(a_terminated_machine_is_watched),
	  RUNNING_TEST(a_machine_that_ec2_does_not_find_is_watched),
	  RUNNING_TEST(a_protected_machine_is_said),
	  RUNNING_TEST(the_stop_is_done_when_ec2_says_terminated),
	  RUNNING_TEST(
	      a_machine_that_still_shows_up_is_terminated_again_after_a_while))
