/* SPDX-License-Identifier: MIT */
/* The head of an HTTP/1.x request -> what a gameserver wants of it. Pure. */
#ifndef GSM_GAMESERVER_HTTP_H
#define GSM_GAMESERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/gameserver/websocket.h"

enum {
	HTTP_HEAD_MAX = 8192, /* bytes of the request line and the headers */
	HTTP_BODY_MAX = 1024, /* bytes of a request's body */
	HTTP_METHOD_SIZE = 16,
	HTTP_PATH_SIZE = 128,
	HTTP_STATE_SIZE = 32,
};

struct http_request {
	char method[HTTP_METHOD_SIZE];
	char path[HTTP_PATH_SIZE]; /* without the query */
	bool keep_alive;
	bool upgrade;                /* Connection: upgrade */
	bool websocket;              /* Upgrade: websocket */
	bool version_13;             /* Sec-WebSocket-Version: 13 */
	char key[WS_KEY_SIZE + 1];   /* "" without a proper one */
	char state[HTTP_STATE_SIZE]; /* X-Gameserver-State, "" without one */
	size_t head_size;
	size_t body_size;
};

enum http_parse {
	HTTP_PARSE_MORE, /* head or body are not complete yet */
	HTTP_PARSE_DONE,
	HTTP_PARSE_BAD,
	HTTP_PARSE_TOO_LARGE,
};

/* Writes *request on HTTP_PARSE_DONE; the body follows the head in `data`. */
enum http_parse http_request_parse(const unsigned char *data, size_t size,
				   struct http_request *request);

#endif
