/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/local_step.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "scalerd/edge/local_request.h"
#include "scalerd/edge/local_spawn.h"
#include "scalerd/edge/loop.h"

enum {
	ENDING_WAIT_MS = 100,   /* between looks at what is to end */
	TROUBLE_WAIT_MS = 1000, /* after an error that may pass */
};

static void
format_ref(char ref[REF_SIZE], const struct local_process *process)
{
	snprintf(ref, REF_SIZE, "%ld:%" PRIu64, (long)process->pid,
		 process->start_ticks);
}

void
local_sight(struct sighting *sighting, const struct local_process *process)
{
	bool addressed = process->ip[0] != '\0' && process->port > 0;
	bool marked = process->mark[0] != '\0';

	*sighting = (struct sighting){
	    .ours = marked,
	    .port = process->port,
	    /* The leader is the gameserver. When it is gone, what it started
	     * may live on: that serves nobody, but is not gone either. */
	    .running = addressed && (!marked || process->leads_session),
	    .leaving = marked && !process->leads_session,
	};
	format_ref(sighting->ref, process);
	memcpy(sighting->mark, process->mark, sizeof(sighting->mark));
	memcpy(sighting->ip, process->ip, sizeof(sighting->ip));
	if (addressed)
		snprintf(sighting->address, sizeof(sighting->address),
			 strchr(process->ip, ':') ? "[%s]:%d" : "%s:%d",
			 process->ip, process->port);
}

void
local_step_says(struct step *step, enum step_result result, const char *detail)
{
	step->result = result;
	step->wait_ms = result == STEP_WAIT ? TROUBLE_WAIT_MS : 0;
	snprintf(step->detail, sizeof(step->detail), "%.*s",
		 (int)sizeof(step->detail) - 1, detail);
}

static bool
errno_may_pass(int error)
{
	static const int passing[] = {EAGAIN, ENOMEM,  EMFILE,
				      ENFILE, ETXTBSY, EINTR};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if (error == passing[i])
			return true;
	}
	return false;
}

static void
spawn(struct local_site *site, const struct operation *operation,
      const struct local_launch *launch, struct step *step)
{
	const struct local_spawn order = {.argv = launch->argv,
					  .fleet = site->fleet,
					  .operation = operation->id,
					  .address = launch->ip,
					  .port = launch->port,
					  .log_path = site->log_path};
	struct local_process process = {.leads_session = true,
					.port = launch->port};
	struct proc_stat stat;
	struct err err;
	int error = local_spawn(&order, &process.pid);

	if (error) {
		err_set(&err, "LOCAL_COMMAND: %s: %s", launch->argv[0],
			strerror(error));
		local_step_says(
		    step, errno_may_pass(error) ? STEP_WAIT : STEP_REFUSED,
		    err.msg);
		return;
	}
	local_ports_take(&site->ports, launch->port, LOCAL_PORT_PREPARED_MS);
	step->result = STEP_DONE;
	/* It is our child and not waited for, so it is in /proc even when it
	 * has ended already. */
	if (!proc_stat_read(process.pid, &stat))
		return;
	process.start_ticks = stat.start_ticks;
	memcpy(process.mark, operation->id, sizeof(process.mark));
	memcpy(process.ip, launch->ip, sizeof(process.ip));
	step->sighted = true;
	local_sight(&step->sighting, &process);
}

void
local_launch_step(struct local_site *site, const struct operation *operation,
		  struct step *step)
{
	const struct local_process *there;
	struct local_launch launch;
	struct err err;
	size_t count;

	there = local_processes_of(&site->found, operation->id, &count);
	if (there) {
		step->result = STEP_DONE;
		step->sighted = true;
		local_sight(&step->sighting, there);
		return;
	}
	if (strcmp(operation->phase, LOCAL_PHASE_SPAWN) != 0) {
		local_step_says(step, STEP_REFUSED,
				"the recorded phase is unknown");
		return;
	}
	if (!local_launch_read(&launch, operation->request, &err)) {
		local_step_says(step, STEP_REFUSED, err.msg);
		return;
	}
	spawn(site, operation, &launch, step);
	local_launch_free(&launch);
}

/* The processes that `stop` means: the first of them, NULL for none. */
static const struct local_process *
stop_targets(const struct local_site *site, const struct local_stop *stop,
	     size_t *count)
{
	const struct local_process *process =
	    local_processes_of(&site->found, stop->mark, count);

	if (stop->mark[0] != '\0')
		return process;
	/* Without a mark only the reference tells, and only in its boot. */
	if (strcmp(stop->boot_id, site->boot_id) != 0)
		return NULL;
	for (size_t i = 0; i < *count; i++) {
		char ref[REF_SIZE];

		format_ref(ref, &process[i]);
		if (strcmp(ref, stop->ref) != 0)
			continue;
		*count = 1;
		return &process[i];
	}
	return NULL;
}

static bool
signal_all(const struct local_site *site, const struct local_process *process,
	   size_t count, int signo, struct err *err)
{
	bool ok = true;

	for (size_t i = 0; i < count; i++) {
		if (!local_process_signal(&process[i], site->fleet, signo, err))
			ok = false;
	}
	return ok;
}

void
local_stop_step(struct local_site *site, const struct operation *operation,
		struct step *step)
{
	const struct local_process *target;
	struct local_stop stop;
	bool told, late;
	struct err err;
	size_t count;

	if (!local_stop_read(&stop, operation->request, &err)) {
		local_step_says(step, STEP_REFUSED, err.msg);
		return;
	}
	target = stop_targets(site, &stop, &count);
	if (!target) {
		step->result = STEP_DONE;
		return;
	}
	/* Times of another boot say nothing: whoever lives was not told. */
	told = strcmp(operation->phase, LOCAL_PHASE_ENDING) == 0 &&
	       strcmp(stop.boot_id, site->boot_id) == 0;
	late = told && loop_now_ms() - stop.term_ms >= site->stop_timeout_ms;
	if ((!told || late) &&
	    !signal_all(site, target, count, late ? SIGKILL : SIGTERM, &err)) {
		local_step_says(step, STEP_WAIT, err.msg);
		return;
	}
	if (told) {
		local_step_says(step, STEP_WAIT,
				late ? "did not end on SIGTERM: SIGKILL sent"
				     : "");
		step->wait_ms = ENDING_WAIT_MS;
		return;
	}
	stop.term_ms = loop_now_ms();
	memcpy(stop.boot_id, site->boot_id, sizeof(stop.boot_id));
	step->result = STEP_NEXT;
	snprintf(step->phase, sizeof(step->phase), "%s", LOCAL_PHASE_ENDING);
	if (!local_stop_write(step->request, &stop, &err))
		local_step_says(step, STEP_WAIT, err.msg);
}
