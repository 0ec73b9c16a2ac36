/* SPDX-License-Identifier: MIT */
/*
 * FastCGI: API_THREADS request threads, one refresher, until SIGTERM or
 * SIGINT. Requests in progress are finished.
 */
#ifndef GSM_FCGI_API_SERVE_H
#define GSM_FCGI_API_SERVE_H

#include <stdbool.h>

#include "common/err.h"
#include "fcgi-api/api.h"
#include "fcgi-api/refresher.h"

/* Serves on the UNIX socket `path`, or on standard input if path is NULL.
 * True: ended by a signal, everything finished or SHUTDOWN_MAX_MS over; then
 * threads may still run, so leave with _exit. False: it could not start. */
NODISCARD bool serve_fastcgi(struct api *api, struct refresher *refresher,
			     const char *path, struct err *err);

#endif
