/* SPDX-License-Identifier: MIT */
/*
 * What the tests of provider ecs stand on: a fleet named test in a test cloud
 * where everything comes soon.
 */
#ifndef GSM_TESTS_ECS_WORLD_H
#define GSM_TESTS_ECS_WORLD_H

#include "common/config.h"
#include "scalerd/edge/loop.h"
#include "tests/unit/scalerd/cloud_process.h"
#include "tests/unit/scalerd/provider_conformance.h"

enum { ECS_WORLD_DEADLINE_MS = 20000 };

struct ecs_world {
	const struct cloud_process *cloud;
	struct config config;
	struct loop *loop;
};

/* Setup and teardown of the program: *state is its cloud. */
int ecs_world_begin(void **state);
int ecs_world_end(void **state);

/* Setup and teardown of a test: *state is the struct conformance of an open
 * provider, in an account where nothing runs. */
int ecs_world_setup(void **state);
/* The same, with Fargate. */
int ecs_world_setup_fargate(void **state);
int ecs_world_teardown(void **state);
struct ecs_world *ecs_world_of(const struct conformance *c);

/* See cloud_process.h. */
void ecs_world_order(const struct conformance *c, const char *json);
int ecs_world_count(const struct conformance *c, const char *text);

/* So many Fargate tasks that bear the fleet's mark, made by hand: a multiple of
 * ten. */
void ecs_world_run_tasks(struct conformance *c, int n);

#endif
