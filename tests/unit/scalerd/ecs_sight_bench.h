/* SPDX-License-Identifier: MIT */
/* A gameserver of the provider ecs that runs, and what is seen of it: the
 * sighting of its task, of the fleet, its address. */
#ifndef GSM_SCALERD_ECS_SIGHT_BENCH_H
#define GSM_SCALERD_ECS_SIGHT_BENCH_H

#include "tests/unit/scalerd/ecs_bench.h"

#include "scalerd/aws/ecs_sight.h"

enum { SEEN_MAX = 8 };

/* What ecs_sight_fleet says. */
struct seen {
	struct sighting *sighting;
	size_t n;
};

static inline int
open_running(void **state)
{
	struct ecs_bench *bench;

	if (ecs_bench_open(state) != 0)
		return -1;
	bench = *state;
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE)->tasks = 1;
	ecs_bench_bind(ecs_bench_task(bench, BENCH_TASK, "RUNNING"), "game",
		       27015, 32768);
	return 0;
}

#define RUNNING_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, open_running, ecs_bench_close)

/* The task as a gameserver of the fleet. */
static inline struct sighting
sight(struct ecs_bench *bench)
{
	struct sighting sighting;

	assert_true(ecs_sight_task(&bench->site, bench->facts, its_task(bench),
				   &sighting));
	return sighting;
}

static inline bool
is_sighted(struct ecs_bench *bench)
{
	struct sighting sighting;

	return ecs_sight_task(&bench->site, bench->facts, its_task(bench),
			      &sighting);
}

static inline struct seen
sight_fleet(struct ecs_bench *bench, const struct known *known, size_t nknown)
{
	struct seen seen;

	assert_true(ecs_sight_fleet(&bench->site, bench->facts, known, nknown,
				    &seen.sighting, &seen.n));
	assert_true(seen.n <= SEEN_MAX);
	return seen;
}

static inline enum ecs_address
find_address(struct ecs_bench *bench, struct sighting *sighting,
	     struct err *err)
{
	*sighting = (struct sighting){.port = 0};
	*err = (struct err){""};
	return ecs_sight_address(&bench->site, bench->facts, its_task(bench),
				 sighting, err);
}

static inline void
assert_address(struct ecs_bench *bench, const char *ip, const char *address)
{
	struct sighting sighting;
	struct err err;

	assert_int_equal(find_address(bench, &sighting, &err),
			 ECS_ADDRESS_KNOWN);
	assert_string_equal(sighting.ip, ip);
	assert_string_equal(sighting.address, address);
}

static inline void
assert_no_address(struct ecs_bench *bench, enum ecs_address wanted,
		  const char *why)
{
	struct sighting sighting;
	struct err err;

	assert_int_equal(find_address(bench, &sighting, &err), wanted);
	assert_string_equal(sighting.address, "");
	if (!strstr(err.msg, why))
		fail_msg("%s: no %s", err.msg, why);
}

#endif
