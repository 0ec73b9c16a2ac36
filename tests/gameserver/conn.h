/* SPDX-License-Identifier: MIT */
/*
 * One connection: HTTP at first, a player's WebSocket if it asks for a seat.
 *
 * It reads only while nothing waits to be sent, so a peer that does not read
 * can't make it grow.
 */
#ifndef GSM_GAMESERVER_CONN_H
#define GSM_GAMESERVER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/gameserver/buffer.h"
#include "tests/gameserver/server.h"

enum {
	CONN_REQUEST_MS = 10000,    /* from its first byte to its last */
	CONN_KEEP_ALIVE_MS = 75000, /* between two requests */
	CONN_HANG_MS = 3600000,     /* how long a request may hang on purpose */
	CONN_CLOSING_MS = 2000,     /* for the peer to close, too */
	CONN_DRIP_MS = 1000,        /* a byte */
};

enum conn_kind {
	CONN_HTTP,
	CONN_PLAYER,
	CONN_CLOSING, /* sends what is left, then waits for the peer's end */
};

enum conn_hold {
	CONN_HOLD_NONE,
	CONN_HOLD_LATE,    /* `held` goes out when due */
	CONN_HOLD_DRIP,    /* a byte of it each time */
	CONN_HOLD_FOREVER, /* nothing is answered */
};

struct conn {
	int fd;
	enum conn_kind kind;
	enum conn_hold hold;
	uint32_t watched; /* epoll events */
	int64_t due_ms;   /* INT64_MAX: never */
	bool close_after; /* the reply that is being sent */
	bool partial;     /* part of a request has come */
	bool fragmented;  /* part of a message has come */
	bool endless;     /* the reply has no end */
	bool shut;        /* we sent our end */
	struct buffer in;
	struct buffer out;
	struct buffer held;
	struct conn *next;
	struct conn *prev;
};

/* Takes over fd; closes it if there is no memory. */
void conn_new(struct server *server, int fd);
/* What epoll says of it. It may be gone afterwards, as after the others. */
void conn_event(struct server *server, struct conn *conn, uint32_t events);
/* due_ms has come. */
void conn_due(struct server *server, struct conn *conn);
/* The server ends: close 1001 for players. */
void conn_end(struct server *server, struct conn *conn);
void conn_free(struct server *server, struct conn *conn);

#endif
