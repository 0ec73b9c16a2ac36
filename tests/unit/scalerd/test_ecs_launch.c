/* SPDX-License-Identifier: MIT */
/* Before a launch costs anything: template and task definition. */
#include "tests/unit/scalerd/ecs_launch_bench.h"

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
    BENCH_TEST(an_unknown_phase_is_none))
