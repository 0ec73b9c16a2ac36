/* SPDX-License-Identifier: MIT */
/*
 * Starts one process of a local fleet: in a session of its own, with default
 * signals, with the fleet's marks in its environment and without anything
 * there that looks like a secret. Only provider_local.c uses it.
 */
#ifndef GSM_EDGE_LOCAL_SPAWN_H
#define GSM_EDGE_LOCAL_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct local_spawn {
	char *const *argv; /* ends with NULL; found in PATH if it has no / */
	const char *fleet; /* the marks, see provider_local.h */
	const char *operation;
	const char *address;
	int port;
	const char *log_path; /* its stdout and stderr are appended here;
				 thrown away if that can't be opened */
};

/* 0 and the pid; else the errno of what failed, and nothing was started. */
int local_spawn(const struct local_spawn *spawn, pid_t *pid);

#endif
