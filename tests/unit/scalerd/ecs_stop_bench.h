/* SPDX-License-Identifier: MIT */
/* A stop of the provider ecs in each of its phases: what it stops, and where
 * it goes from there. */
#ifndef GSM_SCALERD_ECS_STOP_BENCH_H
#define GSM_SCALERD_ECS_STOP_BENCH_H

#include "tests/unit/scalerd/ecs_bench.h"

#include <stdlib.h>

#include "scalerd/aws/ec2_request.h"

static inline const struct ecs_phase *
phase(const char *name)
{
	return ecs_stop_phase(name);
}

/* Machine, host and task as they are while the gameserver runs, with its row.
 */
static inline int
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

static inline void
stop_task(struct ecs_bench *bench)
{
	snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "STOPPED");
	its_task(bench)->to_stop = true;
	its_host(bench)->tasks = 0;
}

static inline void
end_machine(struct ecs_bench *bench, const char *how)
{
	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "%s", how);
}

/* The request to terminate its machine is recorded. */
static inline void
record_terminate(struct ecs_bench *bench)
{
	char *request = ec2_terminate(BENCH_MACHINE);

	assert_non_null(request);
	snprintf(bench->operation.request, REQUEST_SIZE, "%s", request);
	free(request);
}

/* In that phase no request is sent: it goes on to another, it waits, it ends.
 */
static inline void
assert_judged_next(struct ecs_bench *bench, const char *in, const char *to,
		   const char *text)
{
	assert_false(ecs_bench_judge(bench, phase(in)));
	ecs_bench_assert_next(bench, to, text);
}

static inline void
assert_judged_wait(struct ecs_bench *bench, const char *in)
{
	assert_false(ecs_bench_judge(bench, phase(in)));
	ecs_bench_assert_wait(bench);
}

static inline void
assert_judged(struct ecs_bench *bench, const char *in, enum step_result result)
{
	assert_false(ecs_bench_judge(bench, phase(in)));
	assert_int_equal(bench->step.result, result);
}

#endif
