/* SPDX-License-Identifier: MIT */
/*
 * Tells the service manager how we are: sd_notify(3)'s datagram to
 * $NOTIFY_SOCKET, without its library. Nobody listens when it is not set.
 */
#ifndef GSM_EDGE_NOTIFY_H
#define GSM_EDGE_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

#include "common/err.h"

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t to_size;
};

/* Takes NOTIFY_SOCKET out of the environment, so that no gameserver speaks for
 * us. On false nobody listens. */
NODISCARD bool notify_open(struct notify *notify, struct err *err);
void notify_close(struct notify *notify);

/* "READY=1", "WATCHDOG=1", ... Does not wait. */
NODISCARD bool notify_send(const struct notify *notify, const char *state,
			   struct err *err);

#endif
