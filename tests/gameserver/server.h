/* SPDX-License-Identifier: MIT */
/*
 * The gameserver's one thread: a listener, its connections and SIGTERM on one
 * epoll.
 *
 * Life: server_open, server_run (until SIGTERM or SIGINT), server_close.
 */
#ifndef GSM_GAMESERVER_SERVER_H
#define GSM_GAMESERVER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/gameserver/site.h"

enum { SERVER_ADDRESS_SIZE = 64 };

struct conn;

struct server {
	struct site site;
	char address[SERVER_ADDRESS_SIZE]; /* numeric IPv4 or IPv6 */
	int port; /* 0: any, filled in by server_open */
	/* Set by the server: */
	int epoll;
	int listener; /* -1 while ending */
	int signals;
	int64_t now_ms;          /* CLOCK_MONOTONIC of this round */
	int64_t next_due_ms;     /* no connection is due earlier */
	int64_t accept_again_ms; /* INT64_MAX: it accepts */
	bool told_to_end;        /* a signal came in this round */
	int64_t end_ms;          /* INT64_MAX, or when to end whoever is left */
	struct conn *conns;
};

/* Listens; site, address and port are set by the caller, the rest is 0. False:
 * errno says why, server_close is still to be called. */
bool server_open(struct server *server);
/* False: the loop failed, errno says why. */
bool server_run(struct server *server);
void server_close(struct server *server);

#endif
