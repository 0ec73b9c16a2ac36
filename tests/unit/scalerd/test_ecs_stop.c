/* SPDX-License-Identifier: MIT */
/* Stopping: how it begins, and what is looked for and found. */
#include "tests/unit/scalerd/ecs_stop_bench.h"

/* ---- prepare ----------------------------------------------------------- */

static void
a_stop_begins_with_a_look(void **state)
{
	struct ecs_bench *bench = *state;
	struct err err;

	assert_true(
	    ecs_stop_prepare(&bench->gameserver, &bench->operation, &err));
	assert_string_equal(bench->operation.phase, "find");
	assert_non_null(strstr(bench->operation.request, BENCH_TASK));
}

static void
what_is_not_ours_is_not_stopped(void **state)
{
	struct ecs_bench *bench = *state;
	struct err err;

	bench->gameserver.ours = false;
	assert_false(
	    ecs_stop_prepare(&bench->gameserver, &bench->operation, &err));
	bench->gameserver.ours = true;
	bench->gameserver.mark[0] = '\0';
	assert_false(
	    ecs_stop_prepare(&bench->gameserver, &bench->operation, &err));
}

/* ---- find -------------------------------------------------------------- */

static void
the_host_of_the_last_task_is_drained_first(void **state)
{
	assert_judged_next(*state, "find", "drain_host", BENCH_HOST);
}

static void
a_host_with_another_task_is_not_drained(void **state)
{
	struct ecs_bench *bench = *state;

	its_host(bench)->tasks = 2;
	assert_judged_next(bench, "find", "stop_task", BENCH_TASK);
}

static void
a_draining_host_is_not_drained_again(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_host(bench)->status, FACTS_WORD_SIZE, "DRAINING");
	assert_judged_next(bench, "find", "stop_task", BENCH_TASK);
}

static void
a_foreign_host_is_not_drained(void **state)
{
	struct ecs_bench *bench = *state;

	its_machine(bench)->fleet[0] = '\0';
	assert_judged_next(bench, "find", "stop_task", BENCH_TASK);
}

static void
the_stop_says_why(void **state)
{
	struct ecs_bench *bench = *state;

	assert_judged_next(bench, "find_drained", "stop_task", "proven_empty");
}

static void
a_task_of_another_fleet_under_its_ref_is_not_stopped(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_task(bench)->fleet, FACTS_NAME_SIZE, "rapid");
	snprintf(its_task(bench)->started_by, FACTS_NAME_SIZE, "gsm/rapid");
	end_machine(bench, "terminated");
	snprintf(its_host(bench)->machine, FACTS_ID_SIZE, BENCH_OTHER_MACHINE);
	assert_judged(bench, "find", STEP_DONE);
}

static void
without_a_task_the_machine_ends(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	assert_judged_next(bench, "find", "terminate_instance", BENCH_MACHINE);
}

static void
an_adopted_orphan_without_a_task_ends(void **state)
{
	struct ecs_bench *bench = *state;

	bench->gameserver.ref[0] = '\0';
	its_task(bench)->known = FACTS_MISSING;
	its_host(bench)->tasks = 0;
	assert_judged_next(bench, "find", "terminate_instance", BENCH_MACHINE);
}

static void
a_machine_that_never_joined_ends(void **state)
{
	struct ecs_bench *bench = *state;

	bench->gameserver.ref[0] = '\0';
	its_task(bench)->known = FACTS_MISSING;
	its_host(bench)->known = FACTS_MISSING;
	assert_judged_next(bench, "find", "terminate_instance", BENCH_MACHINE);
}

static void
a_task_whose_answer_was_lost_is_found_by_its_mark(void **state)
{
	struct ecs_bench *bench = *state;
	struct look_subject subject = {.host_tasks = false};
	const struct ecs_job job = {.site = &bench->site,
				    .operation = &bench->operation,
				    .gameserver = &bench->gameserver};
	struct err err;

	bench->gameserver.ref[0] = '\0';
	assert_true(phase("find")->subject(&job, &subject, &err));
	assert_true(subject.host_tasks);
	assert_judged_next(bench, "find_drained", "stop_task", BENCH_TASK);
	assert_string_equal(bench->step.sighting.ref, BENCH_TASK);
}

static void
a_task_with_another_mark_is_not_stopped(void **state)
{
	struct ecs_bench *bench = *state;

	bench->gameserver.ref[0] = '\0';
	snprintf(its_task(bench)->mark, MARK_SIZE, BENCH_OTHER);
	assert_judged_next(bench, "find", "terminate_instance", BENCH_MACHINE);
	ecs_bench_record(bench);
	assert_judged_wait(bench, "terminate_instance");
}

static void
a_foreign_machine_is_never_terminated(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	snprintf(its_machine(bench)->fleet, FACTS_NAME_SIZE, "rapid");
	assert_judged(bench, "find", STEP_DONE);
	record_terminate(bench);
	assert_judged(bench, "terminate_instance", STEP_DONE);
}

static void
a_machine_with_another_mark_is_never_terminated(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	snprintf(its_machine(bench)->mark, MARK_SIZE, BENCH_OTHER);
	assert_judged(bench, "find", STEP_DONE);
	record_terminate(bench);
	assert_judged(bench, "terminate_instance", STEP_DONE);
}

/* Nothing of it is to be seen. */
static void
hide_all(struct ecs_bench *bench)
{
	bench->gameserver.ref[0] = '\0';
	bench->gameserver.instance[0] = '\0';
	facts_clear(bench->facts);
}

static void
nothing_is_believed_only_after_aws_is_consistent(void **state)
{
	struct ecs_bench *bench = *state;

	hide_all(bench);
	ecs_bench_age(bench, ECS_CONSISTENT_MS - 1);
	assert_judged_wait(bench, "find");
	ecs_bench_age(bench, ECS_CONSISTENT_MS);
	assert_judged(bench, "find", STEP_DONE);
}

static void
a_launch_that_was_refused_before_anything_was_made_is_over_at_once(void **state)
{
	struct ecs_bench *bench = *state;

	hide_all(bench);
	bench->operation.reason = REASON_LAUNCH_REFUSED;
	assert_judged(bench, "find", STEP_DONE);
}

static void
a_machine_that_aws_terminated_is_over_at_once(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	end_machine(bench, "terminated");
	assert_judged(bench, "find", STEP_DONE);
}

static void
a_machine_that_shuts_down_is_waited_for(void **state)
{
	struct ecs_bench *bench = *state;

	stop_task(bench);
	end_machine(bench, "shutting-down");
	ecs_bench_age(bench, 10 * ECS_CONSISTENT_MS);
	assert_judged_wait(bench, "find");
}

/* Whatever ECS thinks of the task: its agent can't tell. */
static void
a_stopped_machine_is_terminated(void **state)
{
	struct ecs_bench *bench = *state;

	its_host(bench)->connected = false;
	end_machine(bench, "stopped");
	assert_judged_next(bench, "find", "terminate_instance", BENCH_MACHINE);
	ecs_bench_record(bench);
	assert_true(ecs_bench_judge(bench, phase("terminate_instance")));
}

static void
a_task_that_ecs_thinks_to_run_on_a_terminated_machine_is_over(void **state)
{
	struct ecs_bench *bench = *state;

	its_host(bench)->connected = false;
	end_machine(bench, "terminated");
	assert_judged(bench, "find", STEP_DONE);
	assert_judged(bench, "task_stopping", STEP_DONE);
}

static void
an_unknown_phase_is_none(void **state)
{
	(void)state;
	assert_null(phase("join"));
}

UNIT_MAIN(
    RUNNING_TEST(a_stop_begins_with_a_look),
    RUNNING_TEST(what_is_not_ours_is_not_stopped),
    RUNNING_TEST(the_host_of_the_last_task_is_drained_first),
    RUNNING_TEST(a_host_with_another_task_is_not_drained),
    RUNNING_TEST(a_draining_host_is_not_drained_again),
    RUNNING_TEST(a_foreign_host_is_not_drained),
    RUNNING_TEST(the_stop_says_why),
    RUNNING_TEST(a_task_of_another_fleet_under_its_ref_is_not_stopped),
    RUNNING_TEST(without_a_task_the_machine_ends),
    RUNNING_TEST(an_adopted_orphan_without_a_task_ends),
    RUNNING_TEST(a_machine_that_never_joined_ends),
    RUNNING_TEST(a_task_whose_answer_was_lost_is_found_by_its_mark),
    RUNNING_TEST(a_task_with_another_mark_is_not_stopped),
    RUNNING_TEST(a_foreign_machine_is_never_terminated),
    RUNNING_TEST(a_machine_with_another_mark_is_never_terminated),
    RUNNING_TEST(nothing_is_believed_only_after_aws_is_consistent),
    RUNNING_TEST(
	a_launch_that_was_refused_before_anything_was_made_is_over_at_once),
    RUNNING_TEST(a_machine_that_aws_terminated_is_over_at_once),
    RUNNING_TEST(a_machine_that_shuts_down_is_waited_for),
    RUNNING_TEST(a_stopped_machine_is_terminated),
    RUNNING_TEST(a_task_that_ecs_thinks_to_run_on_a_terminated_machine_is_over),
    RUNNING_TEST(an_unknown_phase_is_none))
