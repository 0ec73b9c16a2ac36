/* SPDX-License-Identifier: MIT */
/* Provider ecs without machines. */
#include "tests/unit/unit.h"

#include "tests/unit/scalerd/ecs_world.h"

static void
a_launch_and_a_stop_touch_no_machine(void **state)
{
	struct conformance *c = *state;
	struct operation operation;
	struct gameserver row;

	conformance_launch(c, &operation, &row);
	assert_string_equal(row.instance, "");
	conformance_prepare(c, OP_STOP, &row, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
	assert_int_equal(ecs_world_count(c, "\"RunInstances\""), 0);
	assert_int_equal(ecs_world_count(c, "\"TerminateInstances\""), 0);
}

UNIT_MAIN_IN(cloud_process_missing, ecs_world_begin, ecs_world_end,
	     CONFORMANCE_TESTS(ecs_world_setup_fargate, ecs_world_teardown),
	     CONFORMANCE_TEST(a_launch_and_a_stop_touch_no_machine,
			      ecs_world_setup_fargate, ecs_world_teardown))
