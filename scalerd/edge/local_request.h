/* SPDX-License-Identifier: MIT */
/*
 * The requests of provider local: what an operation will do, as one JSON text
 * that is recorded before it is done, and reading it back. Pure but for
 * finding the default program. Only provider_local.c uses it.
 */
#ifndef GSM_EDGE_LOCAL_REQUEST_H
#define GSM_EDGE_LOCAL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/err.h"
#include "scalerd/core/model.h"
#include "scalerd/edge/proc.h"

enum { LOCAL_ARGV_MAX = 128 }; /* words of LOCAL_COMMAND */

/* What to start. */
struct local_launch {
	char ip[IP_SIZE];
	int port;
	char **argv; /* ends with NULL */
};

/* LOCAL_COMMAND for LOCAL_ADDRESS and this port. False: it can't be one. */
NODISCARD bool local_launch_write(char request[REQUEST_SIZE],
				  const struct config *config, int port,
				  struct err *err);
/* False: nothing to free. */
NODISCARD bool local_launch_read(struct local_launch *launch,
				 const char *request, struct err *err);
void local_launch_free(struct local_launch *launch);

/* What to end, and since when it is being ended. */
struct local_stop {
	char mark[MARK_SIZE]; /* "": what `ref` names */
	char ref[REF_SIZE];   /* means something only in boot_id */
	char boot_id[PROC_BOOT_ID_SIZE];
	int64_t term_ms; /* CLOCK_BOOTTIME of SIGTERM, 0: not yet */
};

NODISCARD bool local_stop_write(char request[REQUEST_SIZE],
				const struct local_stop *stop, struct err *err);
NODISCARD bool local_stop_read(struct local_stop *stop, const char *request,
			       struct err *err);

#endif
