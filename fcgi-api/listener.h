/* SPDX-License-Identifier: MIT */
/*
 * The listening socket and its connections. One thread at a time waits for a
 * connection, the others queue behind it; close the other end of stop_fd and
 * all of them come back.
 */
#ifndef GSM_FCGI_API_LISTENER_H
#define GSM_FCGI_API_LISTENER_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"

struct listener {
	int fd;
	int stop_fd;      /* readable or at its end: stop accepting */
	const char *path; /* of a socket made here; NULL: inherited */
	dev_t device;     /* of that socket */
	ino_t inode;
	pthread_mutex_t turn; /* held by the thread that accepts */
	bool failing;         /* for the log; under turn */
	int backoff_ms;       /* under turn */
};

/* Standard input is a listening socket: we were started as FastCGI. */
bool listener_is_inherited(void);

/* Listens on standard input (path NULL), or makes the UNIX socket `path`
 * (mode 0660), in place of one that nobody listens on any more. False: the
 * path is taken, or the system refuses. */
NODISCARD bool listener_open(struct listener *l, const char *path, int stop_fd,
			     struct err *err);

/* Waits for a connection on which the first byte has arrived. Lack of files
 * or memory is waited out. Returns -1 when there is none to come: stopped, and
 * on a socket of our own, everybody who had already connected was served. On
 * an inherited one these are the successor's. */
int listener_accept(struct listener *l);

/* Nobody can connect any more; who already has is still served. Does nothing
 * to an inherited socket or to one that a successor has put in the place. */
void listener_withdraw(struct listener *l);

#endif
