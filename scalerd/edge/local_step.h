/* SPDX-License-Identifier: MIT */
/*
 * The steps of provider local's operations: launch is one step, "spawn"; stop
 * is "term", which tells the processes to end, and then "ending" until all
 * have, by force after LOCAL_STOP_TIMEOUT. Only provider_local.c uses it.
 */
#ifndef GSM_EDGE_LOCAL_STEP_H
#define GSM_EDGE_LOCAL_STEP_H

#include <limits.h>
#include <stdint.h>

#include "common/config.h"
#include "scalerd/edge/local_ports.h"
#include "scalerd/edge/local_process.h"
#include "scalerd/edge/proc.h"
#include "scalerd/scaler/ports.h"

#define LOCAL_PHASE_SPAWN  "spawn"
#define LOCAL_PHASE_TERM   "term"
#define LOCAL_PHASE_ENDING "ending"

enum {
	LOCAL_PORT_PREPARED_MS = 30000, /* from choosing a port to its use */
	LOCAL_FLEET_SIZE = CONFIG_TEXT_SIZE + PATH_MAX, /* bytes of its mark */
};

/* What the steps work on. */
struct local_site {
	char fleet[LOCAL_FLEET_SIZE];
	char log_path[PATH_MAX + sizeof("/gameservers.log")];
	char boot_id[PROC_BOOT_ID_SIZE];
	int64_t stop_timeout_ms;
	struct local_processes found; /* by a scan of this moment */
	struct local_ports ports;
};

/* The gameserver whose first process (local_process.h) this is. */
void local_sight(struct sighting *sighting,
		 const struct local_process *process);

/* Takes the step that the operation is at and fills in what came of it. */
void local_launch_step(struct local_site *site,
		       const struct operation *operation, struct step *step);
void local_stop_step(struct local_site *site, const struct operation *operation,
		     struct step *step);

/* Fills in a result with a sentence for people; STEP_WAIT: for a second. */
void local_step_says(struct step *step, enum step_result result,
		     const char *detail);

#endif
