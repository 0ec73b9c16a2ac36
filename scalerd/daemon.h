/* SPDX-License-Identifier: MIT */
/*
 * The running scalerd: store, provider, prober and scaler wired to the event
 * loop, from the first turn to SIGTERM.
 */
#ifndef GSM_SCALERD_DAEMON_H
#define GSM_SCALERD_DAEMON_H

#include "common/config.h"
#include "scalerd/edge/lock.h"

/* Runs until a signal ends it; returns the exit code, having logged why. The
 * configuration is read again from `path` at SIGHUP. When the writer's role is
 * lost it ends the process at once. */
int daemon_run(const struct config *config, const char *path,
	       struct lock *lock);

#endif
