/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/ecs_bench.h"

#include "scalerd/aws/ec2_request.h"

#include <stdlib.h>

static const struct ecs_phase *
phase(const char *name)
{
	return ecs_stop_phase(name);
}

/* Machine, host and task as they are while the gameserver runs, with its row.
 */
static int
open_running(void **state)
{
	struct ecs_bench *bench;
	struct gameserver *row;

	if (ecs_bench_open(state) != 0)
		return -1;
	bench = *state;
	row = &bench->gameserver;
	snprintf(row->instance, sizeof(row->instance), "%s", BENCH_MACHINE);
	snprintf(row->ref, sizeof(row->ref), "%s", BENCH_TASK);
	bench->operation.kind = OP_STOP;
	bench->operation.reason = REASON_PROVEN_EMPTY;
	ecs_bench_note(bench, BENCH_MACHINE, BENCH_TASK, 0);
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE)->tasks = 1;
	ecs_bench_task(bench, BENCH_TASK, "RUNNING");
	return 0;
}

#define RUNNING_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, open_running, ecs_bench_close)

static void
stop_task(struct ecs_bench *bench)
{
	snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "STOPPED");
	its_task(bench)->to_stop = true;
	its_host(bench)->tasks = 0;
}

static void
end_machine(struct ecs_bench *bench, const char *how)
{
	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "%s", how);
}

/* The request to terminate its machine is recorded. */
static void
record_terminate(struct ecs_bench *bench)
{
	char *request = ec2_terminate(BENCH_MACHINE);

	assert_non_null(request);
	snprintf(bench->operation.request, REQUEST_SIZE, "%s", request);
	free(request);
}

static void
assert_judged_next(struct ecs_bench *bench, const char *in, const char *to,
		   const char *text)
{
	assert_false(ecs_bench_judge(bench, phase(in)));
	ecs_bench_assert_next(bench, to, text);
}

static void
assert_judged_wait(struct ecs_bench *bench, const char *in)
{
	assert_false(ecs_bench_judge(bench, phase(in)));
	ecs_bench_assert_wait(bench);
}

static void
assert_judged(struct ecs_bench *bench, const char *in, enum step_result result)
{
	assert_false(ecs_bench_judge(bench, phase(in)));
	assert_int_equal(bench->step.result, result);
}

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

/* ---- drain, stop the task ---------------------------------------------- */

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

/* ---- the machine ------------------------------------------------------- */

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
    RUNNING_TEST(a_drained_host_is_looked_at_again),
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
    RUNNING_TEST(a_fargate_task_is_stopped_and_that_is_all),
    RUNNING_TEST(the_machine_ends_when_nothing_runs_on_it),
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
	a_machine_that_still_shows_up_is_terminated_again_after_a_while),
    RUNNING_TEST(an_unknown_phase_is_none))
