/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the provider ecs's pure parts share: one operation about
 * one gameserver, on a site of its own, and facts that are filled in by hand.
 */
#ifndef GSM_TESTS_ECS_BENCH_H
#define GSM_TESTS_ECS_BENCH_H

#include "tests/unit/unit.h"

#include "scalerd/aws/ecs_phase.h"

#define BENCH_NOW_MS        INT64_C(1795372696000) /* 2026-11-22T18:38:16Z */
#define BENCH_MARK          "00112233445566778899aabbccddee01"
#define BENCH_OTHER         "ffeeddccbbaa99887766554433221100" /* another mark */
#define BENCH_ARN           "arn:aws:ecs:eu-west-1:123456789012:"
#define BENCH_TASK          BENCH_ARN "task/chess/0123456789abcdef0123456789abcdef"
#define BENCH_HOST          BENCH_ARN "container-instance/chess/00aa"
#define BENCH_HOST_2        BENCH_ARN "container-instance/chess/00bb"
#define BENCH_MACHINE       "i-0123456789abcdef0"
#define BENCH_OTHER_MACHINE "i-0fedcba9876543210"

struct ecs_bench {
	struct ecs_site site;
	struct operation operation; /* 10 s old */
	struct gameserver gameserver;
	struct facts *facts;
	int64_t now_utc_ms;
	struct step step; /* of the last judge or answer */
};

/* Setup and teardown of a test; *state is a struct ecs_bench. */
int ecs_bench_open(void **state);
int ecs_bench_close(void **state);

/* Seen by now: a task of the fleet with the gameserver's mark on BENCH_HOST, an
 * ACTIVE and connected container instance of BENCH_MACHINE without tasks, a
 * machine of the fleet with the gameserver's mark. The pointer holds good until
 * the next of its kind is made. */
struct facts_task *ecs_bench_task(struct ecs_bench *bench, const char *arn,
				  const char *last);
struct facts_host *ecs_bench_host(struct ecs_bench *bench, const char *arn,
				  const char *machine);
struct facts_machine *ecs_bench_machine(struct ecs_bench *bench, const char *id,
					const char *state);
/* The gameserver's own, once they were made. */
static inline struct facts_task *
its_task(struct ecs_bench *bench)
{
	return facts_task(bench->facts, BENCH_TASK);
}

static inline struct facts_host *
its_host(struct ecs_bench *bench)
{
	return facts_host(bench->facts, BENCH_HOST);
}

static inline struct facts_machine *
its_machine(struct ecs_bench *bench)
{
	return facts_machine(bench->facts, BENCH_MACHINE);
}

/* Adds a binding. */
void ecs_bench_bind(struct facts_task *task, const char *container,
		    int container_port, int host_port);

/* The operation's age. */
void ecs_bench_age(struct ecs_bench *bench, int64_t ms);
/* The operation's recorded request: a note, made now. */
void ecs_bench_note(struct ecs_bench *bench, const char *machine,
		    const char *task, int64_t tries);
/* What the last step says is recorded, as the scaler does it. */
void ecs_bench_record(struct ecs_bench *bench);

/* Whether the phase would send its request. */
bool ecs_bench_judge(struct ecs_bench *bench, const struct ecs_phase *phase);
void ecs_bench_answer(struct ecs_bench *bench, const struct ecs_phase *phase,
		      const char *body);
void ecs_bench_refuse(struct ecs_bench *bench, const struct ecs_phase *phase,
		      const char *code, long status, const char *message,
		      const char *body);
void ecs_bench_lose(struct ecs_bench *bench, const struct ecs_phase *phase);

/* The last step leads to the phase; its request has the text in it. */
void ecs_bench_assert_next(const struct ecs_bench *bench, const char *phase,
			   const char *text);
void ecs_bench_assert_wait(const struct ecs_bench *bench);
/* REFUSED or UNKNOWN, and the detail has the text in it. */
void ecs_bench_assert_says(const struct ecs_bench *bench,
			   enum step_result result, const char *text);

#endif
