/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* realpath */
#include "scalerd/edge/provider_local.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "scalerd/edge/local_ports.h"
#include "scalerd/edge/local_process.h"
#include "scalerd/edge/local_request.h"
#include "scalerd/edge/local_step.h"
#include "scalerd/edge/proc.h"

enum {
	LIST_INTERVAL_MS =
	    5000, /* reads all of /proc; ends of children nudge */
	CONFIRM_INTERVAL_MS = 250,
	ABSENT_ROUNDS = 2,
	PORT_SEEN_MS = 15000, /* a port that is in use, from list to list */
};

/* One call of launch or stop that is not answered yet. */
struct job {
	struct job *next;
	struct operation operation;
};

struct provider_local {
	struct config config;
	struct loop *loop;
	struct port_sink sink;
	struct local_site site;
	struct loop_timer work; /* due when there is something to answer */
	struct job *jobs;       /* in the order of the calls */
	bool list_asked;
	int64_t list_asked_ms;
};

/* ---- what is there ----------------------------------------------------- */

static bool
scan(struct provider_local *provider, struct err *err)
{
	bool complete = local_process_scan(&provider->site.found,
					   provider->site.fleet, err);

	for (size_t i = 0; i < provider->site.found.count; i++)
		local_ports_take(&provider->site.ports,
				 provider->site.found.process[i].port,
				 PORT_SEEN_MS);
	return complete;
}

/* Whether process i of the scan stands for a gameserver: the first of its
 * mark; or of those without a mark the one that was started by hand, not its
 * children, and only if it says where it listens. */
static bool
stands_for_gameserver(const struct local_processes *found, size_t i)
{
	const struct local_process *process = &found->process[i];

	if (process->mark[0] != '\0')
		return i == 0 ||
		       strcmp(found->process[i - 1].mark, process->mark) != 0;
	for (size_t j = 0; j < found->count; j++) {
		if (found->process[j].mark[0] == '\0' &&
		    found->process[j].pid == process->parent)
			return false;
	}
	return process->ip[0] != '\0' && process->port > 0;
}

static void
answer_list(struct provider_local *provider, bool complete,
	    const struct err *why)
{
	const struct local_processes *found = &provider->site.found;
	struct listing listing = {.complete = complete,
				  .asked_ms = provider->list_asked_ms};
	struct sighting *sighting = NULL;

	snprintf(listing.detail, sizeof(listing.detail), "%.*s",
		 (int)sizeof(listing.detail) - 1, complete ? "" : why->msg);
	if (complete && found->count > 0) {
		sighting = calloc(found->count, sizeof(*sighting));
		if (!sighting) {
			listing.complete = false;
			snprintf(listing.detail, sizeof(listing.detail),
				 "out of memory");
		}
	}
	for (size_t i = 0; sighting && i < found->count; i++) {
		if (stands_for_gameserver(found, i))
			local_sight(&sighting[listing.nsighting++],
				    &found->process[i]);
	}
	listing.sighting = sighting;
	provider->sink.listed(provider->sink.arg, &listing);
	free(sighting);
}

static void
answer_job(struct provider_local *provider, const struct job *job,
	   bool complete, const struct err *why)
{
	const struct operation *operation = &job->operation;
	struct step step = {.result = STEP_WAIT};

	memcpy(step.operation, operation->id, sizeof(step.operation));
	/* What an incomplete scan did not show may exist all the same. */
	if (!complete)
		local_step_says(&step, STEP_WAIT, why->msg);
	else if (operation->kind == OP_LAUNCH)
		local_launch_step(&provider->site, operation, &step);
	else
		local_stop_step(&provider->site, operation, &step);
	provider->sink.stepped(provider->sink.arg, &step);
}

/* Answers all calls since the last time, with one scan. */
static void
work(void *arg)
{
	struct provider_local *provider = arg;
	struct job *jobs = provider->jobs;
	bool list_asked = provider->list_asked;
	struct err err = {""};
	bool complete = scan(provider, &err);

	provider->jobs = NULL;
	provider->list_asked = false;
	if (list_asked)
		answer_list(provider, complete, &err);
	while (jobs) {
		struct job *job = jobs;

		jobs = job->next;
		answer_job(provider, job, complete, &err);
		free(job);
	}
}

/* ---- the port ---------------------------------------------------------- */

static void
work_soon(struct provider_local *provider)
{
	if (!provider->work.set)
		loop_timer_set(provider->loop, &provider->work, loop_now_ms(),
			       work, provider);
}

static bool
port_prepare(void *self, const struct gameserver *gameserver,
	     struct operation *operation, struct err *err)
{
	struct provider_local *provider = self;
	struct local_stop stop = {.term_ms = 0};
	int port = 0;

	if (operation->kind == OP_LAUNCH) {
		if (!local_ports_choose(&provider->site.ports,
					&provider->config, &port, err) ||
		    !local_launch_write(operation->request, &provider->config,
					port, err))
			return false;
		local_ports_take(&provider->site.ports, port,
				 LOCAL_PORT_PREPARED_MS);
		snprintf(operation->phase, sizeof(operation->phase), "%s",
			 LOCAL_PHASE_SPAWN);
		return true;
	}
	if (gameserver->mark[0] == '\0' && gameserver->ref[0] == '\0')
		return err_set(err, "it has neither mark nor reference");
	memcpy(stop.mark, gameserver->mark, sizeof(stop.mark));
	memcpy(stop.ref, gameserver->ref, sizeof(stop.ref));
	memcpy(stop.boot_id, provider->site.boot_id, sizeof(stop.boot_id));
	snprintf(operation->phase, sizeof(operation->phase), "%s",
		 LOCAL_PHASE_TERM);
	return local_stop_write(operation->request, &stop, err);
}

static void
port_list(void *self, const struct known *known, size_t nknown)
{
	struct provider_local *provider = self;

	(void)known; /* /proc shows all that there is */
	(void)nknown;
	provider->list_asked = true;
	provider->list_asked_ms = loop_now_ms();
	work_soon(provider);
}

/* launch and stop: answered by work(). */
static void
port_step(void *self, const struct operation *operation,
	  const struct gameserver *gameserver)
{
	struct provider_local *provider = self;
	struct job *job = malloc(sizeof(*job));
	struct job **last = &provider->jobs;

	(void)gameserver; /* the request says it all */
	if (!job) {
		/* The call must be answered and can't be. Starting again loses
		 * nothing: the operation is recorded. */
		log_error("out_of_memory", LOG_TEXT("in", "provider_local"));
		abort();
	}
	*job = (struct job){.operation = *operation};
	while (*last)
		last = &(*last)->next;
	*last = job;
	work_soon(provider);
}

/* ---- life -------------------------------------------------------------- */

static void
on_child_ended(void *arg, int signo)
{
	struct provider_local *provider = arg;
	bool any = false;
	int status;
	pid_t pid;

	(void)signo;
	/* As process 1 of a container we get others' orphans, too. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		log_info("process_ended", LOG_NUM("pid", pid),
			 LOG_NUM("status",
				 WIFEXITED(status) ? WEXITSTATUS(status) : -1),
			 LOG_NUM("signal",
				 WIFSIGNALED(status) ? WTERMSIG(status) : 0));
		any = true;
	}
	if (any)
		provider->sink.nudged(provider->sink.arg);
}

/* FLEET_NAME@<absolute path of the database>, and where output goes. */
static bool
name_fleet(struct provider_local *provider, struct err *err)
{
	const char *database = provider->config.database;
	const char *slash = strrchr(database, '/');
	const char *name = slash ? slash + 1 : database;
	char directory[CONFIG_TEXT_SIZE];
	char path[PATH_MAX];

	snprintf(directory, sizeof(directory), "%.*s",
		 slash ? (int)(slash - database) + 1 : 1,
		 slash ? database : ".");
	if (!realpath(directory, path))
		return err_set(err, "DATABASE: %s: %s", directory,
			       strerror(errno));
	if (strcmp(path, "/") == 0)
		path[0] = '\0';
	snprintf(provider->site.log_path, sizeof(provider->site.log_path),
		 "%s/gameservers.log", path);
	if ((size_t)snprintf(provider->site.fleet, sizeof(provider->site.fleet),
			     "%s@%s/%s", provider->config.fleet_name, path,
			     name) >= sizeof(provider->site.fleet))
		return err_set(err, "DATABASE: its absolute path is too long");
	return true;
}

static void
port_reconfigure(void *self, const struct config *config)
{
	struct provider_local *provider = self;

	provider->config = *config;
	provider->site.stop_timeout_ms = config->local_stop_timeout_ms;
}

static void
port_close(void *self)
{
	struct provider_local *provider = self;

	loop_unsignal(provider->loop, SIGCHLD);
	loop_timer_clear(provider->loop, &provider->work);
	while (provider->jobs) {
		struct job *job = provider->jobs;

		provider->jobs = job->next;
		free(job);
	}
	local_processes_free(&provider->site.found);
	free(provider);
}

bool
provider_local_open(struct provider_port *port, const struct config *config,
		    struct loop *loop, const struct port_sink *sink,
		    struct err *err)
{
	struct provider_local *provider = calloc(1, sizeof(*provider));
	struct sigaction action = {.sa_handler = SIG_DFL};

	if (!provider)
		return err_set(err, "provider local: out of memory");
	port_reconfigure(provider, config);
	provider->loop = loop;
	provider->sink = *sink;
	if (!name_fleet(provider, err) ||
	    !proc_boot_id(provider->site.boot_id, err))
		goto fail;
	/* Ignored, as some starters leave it, it would never be delivered. */
	if (sigaction(SIGCHLD, &action, NULL) < 0) {
		err_set(err, "SIGCHLD: %s", strerror(errno));
		goto fail;
	}
	if (!loop_signal(loop, SIGCHLD, on_child_ended, provider, err))
		goto fail;
	*port =
	    (struct provider_port){.self = provider,
				   .name = "local",
				   .list_interval_ms = LIST_INTERVAL_MS,
				   .confirm_interval_ms = CONFIRM_INTERVAL_MS,
				   .absent_rounds = ABSENT_ROUNDS,
				   .absent_ms = 0,
				   .prepare = port_prepare,
				   .list = port_list,
				   .launch = port_step,
				   .stop = port_step,
				   .reconfigure = port_reconfigure,
				   .close = port_close};
	return true;
fail:
	free(provider);
	return false;
}
