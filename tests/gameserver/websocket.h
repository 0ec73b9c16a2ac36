/* SPDX-License-Identifier: MIT */
/* The bytes of WebSocket (RFC 6455), the server's side. Pure. */
#ifndef GSM_GAMESERVER_WEBSOCKET_H
#define GSM_GAMESERVER_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>

enum {
	WS_KEY_SIZE = 24,       /* characters of Sec-WebSocket-Key */
	WS_ACCEPT_SIZE = 29,    /* of Sec-WebSocket-Accept, with NUL */
	WS_PAYLOAD_MAX = 65536, /* bytes of one frame */
	WS_CONTROL_MAX = 125,   /* bytes of a close, ping or pong */
	WS_CLIENT_HEADER_MAX = 14,
	WS_SERVER_HEADER_MAX = 10,
};

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

enum ws_status {
	WS_STATUS_GOING_AWAY = 1001,
	WS_STATUS_PROTOCOL = 1002,
	WS_STATUS_TOO_LARGE = 1009,
};

struct ws_frame {
	bool fin;
	enum ws_opcode opcode;
	size_t header_size;
	size_t payload_size;
	unsigned char mask[4];
};

enum ws_parse {
	WS_PARSE_MORE,      /* the header is not complete yet */
	WS_PARSE_FRAME,     /* *frame is filled; the payload may not be there */
	WS_PARSE_PROTOCOL,  /* not a client's frame */
	WS_PARSE_TOO_LARGE, /* over WS_PAYLOAD_MAX */
};

/* The answer to a Sec-WebSocket-Key. */
void ws_accept_key(const char key[WS_KEY_SIZE], char accept[WS_ACCEPT_SIZE]);

enum ws_parse ws_frame_parse(const unsigned char *data, size_t size,
			     struct ws_frame *frame);

void ws_unmask(unsigned char *payload, size_t size,
	       const unsigned char mask[4]);

/* Writes a server's frame header; returns its size. */
size_t ws_header_write(unsigned char out[WS_SERVER_HEADER_MAX], bool fin,
		       enum ws_opcode opcode, size_t payload_size);

/* Whether a close frame's payload is one that a client may send. */
bool ws_close_is_valid(const unsigned char *payload, size_t size);

#endif
