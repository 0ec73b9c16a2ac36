/* SPDX-License-Identifier: MIT */
/* What a task, or a machine without one, is to the fleet. */
#include "tests/unit/scalerd/ecs_sight_bench.h"

#include <stdlib.h>

#define TASK_2 BENCH_TASK "2"

static void
drop_marks(struct ecs_bench *bench)
{
	struct facts_task *task = its_task(bench);

	task->fleet[0] = task->mark[0] = task->started_by[0] = '\0';
}

/* ---- whose is it ------------------------------------------------------- */

static void
a_running_task_of_the_fleet_is_a_gameserver_of_ours(void **state)
{
	const struct sighting seen = sight(*state);

	assert_true(seen.ours);
	assert_true(seen.running);
	assert_false(seen.gone);
	assert_false(seen.leaving);
	assert_false(seen.shares_host);
	assert_string_equal(seen.ref, BENCH_TASK);
	assert_string_equal(seen.mark, BENCH_MARK);
	assert_string_equal(seen.instance, BENCH_MACHINE);
	assert_string_equal(seen.address, "203.0.113.7:32768");
}

static void
a_task_is_ours_by_who_started_it(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->fleet[0] = '\0';
	assert_true(sight(bench).ours);
}

static void
a_task_is_ours_by_its_tag(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->started_by[0] = '\0';
	assert_true(sight(bench).ours);
}

static void
a_fleet_whose_name_begins_alike_is_another(void **state)
{
	struct ecs_bench *bench = *state;

	drop_marks(bench);
	snprintf(its_task(bench)->started_by, FACTS_NAME_SIZE, "gsm/blitz2");
	assert_false(is_sighted(bench));
}

static void
another_managers_task_is_none_of_our_business(void **state)
{
	struct ecs_bench *bench = *state;

	drop_marks(bench);
	snprintf(its_task(bench)->started_by, FACTS_NAME_SIZE, "gsm/rapid");
	assert_false(is_sighted(bench));
	drop_marks(bench);
	snprintf(its_task(bench)->fleet, FACTS_NAME_SIZE, "rapid");
	assert_false(is_sighted(bench));
}

static void
an_unmarked_task_is_served_but_not_ours(void **state)
{
	struct ecs_bench *bench = *state;
	struct sighting seen;

	drop_marks(bench);
	snprintf(its_task(bench)->started_by, FACTS_NAME_SIZE, "ecs-svc/1");
	seen = sight(bench);
	assert_false(seen.ours);
	assert_true(seen.running);
	assert_string_equal(seen.mark, "");
}

static void
an_operations_tag_alone_is_no_mark(void **state)
{
	struct ecs_bench *bench = *state;

	drop_marks(bench);
	snprintf(its_task(bench)->mark, MARK_SIZE, BENCH_OTHER);
	assert_string_equal(sight(bench).mark, "");
}

static void
with_adopt_off_an_unmarked_task_is_left_alone(void **state)
{
	struct ecs_bench *bench = *state;

	bench->site.config.adopt = CONFIG_ADOPT_OFF;
	assert_true(is_sighted(bench));
	drop_marks(bench);
	assert_false(is_sighted(bench));
}

/* ---- how it is --------------------------------------------------------- */

static void
a_stopped_task_is_gone(void **state)
{
	struct ecs_bench *bench = *state;
	struct sighting seen;

	snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "STOPPED");
	seen = sight(bench);
	assert_true(seen.gone);
	assert_false(seen.running);
}

static void
a_task_on_a_terminated_machine_is_gone(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "terminated");
	assert_true(sight(bench).gone);
	assert_false(sight(bench).running);
}

static void
a_task_on_a_machine_that_was_stopped_is_gone(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "stopping");
	assert_false(sight(bench).gone);
	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "stopped");
	assert_true(sight(bench).gone);
}

static void
a_task_whose_machine_ec2_does_not_show_is_not_gone(void **state)
{
	struct ecs_bench *bench = *state;

	its_machine(bench)->known = FACTS_MISSING;
	assert_false(sight(bench).gone);
	assert_false(sight(bench).running);
}

static void
a_task_that_starts_does_not_run(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "PENDING");
	assert_false(sight(bench).running);
	assert_false(sight(bench).gone);
	assert_false(sight(bench).leaving);
}

static void
a_task_that_is_to_stop_leaves(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->to_stop = true;
	assert_true(sight(bench).leaving);
	assert_false(sight(bench).gone);
}

static void
a_task_that_is_stopping_leaves(void **state)
{
	static const char *const names[] = {"DEACTIVATING", "STOPPING",
					    "DEPROVISIONING"};
	struct ecs_bench *bench = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "%s",
			 names[i]);
		assert_true(sight(bench).leaving);
		assert_false(sight(bench).running);
	}
}

static void
a_task_on_a_draining_host_leaves_and_runs_on(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_host(bench)->status, FACTS_WORD_SIZE, "DRAINING");
	assert_true(sight(bench).leaving);
	assert_true(sight(bench).running);
}

static void
a_task_on_a_machine_that_shuts_down_leaves(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "shutting-down");
	assert_true(sight(bench).leaving);
	assert_false(sight(bench).gone);
}

static void
an_agent_that_reconnects_changes_nothing(void **state)
{
	struct ecs_bench *bench = *state;

	its_host(bench)->connected = false;
	assert_false(sight(bench).leaving);
	assert_true(sight(bench).running);
}

static void
another_task_on_the_host_shares_it(void **state)
{
	struct ecs_bench *bench = *state;

	its_host(bench)->tasks = 2;
	assert_true(sight(bench).shares_host);
	its_host(bench)->tasks = 1;
	its_task(bench)->to_stop = true;
	assert_true(sight(bench).shares_host);
}

static void
a_fargate_task_shares_no_host(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->host[0] = '\0';
	assert_false(sight(bench).shares_host);
	assert_string_equal(sight(bench).instance, "");
}

/* ---- the fleet --------------------------------------------------------- */

static void
every_seen_task_of_the_fleet_is_sighted(void **state)
{
	struct ecs_bench *bench = *state;
	struct seen seen;

	ecs_bench_task(bench, TASK_2, "PENDING");
	facts_task(bench->facts, BENCH_TASK "3")->known = FACTS_MISSING;
	seen = sight_fleet(bench, NULL, 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.sighting[0].ref, BENCH_TASK);
	assert_string_equal(seen.sighting[1].ref, TASK_2);
	free(seen.sighting);
}

static void
assert_machine_sighted(struct ecs_bench *bench, const struct known *known,
		       size_t nknown, bool wanted)
{
	const struct seen seen = sight_fleet(bench, known, nknown);

	assert_int_equal(seen.n, wanted ? 1 : 0);
	if (wanted) {
		assert_string_equal(seen.sighting[0].mark, BENCH_MARK);
		assert_string_equal(seen.sighting[0].instance, BENCH_MACHINE);
		assert_string_equal(seen.sighting[0].ref, "");
		assert_true(seen.sighting[0].ours);
		assert_false(seen.sighting[0].running);
		assert_false(seen.sighting[0].gone);
	}
	free(seen.sighting);
}

/* A machine alone, in the given state. */
static void
leave_machine(struct ecs_bench *bench, const char *how)
{
	facts_clear(bench->facts);
	ecs_bench_machine(bench, BENCH_MACHINE, how);
}

static void
a_marked_machine_without_a_task_is_a_launch(void **state)
{
	leave_machine(*state, "pending");
	assert_machine_sighted(*state, NULL, 0, true);
	leave_machine(*state, "stopped");
	assert_machine_sighted(*state, NULL, 0, true);
}

static void
a_machine_of_a_known_launch_is_still_told(void **state)
{
	const struct known known = {.mark = BENCH_MARK, .ref = ""};

	leave_machine(*state, "running");
	assert_machine_sighted(*state, &known, 1, true);
}

static void
a_machine_whose_task_is_known_is_not_told(void **state)
{
	const struct known known[] = {{.mark = BENCH_OTHER, .ref = TASK_2},
				      {.mark = BENCH_MARK, .ref = BENCH_TASK}};

	leave_machine(*state, "running");
	assert_machine_sighted(*state, known, 2, false);
}

static void
a_machine_that_ends_is_not_told(void **state)
{
	leave_machine(*state, "shutting-down");
	assert_machine_sighted(*state, NULL, 0, false);
	leave_machine(*state, "terminated");
	assert_machine_sighted(*state, NULL, 0, false);
}

static void
a_foreign_or_unmarked_machine_is_not_told(void **state)
{
	struct ecs_bench *bench = *state;

	leave_machine(bench, "running");
	snprintf(its_machine(bench)->fleet, FACTS_NAME_SIZE, "rapid");
	assert_machine_sighted(bench, NULL, 0, false);
	leave_machine(bench, "running");
	its_machine(bench)->fleet[0] = '\0';
	assert_machine_sighted(bench, NULL, 0, false);
	leave_machine(bench, "running");
	its_machine(bench)->mark[0] = '\0';
	assert_machine_sighted(bench, NULL, 0, false);
}

UNIT_MAIN(RUNNING_TEST(a_running_task_of_the_fleet_is_a_gameserver_of_ours),
	  RUNNING_TEST(a_task_is_ours_by_who_started_it),
	  RUNNING_TEST(a_task_is_ours_by_its_tag),
	  RUNNING_TEST(a_fleet_whose_name_begins_alike_is_another),
	  RUNNING_TEST(another_managers_task_is_none_of_our_business),
	  RUNNING_TEST(an_unmarked_task_is_served_but_not_ours),
	  RUNNING_TEST(an_operations_tag_alone_is_no_mark),
	  RUNNING_TEST(with_adopt_off_an_unmarked_task_is_left_alone),
	  RUNNING_TEST(a_stopped_task_is_gone),
	  RUNNING_TEST(a_task_on_a_terminated_machine_is_gone),
	  RUNNING_TEST(a_task_on_a_machine_that_was_stopped_is_gone),
	  RUNNING_TEST(a_task_whose_machine_ec2_does_not_show_is_not_gone),
	  RUNNING_TEST(a_task_that_starts_does_not_run),
	  RUNNING_TEST(a_task_that_is_to_stop_leaves),
	  RUNNING_TEST(a_task_that_is_stopping_leaves),
	  RUNNING_TEST(a_task_on_a_draining_host_leaves_and_runs_on),
	  RUNNING_TEST(a_task_on_a_machine_that_shuts_down_leaves),
	  RUNNING_TEST(an_agent_that_reconnects_changes_nothing),
	  RUNNING_TEST(another_task_on_the_host_shares_it),
	  RUNNING_TEST(a_fargate_task_shares_no_host),
	  RUNNING_TEST(every_seen_task_of_the_fleet_is_sighted),
	  RUNNING_TEST(a_marked_machine_without_a_task_is_a_launch),
	  RUNNING_TEST(a_machine_of_a_known_launch_is_still_told),
	  RUNNING_TEST(a_machine_whose_task_is_known_is_not_told),
	  RUNNING_TEST(a_machine_that_ends_is_not_told),
	  RUNNING_TEST(a_foreign_or_unmarked_machine_is_not_told))
