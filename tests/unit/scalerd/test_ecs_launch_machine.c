/* SPDX-License-Identifier: MIT */
/* RunInstances, and until the machine has joined the cluster. */
#include "tests/unit/scalerd/ecs_launch_bench.h"

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

UNIT_MAIN(
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
    BENCH_TEST(a_note_that_cannot_be_read_is_refused))
