/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <dirent.h>

#include "tests/unit/scalerd/ecs_world.h"

enum { TURN_MS = 20, TURNS = 10 };

/* What would be answered a second time comes now. */
static void
let_time_pass(struct conformance *c)
{
	for (int i = 0; i < TURNS; i++)
		c->pass(c, TURN_MS);
}

/* ---- listing ----------------------------------------------------------- */

static void
a_list_of_many_tasks_is_read_page_by_page(void **state)
{
	struct conformance *c = *state;

	ecs_world_run_tasks(c, 250);
	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 250);
	for (size_t i = 0; i < c->listing.nsighting; i++)
		assert_true(c->seen[i].ours);
	/* The second and the third page, of a hundred each. */
	assert_true(ecs_world_count(c, "\"nextToken\": ") >= 2);
}

static void
a_page_that_fails_makes_the_list_incomplete(void **state)
{
	struct conformance *c = *state;

	ecs_world_run_tasks(c, 20);
	ecs_world_order(c, "{\"settings\":{\"page_size\":5},\"faults\":["
			   "{\"action\":\"ListTasks\",\"match\":\"nextToken\","
			   "\"kind\":\"access_denied\",\"after\":1}]}");
	conformance_try_list(c);
	assert_false(c->listing.complete);
	assert_int_equal(c->listing.nsighting, 0);
	assert_non_null(strstr(c->listing.detail, "AccessDeniedException"));
	/* The next one is whole again. */
	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 20);
}

static void
a_known_one_that_has_stopped_is_listed_as_gone(void **state)
{
	struct conformance *c = *state;
	int64_t deadline_ms = loop_now_ms() + ECS_WORLD_DEADLINE_MS;
	struct operation operation;
	struct gameserver row;
	struct known known;

	conformance_launch(c, &operation, &row);
	conformance_prepare(c, OP_STOP, &row, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
	known = (struct known){.mark = row.mark, .ref = row.ref};
	c->nlisted = 0;
	c->port.list(c->port.self, &known, 1);
	while (c->nlisted == 0) {
		assert_true(loop_now_ms() < deadline_ms);
		c->pass(c, TURN_MS);
	}
	assert_true(c->listing.complete);
	assert_int_equal(c->listing.nsighting, 1);
	assert_string_equal(c->seen[0].ref, row.ref);
	assert_true(c->seen[0].gone);
}

/* ---- answers ----------------------------------------------------------- */

static void
calls_that_fail_are_answered_once(void **state)
{
	struct conformance *c = *state;
	struct operation operation;

	ecs_world_order(c, "{\"faults\":[{\"action\":\"*\",\"times\":-1,"
			   "\"kind\":\"access_denied\"}]}");
	conformance_try_list(c);
	assert_false(c->listing.complete);
	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	assert_int_equal(conformance_step(c, &operation)->result, STEP_REFUSED);
	let_time_pass(c);
	assert_int_equal(c->nlisted, 1);
	assert_int_equal(c->nstepped, 1);
}

static void
a_phase_that_nobody_knows_is_refused_once(void **state)
{
	struct conformance *c = *state;
	struct operation operation;

	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	snprintf(operation.phase, sizeof(operation.phase), "fly");
	assert_int_equal(conformance_step(c, &operation)->result, STEP_REFUSED);
	let_time_pass(c);
	assert_int_equal(c->nstepped, 1);
}

static void
lost_answers_make_no_second_machine_and_no_second_task(void **state)
{
	struct conformance *c = *state;
	struct operation operation;
	struct gameserver row;

	ecs_world_order(c, "{\"faults\":["
			   "{\"action\":\"RunInstances\",\"times\":3,"
			   "\"kind\":\"drop_after\"},"
			   "{\"action\":\"RunTask\",\"times\":3,"
			   "\"kind\":\"500_after\"}]}");
	conformance_launch(c, &operation, &row);
	assert_true(ecs_world_count(c, "\"action\": \"RunInstances\"") > 3);
	assert_true(ecs_world_count(c, "\"action\": \"RunTask\"") > 3);
	assert_int_equal(ecs_world_count(c, "\"instance_launched\""), 1);
	assert_int_equal(ecs_world_count(c, "\"task_launched\""), 1);
}

/* ---- closing ----------------------------------------------------------- */

static int
count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void
closed_with_calls_out_it_leaves_nothing(void **state)
{
	struct conformance *c = *state;
	const struct known nobody = {.mark = "", .ref = ""};
	int64_t deadline_ms = loop_now_ms() + ECS_WORLD_DEADLINE_MS;
	struct operation launch, stop;
	int descriptors;

	c->close(c);
	descriptors = count_descriptors();
	c->open(c);
	ecs_world_order(c, "{\"faults\":[{\"action\":\"*\",\"times\":-1,"
			   "\"kind\":\"hang_before\"}]}");
	conformance_prepare(c, OP_LAUNCH, NULL, &launch);
	conformance_prepare(c, OP_STOP, &c->row[0], &stop);
	c->port.list(c->port.self, &nobody, 0);
	c->port.launch(c->port.self, &launch, &c->row[0]);
	c->port.stop(c->port.self, &stop, &c->row[1]);
	/* Of each of the three at least one. */
	while (ecs_world_count(c, "\"hang_before\"") < 3 ||
	       ecs_world_count(c, "\"DescribeTaskDefinition\"") < 1 ||
	       ecs_world_count(c, "\"DescribeInstances\"") < 2) {
		assert_true(loop_now_ms() < deadline_ms);
		c->pass(c, TURN_MS);
	}
	c->close(c);
	assert_int_equal(count_descriptors(), descriptors);
	let_time_pass(c);
	assert_int_equal(c->nlisted, 0);
	assert_int_equal(c->nstepped, 0);
}

/* ---- other options ----------------------------------------------------- */

static void
a_recorded_operation_goes_on_as_it_is_under_other_options(void **state)
{
	struct conformance *c = *state;
	struct ecs_world *w = ecs_world_of(c);
	struct operation recorded, fresh;

	conformance_prepare(c, OP_LAUNCH, NULL, &recorded);
	while (strcmp(recorded.phase, "run_instances") != 0)
		assert_int_equal(conformance_step(c, &recorded)->result,
				 STEP_NEXT);
	snprintf(w->config.ecs_instance_launch_template, CONFIG_TEXT_SIZE,
		 "no-such-template");
	c->port.reconfigure(c->port.self, &w->config);
	assert_int_equal(conformance_finish(c, &recorded), STEP_DONE);
	/* And a new one by what counts now. */
	conformance_prepare(c, OP_LAUNCH, NULL, &fresh);
	assert_int_equal(conformance_finish(c, &fresh), STEP_REFUSED);
	assert_non_null(strstr(c->step[0].detail, "no-such-template"));
}

static void
a_call_that_is_out_is_answered_under_other_options(void **state)
{
	struct conformance *c = *state;
	struct ecs_world *w = ecs_world_of(c);
	int64_t deadline_ms = loop_now_ms() + ECS_WORLD_DEADLINE_MS;
	struct operation operation;

	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	c->port.launch(c->port.self, &operation, &c->row[0]);
	snprintf(w->config.gameserver_container, CONFIG_TEXT_SIZE, "chess");
	c->port.reconfigure(c->port.self, &w->config);
	while (c->nstepped == 0) {
		assert_true(loop_now_ms() < deadline_ms);
		c->pass(c, TURN_MS);
	}
	assert_int_equal(c->step[0].result, STEP_REFUSED);
	assert_non_null(
	    strstr(c->step[0].detail, "GAMESERVER_CONTAINER=chess"));
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, ecs_world_setup, ecs_world_teardown)

UNIT_MAIN_IN(cloud_process_missing, ecs_world_begin, ecs_world_end,
	     CONFORMANCE_TESTS(ecs_world_setup, ecs_world_teardown),
	     TEST(a_list_of_many_tasks_is_read_page_by_page),
	     TEST(a_page_that_fails_makes_the_list_incomplete),
	     TEST(a_known_one_that_has_stopped_is_listed_as_gone),
	     TEST(calls_that_fail_are_answered_once),
	     TEST(a_phase_that_nobody_knows_is_refused_once),
	     TEST(lost_answers_make_no_second_machine_and_no_second_task),
	     TEST(closed_with_calls_out_it_leaves_nothing),
	     TEST(a_recorded_operation_goes_on_as_it_is_under_other_options),
	     TEST(a_call_that_is_out_is_answered_under_other_options))
