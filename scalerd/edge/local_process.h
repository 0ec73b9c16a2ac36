/* SPDX-License-Identifier: MIT */
/*
 * The processes of a local fleet: found in /proc by the marks in their
 * environment, and signalled without ever hitting another one. Only
 * provider_local.c uses it.
 */
#ifndef GSM_EDGE_LOCAL_PROCESS_H
#define GSM_EDGE_LOCAL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "scalerd/core/model.h"

enum {
	LOCAL_ENVIRON_MAX = 256 * 1024, /* bytes of an environment looked at;
					   the marks come first in ours */
	LOCAL_PROCESS_MAX = 16384,      /* processes of one fleet */
};

/* The names of the marks in a gameserver's environment. */
#define LOCAL_MARK_FLEET     "GAMESERVER_FLEET"
#define LOCAL_MARK_OPERATION "GAMESERVER_OPERATION"
#define LOCAL_MARK_ADDRESS   "GAMESERVER_ADDRESS"
#define LOCAL_MARK_PORT      "GAMESERVER_PORT"

/* One live process that bears the fleet's mark. */
struct local_process {
	pid_t pid;
	pid_t parent;
	bool leads_session;
	uint64_t start_ticks;
	char mark[MARK_SIZE]; /* "": started by hand */
	char ip[IP_SIZE];     /* "" if there is no usable one */
	int port;             /* 0 likewise */
};

/* Sorted by mark; in one mark the session's leader first, then the oldest. */
struct local_processes {
	struct local_process *process;
	size_t count;
	size_t room;
};

/* Finds every live process of this user that bears the mark. Zombies are not
 * live. `found` is zeroed before first use and used again by later scans.
 * False: the scan is not complete, so what is missing in it may exist; err
 * says why. */
NODISCARD bool local_process_scan(struct local_processes *found,
				  const char *fleet, struct err *err);
void local_processes_free(struct local_processes *found);

/* Those that bear `mark`: the first of them, or NULL, and how many. */
const struct local_process *
local_processes_of(const struct local_processes *found, const char *mark,
		   size_t *count);

/* Signals the process if it is still the same one and still bears the marks.
 * True also when it is not there any more. */
NODISCARD bool local_process_signal(const struct local_process *process,
				    const char *fleet, int signo,
				    struct err *err);

#endif
