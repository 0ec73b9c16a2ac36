/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/ecs_bench.h"

#include <stdlib.h>

enum { AGE_MS = 10000 };

#define SET(to, text) snprintf((to), sizeof(to), "%s", (text))

int
ecs_bench_open(void **state)
{
	struct ecs_bench *bench = calloc(1, sizeof(*bench));
	static struct config config;

	if (!bench)
		return -1;
	config =
	    (struct config){.address_source = CONFIG_ADDRESS_PUBLIC,
			    .health_address_source = CONFIG_ADDRESS_PUBLIC};
	SET(config.fleet_name, "blitz");
	SET(config.ecs_cluster, "chess");
	SET(config.server_task_definition, "game:7");
	SET(config.ecs_instance_launch_template, "servers");
	ecs_site_set(&bench->site, &config);
	bench->facts = facts_new();
	bench->now_utc_ms = BENCH_NOW_MS;
	bench->operation.gameserver = 1;
	bench->gameserver.id = 1;
	bench->gameserver.ours = true;
	SET(bench->operation.id, BENCH_MARK);
	SET(bench->gameserver.mark, BENCH_MARK);
	ecs_bench_age(bench, AGE_MS);
	*state = bench;
	return bench->facts ? 0 : -1;
}

int
ecs_bench_close(void **state)
{
	struct ecs_bench *bench = *state;

	facts_free(bench->facts);
	free(bench);
	return 0;
}

struct facts_task *
ecs_bench_task(struct ecs_bench *bench, const char *arn, const char *last)
{
	struct facts_task *task = facts_task(bench->facts, arn);

	assert_non_null(task);
	task->known = FACTS_SEEN;
	SET(task->family, "game");
	SET(task->last, last);
	SET(task->host, BENCH_HOST);
	SET(task->started_by, "gsm/blitz");
	SET(task->fleet, "blitz");
	SET(task->mark, BENCH_MARK);
	return task;
}

struct facts_host *
ecs_bench_host(struct ecs_bench *bench, const char *arn, const char *machine)
{
	struct facts_host *host = facts_host(bench->facts, arn);

	assert_non_null(host);
	host->known = FACTS_SEEN;
	host->connected = true;
	SET(host->machine, machine);
	SET(host->status, "ACTIVE");
	return host;
}

struct facts_machine *
ecs_bench_machine(struct ecs_bench *bench, const char *id, const char *state)
{
	struct facts_machine *machine = facts_machine(bench->facts, id);

	assert_non_null(machine);
	machine->known = FACTS_SEEN;
	SET(machine->state, state);
	SET(machine->fleet, "blitz");
	SET(machine->mark, BENCH_MARK);
	SET(machine->public_ip, "203.0.113.7");
	SET(machine->private_ip, "10.0.0.7");
	return machine;
}

void
ecs_bench_bind(struct facts_task *task, const char *container,
	       int container_port, int host_port)
{
	struct facts_binding *binding = &task->binding[task->nbinding++];

	assert_true(task->nbinding <= FACTS_BINDINGS_MAX);
	*binding = (struct facts_binding){.container_port = container_port,
					  .host_port = host_port,
					  .tcp = true};
	SET(binding->container, container);
}

void
ecs_bench_age(struct ecs_bench *bench, int64_t ms)
{
	bench->operation.created_utc_ms = bench->now_utc_ms - ms;
}

void
ecs_bench_note(struct ecs_bench *bench, const char *machine, const char *task,
	       int64_t tries)
{
	struct ecs_note note = {.tries = tries, .at_utc_ms = bench->now_utc_ms};
	struct err err;

	SET(note.machine, machine);
	SET(note.task, task);
	assert_true(ecs_note_write(bench->operation.request, &note, &err));
}

void
ecs_bench_record(struct ecs_bench *bench)
{
	assert_int_equal(bench->step.result, STEP_NEXT);
	SET(bench->operation.phase, bench->step.phase);
	SET(bench->operation.request, bench->step.request);
	bench->operation.attempts = 0;
}

static struct ecs_job
describe(const struct ecs_bench *bench)
{
	return (struct ecs_job){.site = &bench->site,
				.operation = &bench->operation,
				.gameserver = &bench->gameserver,
				.now_utc_ms = bench->now_utc_ms};
}

bool
ecs_bench_judge(struct ecs_bench *bench, const struct ecs_phase *phase)
{
	const struct ecs_job job = describe(bench);

	assert_non_null(phase);
	bench->step = (struct step){.result = STEP_WAIT};
	return phase->judge(&job, phase->subject ? bench->facts : NULL,
			    &bench->step);
}

static void
take(struct ecs_bench *bench, const struct ecs_phase *phase,
     struct client_answer *answer, const char *body)
{
	const struct ecs_job job = describe(bench);

	assert_non_null(phase);
	answer->body = body;
	answer->size = strlen(body);
	bench->step = (struct step){.result = STEP_WAIT};
	phase->answered(&job, answer, &bench->step);
}

void
ecs_bench_answer(struct ecs_bench *bench, const struct ecs_phase *phase,
		 const char *body)
{
	struct client_answer answer = {.outcome = CLIENT_ANSWERED};

	take(bench, phase, &answer, body);
}

void
ecs_bench_refuse(struct ecs_bench *bench, const struct ecs_phase *phase,
		 const char *code, long status, const char *message,
		 const char *body)
{
	struct client_answer answer = {.outcome = CLIENT_REFUSED};

	answer.error.class = aws_error_classify(code, status, message);
	answer.error.status = status;
	SET(answer.error.code, code);
	SET(answer.error.message, message);
	take(bench, phase, &answer, body);
}

void
ecs_bench_lose(struct ecs_bench *bench, const struct ecs_phase *phase)
{
	struct client_answer answer = {.outcome = CLIENT_UNKNOWN};

	answer.error.class = AWS_ERROR_TRANSIENT;
	SET(answer.error.message, "no answer in time");
	take(bench, phase, &answer, "");
}

void
ecs_bench_assert_next(const struct ecs_bench *bench, const char *phase,
		      const char *text)
{
	assert_int_equal(bench->step.result, STEP_NEXT);
	assert_string_equal(bench->step.phase, phase);
	if (!strstr(bench->step.request, text))
		fail_msg("%s: no %s", bench->step.request, text);
}

void
ecs_bench_assert_wait(const struct ecs_bench *bench)
{
	assert_int_equal(bench->step.result, STEP_WAIT);
	assert_true(bench->step.wait_ms > 0);
}

void
ecs_bench_assert_says(const struct ecs_bench *bench, enum step_result result,
		      const char *text)
{
	assert_int_equal(bench->step.result, result);
	if (!strstr(bench->step.detail, text))
		fail_msg("%s: no %s", bench->step.detail, text);
}
