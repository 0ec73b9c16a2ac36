/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/provider_ecs.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "scalerd/aws/ecs_list.h"
#include "scalerd/aws/ecs_phase.h"
#include "scalerd/edge/clock.h"

enum {
	CONFIRM_INTERVAL_MS = 5000, /* at most, while one is absent */
	/* AWS's lists are eventually consistent, for minutes. */
	ABSENT_ROUNDS = 3,
	ABSENT_MS = 120 * 1000,
	LOOK_GAP_MS = 500, /* between looks: those that wait share the next */
};

/* One call of launch or stop that is not answered yet. */
struct job {
	struct job *next;
	struct provider_ecs *provider;
	const struct ecs_phase *phase;
	bool looking; /* the look under way is for it, too */
	struct client_call *call;
	struct operation operation;
	struct gameserver gameserver;
};

struct provider_ecs {
	struct ecs_site site;
	struct clock_port clock;
	struct loop *loop;
	struct port_sink sink;
	struct client *client;
	struct job *jobs;
	struct look *look;      /* for jobs */
	struct loop_timer work; /* due when a job waits for something */
	int64_t looked_ms;      /* the last look's end */
	struct ecs_list *list;
};

/* ---- jobs -------------------------------------------------------------- */

static struct ecs_job
describe(const struct job *job)
{
	const struct clock_port *clock = &job->provider->clock;

	return (struct ecs_job){.site = &job->provider->site,
				.operation = &job->operation,
				.gameserver = &job->gameserver,
				.now_utc_ms = clock->now(clock->self).utc_ms};
}

static void
free_job(struct job *job)
{
	if (job->call)
		client_cancel(job->provider->client, job->call);
	free(job);
}

static void
forget_job(struct job *job)
{
	struct job **at = &job->provider->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	free_job(job);
}

static void
answer(struct job *job, struct step *step)
{
	const struct port_sink sink = job->provider->sink;

	memcpy(step->operation, job->operation.id, sizeof(step->operation));
	if (step->result == STEP_REFUSED || step->result == STEP_UNKNOWN)
		log_warn("aws_step", LOG_NUM("gameserver", job->gameserver.id),
			 LOG_TEXT("phase", job->operation.phase),
			 LOG_TEXT("result", step->result == STEP_REFUSED
						? "refused"
						: "unknown"),
			 LOG_TEXT("detail", step->detail));
	forget_job(job);
	sink.stepped(sink.arg, step);
}

static void
on_answered(void *arg, const struct client_answer *said)
{
	struct job *job = arg;
	const struct ecs_job described = describe(job);
	struct step step = {.result = STEP_WAIT};

	job->call = NULL;
	job->phase->answered(&described, said, &step);
	answer(job, &step);
}

static void
answer_error(struct job *job, enum step_result result, const char *why)
{
	struct step step = {.result = result};

	ecs_step_says(&step, result, why);
	answer(job, &step);
}

static void
send_request(struct job *job)
{
	const struct ecs_phase *phase = job->phase;
	const struct ecs_job described = describe(job);
	char *written = phase->write ? phase->write(&described) : NULL;
	const struct client_request request = {
	    .service = phase->service,
	    .action = phase->action,
	    .body = written ? written : job->operation.request,
	    .changes = phase->changes};
	struct err err = {"out of memory"};

	if (!phase->write || written)
		job->call = client_call(job->provider->client, &request,
					on_answered, job, &err);
	free(written);
	if (!job->call)
		answer_error(job, STEP_UNKNOWN, err.msg);
}

/* The look, if there was one, is made: judge and send. */
static void
go_on(struct job *job, const struct facts *facts)
{
	const struct ecs_phase *phase = job->phase;
	const struct ecs_job described = describe(job);
	struct step step = {.result = STEP_WAIT};

	if (phase->judge && !phase->judge(&described, facts, &step))
		answer(job, &step);
	else
		send_request(job);
}

/* ---- looks for jobs ---------------------------------------------------- */

static void work(void *arg);

static void
work_at(struct provider_ecs *provider, int64_t ms)
{
	if (!provider->work.set || provider->work.due_ms > ms)
		loop_timer_set(provider->loop, &provider->work, ms, work,
			       provider);
}

static void
on_looked(void *arg, const struct facts *facts, const struct err *why)
{
	struct provider_ecs *provider = arg;
	struct job *next;

	provider->looked_ms = loop_now_ms();
	for (struct job *job = provider->jobs; job; job = next) {
		next = job->next;
		if (!job->looking)
			continue;
		job->looking = false;
		if (facts)
			go_on(job, facts);
		else
			answer_error(job, STEP_UNKNOWN, why->msg);
	}
	if (provider->jobs)
		work_at(provider, provider->looked_ms + LOOK_GAP_MS);
}

/* What the job wants to see, among what others want to. */
static bool
join_look(struct job *job)
{
	const struct ecs_job described = describe(job);
	struct look_subject subject = {.host_tasks = false};
	struct err err = {"out of memory"};

	job->looking = job->phase->subject(&described, &subject, &err) &&
		       look_at(job->provider->look, &subject);
	if (!job->looking)
		answer_error(job, STEP_UNKNOWN, err.msg);
	return job->looking;
}

static bool
is_waiting(const struct job *job)
{
	return !job->looking && !job->call;
}

static void
look_for_jobs(struct provider_ecs *provider)
{
	bool any = false;
	struct job *next;

	look_begin(provider->look);
	for (struct job *job = provider->jobs; job; job = next) {
		next = job->next;
		if (is_waiting(job))
			any |= join_look(job);
	}
	if (any)
		look_go(provider->look);
}

/* Jobs without a look go out at once, the others with the next one. */
static void
work(void *arg)
{
	struct provider_ecs *provider = arg;
	const int64_t due_ms = provider->looked_ms + LOOK_GAP_MS;
	bool wanted = false;
	struct job *next;

	for (struct job *job = provider->jobs; job; job = next) {
		next = job->next;
		if (!is_waiting(job))
			continue;
		if (!job->phase)
			answer_error(job, STEP_REFUSED,
				     "the recorded phase is unknown");
		else if (!job->phase->subject)
			go_on(job, NULL);
		else
			wanted = true;
	}
	if (!wanted || look_is_busy(provider->look))
		return;
	if (loop_now_ms() < due_ms)
		work_at(provider, due_ms);
	else
		look_for_jobs(provider);
}

/* ---- the port ---------------------------------------------------------- */

static bool
port_prepare(void *self, const struct gameserver *gameserver,
	     struct operation *operation, struct err *err)
{
	const struct provider_ecs *provider = self;

	return operation->kind == OP_LAUNCH
		   ? ecs_launch_prepare(&provider->site, operation, err)
		   : ecs_stop_prepare(gameserver, operation, err);
}

/* launch and stop: answered by the loop. */
static void
port_step(void *self, const struct operation *operation,
	  const struct gameserver *gameserver)
{
	struct provider_ecs *provider = self;
	struct job *job = malloc(sizeof(*job));

	if (!job) {
		/* The call must be answered and can't be. Starting again loses
		 * nothing: the operation is recorded. */
		log_error("out_of_memory", LOG_TEXT("in", "provider_ecs"));
		abort();
	}
	*job = (struct job){.next = provider->jobs,
			    .provider = provider,
			    .phase = operation->kind == OP_LAUNCH
					 ? ecs_launch_phase(operation->phase)
					 : ecs_stop_phase(operation->phase),
			    .operation = *operation,
			    .gameserver = *gameserver};
	provider->jobs = job;
	work_at(provider, loop_now_ms());
}

static void
port_list(void *self, const struct known *known, size_t nknown)
{
	struct provider_ecs *provider = self;

	ecs_list_ask(provider->list, known, nknown);
}

static void
port_reconfigure(void *self, const struct config *config)
{
	struct provider_ecs *provider = self;

	ecs_site_set(&provider->site, config);
}

static void
port_close(void *self)
{
	struct provider_ecs *provider = self;

	if (!provider)
		return;
	while (provider->jobs) {
		struct job *job = provider->jobs;

		provider->jobs = job->next;
		free_job(job);
	}
	ecs_list_close(provider->list);
	look_close(provider->look);
	client_close(provider->client);
	loop_timer_clear(provider->loop, &provider->work);
	free(provider);
}

static bool
open_parts(struct provider_ecs *provider, struct err *err)
{
	const struct config *config = &provider->site.config;
	const struct client_setup client = {.loop = provider->loop,
					    .region = config->aws_region,
					    .env = config_aws_variable,
					    .env_arg = &provider->site.config,
					    .pace = credentials_pace_usual,
					    .times = client_times_usual};
	struct ecs_list_setup list = {.site = &provider->site,
				      .loop = provider->loop,
				      .sink = provider->sink};

	if (!client_open(&provider->client, &client, err))
		return false;
	list.client = provider->client;
	return look_open(&provider->look, provider->loop, provider->client,
			 config->ecs_cluster, on_looked, provider, err) &&
	       ecs_list_open(&provider->list, &list, err);
}

bool
provider_ecs_open(struct provider_port *port, const struct config *config,
		  struct loop *loop, const struct port_sink *sink,
		  struct err *err)
{
	struct provider_ecs *provider = calloc(1, sizeof(*provider));
	const int64_t interval_ms = config->list_interval_ms;

	if (!provider)
		return err_set(err, "provider ecs: out of memory");
	ecs_site_set(&provider->site, config);
	provider->clock = clock_system();
	provider->loop = loop;
	provider->sink = *sink;
	if (!open_parts(provider, err)) {
		port_close(provider);
		return false;
	}
	*port = (struct provider_port){.self = provider,
				       .name = "ecs",
				       .list_interval_ms = interval_ms,
				       .confirm_interval_ms =
					   interval_ms < CONFIRM_INTERVAL_MS
					       ? interval_ms
					       : CONFIRM_INTERVAL_MS,
				       .absent_rounds = ABSENT_ROUNDS,
				       .absent_ms = ABSENT_MS,
				       .prepare = port_prepare,
				       .list = port_list,
				       .launch = port_step,
				       .stop = port_step,
				       .reconfigure = port_reconfigure,
				       .close = port_close};
	return true;
}
