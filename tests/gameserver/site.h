/* SPDX-License-Identifier: MIT */
/*
 * What a gameserver answers: request in, reply out. No I/O.
 *
 *	GET  /health/           the fleet manager's question
 *	GET  /ws/connect/       a player, over WebSocket
 *	GET  /debug/            what happened so far, for tests
 *	GET  /debug/health      the honest health, however it misbehaves
 *	POST /debug/misbehave   KIND[=VALUE] as the body
 */
#ifndef GSM_GAMESERVER_SITE_H
#define GSM_GAMESERVER_SITE_H

#include <stdint.h>

#include "tests/gameserver/http.h"
#include "tests/gameserver/misbehave.h"

enum {
	SITE_BODY_SIZE = 1024,
	SITE_HEADERS_SIZE = 256,
};

struct site {
	int64_t capacity;            /* seats */
	int64_t connections;         /* seats taken */
	int64_t accepted;            /* players since the start */
	int64_t refused;             /* players who found it full */
	int64_t polled;              /* questions for its health */
	char state[HTTP_STATE_SIZE]; /* X-Gameserver-State of the last one */
	struct misbehave misbehave;
};

enum reply_manner {
	REPLY_NOW,
	REPLY_LATE,    /* after late_ms */
	REPLY_DRIP,    /* one byte a second */
	REPLY_ENDLESS, /* the body never ends */
	REPLY_NEVER,
	REPLY_SEAT, /* 101; from here on it is a player's connection */
};

struct reply {
	enum reply_manner manner;
	int64_t late_ms;
	int status;
	bool close;                      /* whatever the request said */
	char headers[SITE_HEADERS_SIZE]; /* lines, each ends in CR LF */
	char body[SITE_BODY_SIZE];
};

/* Writes the whole of *reply and counts in *site; `body` is not ended by NUL,
 * its size is in the request. */
void site_answer(struct site *site, const struct http_request *request,
		 const char *body, struct reply *reply);

/* The reason phrase of a status. */
const char *site_phrase(int status);

#endif
