/* SPDX-License-Identifier: MIT */
/* A launch of the provider ecs in each of its phases, and what AWS says of it.
 */
#ifndef GSM_SCALERD_ECS_LAUNCH_BENCH_H
#define GSM_SCALERD_ECS_LAUNCH_BENCH_H

#include "tests/unit/scalerd/ecs_bench.h"

#define BENCH_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, ecs_bench_open, ecs_bench_close)

#define PLACED "{\"tasks\":[{\"taskArn\":\"" BENCH_TASK "\"}],\"failures\":[]}"
#define FAILED(reason)                                                         \
	"{\"tasks\":[],\"failures\":[{\"arn\":\"" BENCH_HOST                   \
	"\",\"reason\":\"" reason "\"}]}"
#define PORT(n) "{\"containerPort\":" n ",\"hostPort\":0,\"protocol\":\"tcp\"}"
#define DEFINITION(mode, containers)                                           \
	"{\"taskDefinition\":{\"taskDefinitionArn\":\"" BENCH_ARN              \
	"task-definition/game:7\",\"networkMode\":\"" mode "\","               \
	"\"containerDefinitions\":[" containers "]}}"
#define CONTAINER(name, ports)                                                 \
	"{\"name\":\"" name "\",\"portMappings\":[" ports "]}"
#define GAME DEFINITION("bridge", CONTAINER("game", PORT("27015")))
#define RAN                                                                    \
	"<RunInstancesResponse><instancesSet><item><instanceId>" BENCH_MACHINE \
	"</instanceId><instanceState><name>pending</name></instanceState>"     \
	"</item></instancesSet></RunInstancesResponse>"
#define TEMPLATE                                                               \
	"<DescribeLaunchTemplatesResponse><launchTemplates><item>"             \
	"<launchTemplateId>lt-0abc</launchTemplateId>"                         \
	"<defaultVersionNumber>12</defaultVersionNumber></item>"               \
	"</launchTemplates></DescribeLaunchTemplatesResponse>"

enum { HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };

static const struct ecs_phase *
phase(const char *name)
{
	return ecs_launch_phase(name);
}

/* The operation is in run_task, with the given tries behind it. */
static inline void
begin_run_task(struct ecs_bench *bench, int64_t tries)
{
	snprintf(bench->gameserver.instance, sizeof(bench->gameserver.instance),
		 "%s", BENCH_MACHINE);
	ecs_bench_note(bench, BENCH_MACHINE, "", tries);
	ecs_bench_answer(bench, phase("find_task_definition"), GAME);
	ecs_bench_record(bench);
}

/* A task of it runs on its machine, and is looked at. */
static inline struct facts_task *
begin_running(struct ecs_bench *bench)
{
	struct facts_task *task;

	snprintf(bench->gameserver.instance, sizeof(bench->gameserver.instance),
		 "%s", BENCH_MACHINE);
	ecs_bench_note(bench, BENCH_MACHINE, BENCH_TASK, 0);
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE)->tasks = 1;
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	task = ecs_bench_task(bench, BENCH_TASK, "RUNNING");
	ecs_bench_bind(task, "game", 27015, 32768);
	return task;
}

static inline void
assert_join_waits(struct ecs_bench *bench)
{
	assert_false(ecs_bench_judge(bench, phase("join")));
	ecs_bench_assert_wait(bench);
}

#endif
