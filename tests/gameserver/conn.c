/* SPDX-License-Identifier: MIT */
#include "tests/gameserver/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 16 * 1024 };

enum step {
	STEP_AGAIN, /* something was done, there may be more */
	STEP_MORE,  /* needs more input */
	STEP_FAIL,  /* the connection is to go */
};

static void
set_due(struct server *server, struct conn *conn, int64_t in_ms)
{
	conn->due_ms = in_ms == INT64_MAX ? INT64_MAX : server->now_ms + in_ms;
	if (conn->due_ms < server->next_due_ms)
		server->next_due_ms = conn->due_ms;
}

/* No more requests or messages from this one. A player's seat is free. */
static void
leave(struct server *server, struct conn *conn)
{
	if (conn->kind == CONN_PLAYER)
		server->site.connections--;
	conn->kind = CONN_CLOSING;
	buffer_free(&conn->in);
	set_due(server, conn, CONN_CLOSING_MS);
}

void
conn_free(struct server *server, struct conn *conn)
{
	leave(server, conn);
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		server->conns = conn->next;
	close(conn->fd);
	buffer_free(&conn->out);
	buffer_free(&conn->held);
	free(conn);
}

static bool
flush(struct conn *conn)
{
	static char padding[CHUNK];

	while (conn->out.used > 0) {
		ssize_t sent = send(conn->fd, conn->out.data, conn->out.used,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent == -1)
			return errno == EAGAIN || errno == EINTR;
		buffer_drop(&conn->out, (size_t)sent);
	}
	if (conn->endless) {
		memset(padding, 'a', sizeof(padding));
		return buffer_add(&conn->out, padding, sizeof(padding));
	}
	if (conn->kind == CONN_CLOSING && conn->hold == CONN_HOLD_NONE &&
	    !conn->shut) {
		conn->shut = true;
		return shutdown(conn->fd, SHUT_WR) == 0;
	}
	return true;
}

/* The reply has been handed over: what the connection is from here on. */
static void
finish_reply(struct server *server, struct conn *conn)
{
	conn->hold = CONN_HOLD_NONE;
	if (conn->close_after && !conn->endless)
		leave(server, conn);
	else
		set_due(server, conn, CONN_KEEP_ALIVE_MS);
}

static bool
format_reply(struct buffer *to, const struct reply *reply, bool head, bool last)
{
	char text[SITE_BODY_SIZE + SITE_HEADERS_SIZE + 256];
	char length[64] = "";
	const char *connection =
	    last ? "Connection: close\r\n" : "Connection: keep-alive\r\n";
	size_t body_size = strlen(reply->body);

	if (reply->manner == REPLY_SEAT)
		connection = "";
	else if (reply->manner != REPLY_ENDLESS)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
			 body_size);
	int size =
	    snprintf(text, sizeof(text),
		     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n"
		     "%s%s%s\r\n%s",
		     reply->status, site_phrase(reply->status), length,
		     connection, reply->headers, head ? "" : reply->body);
	return size > 0 && (size_t)size < sizeof(text) &&
	       buffer_add(to, text, (size_t)size);
}

/* The JSON goes on with a text that never ends. */
static void
open_end(struct reply *reply)
{
	size_t size = strlen(reply->body) - strlen("}");

	snprintf(reply->body + size, sizeof(reply->body) - size,
		 ", \"padding\": \"");
}

static bool
send_reply(struct server *server, struct conn *conn, struct reply *reply,
	   bool head)
{
	bool wait = reply->manner == REPLY_LATE || reply->manner == REPLY_DRIP;

	if (reply->manner == REPLY_NEVER) {
		conn->hold = CONN_HOLD_FOREVER;
		set_due(server, conn, CONN_HANG_MS);
		return true;
	}
	conn->endless = reply->manner == REPLY_ENDLESS && !head;
	if (conn->endless)
		open_end(reply);
	conn->close_after = reply->close || conn->endless;
	if (!format_reply(wait ? &conn->held : &conn->out, reply, head,
			  conn->close_after))
		return false;
	if (reply->manner == REPLY_SEAT) {
		conn->kind = CONN_PLAYER;
		set_due(server, conn, INT64_MAX);
	} else if (wait) {
		bool drip = reply->manner == REPLY_DRIP;
		conn->hold = drip ? CONN_HOLD_DRIP : CONN_HOLD_LATE;
		set_due(server, conn, drip ? CONN_DRIP_MS : reply->late_ms);
	} else {
		finish_reply(server, conn);
	}
	return true;
}

static enum step
refuse_request(struct server *server, struct conn *conn, int status)
{
	struct reply reply = {.status = status, .close = true, .body = "{}"};

	return send_reply(server, conn, &reply, false) ? STEP_AGAIN : STEP_FAIL;
}

static enum step
http_step(struct server *server, struct conn *conn)
{
	static struct reply reply;
	struct http_request request;

	if (conn->in.used == 0)
		return STEP_MORE;
	switch (http_request_parse(conn->in.data, conn->in.used, &request)) {
	case HTTP_PARSE_MORE:
		if (!conn->partial)
			set_due(server, conn, CONN_REQUEST_MS);
		conn->partial = true;
		return STEP_MORE;
	case HTTP_PARSE_BAD:
		return refuse_request(server, conn, 400);
	case HTTP_PARSE_TOO_LARGE:
		return refuse_request(server, conn, 413);
	case HTTP_PARSE_DONE:
		break;
	}
	conn->partial = false;
	site_answer(&server->site, &request,
		    (const char *)conn->in.data + request.head_size, &reply);
	reply.close = reply.close || !request.keep_alive;
	buffer_drop(&conn->in, request.head_size + request.body_size);
	bool head = strcmp(request.method, "HEAD") == 0;
	if (send_reply(server, conn, &reply, head))
		return STEP_AGAIN;
	if (reply.manner == REPLY_SEAT)
		server->site.connections--;
	return STEP_FAIL;
}

static bool
send_frame(struct conn *conn, bool fin, enum ws_opcode opcode,
	   const unsigned char *payload, size_t size)
{
	unsigned char header[WS_SERVER_HEADER_MAX];

	return buffer_add(&conn->out, header,
			  ws_header_write(header, fin, opcode, size)) &&
	       buffer_add(&conn->out, payload, size);
}

static enum step
close_player(struct server *server, struct conn *conn, enum ws_status status)
{
	const unsigned char payload[] = {(unsigned char)(status >> 8),
					 (unsigned char)status};

	leave(server, conn);
	return send_frame(conn, true, WS_CLOSE, payload, sizeof(payload))
		   ? STEP_AGAIN
		   : STEP_FAIL;
}

static enum step
take_frame(struct server *server, struct conn *conn,
	   const struct ws_frame *frame, const unsigned char *payload)
{
	bool sent = true;

	switch (frame->opcode) {
	case WS_CONTINUATION:
	case WS_TEXT:
	case WS_BINARY:
		if (conn->fragmented != (frame->opcode == WS_CONTINUATION))
			return close_player(server, conn, WS_STATUS_PROTOCOL);
		conn->fragmented = !frame->fin;
		sent = send_frame(conn, frame->fin, frame->opcode, payload,
				  frame->payload_size);
		break;
	case WS_PING:
		sent = send_frame(conn, true, WS_PONG, payload,
				  frame->payload_size);
		break;
	case WS_PONG:
		break;
	case WS_CLOSE:
		if (!ws_close_is_valid(payload, frame->payload_size))
			return close_player(server, conn, WS_STATUS_PROTOCOL);
		sent = send_frame(conn, true, WS_CLOSE, payload,
				  frame->payload_size);
		leave(server, conn);
		return sent ? STEP_AGAIN : STEP_FAIL;
	}
	buffer_drop(&conn->in, frame->header_size + frame->payload_size);
	return sent ? STEP_AGAIN : STEP_FAIL;
}

static enum step
player_step(struct server *server, struct conn *conn)
{
	struct ws_frame frame;

	switch (ws_frame_parse(conn->in.data, conn->in.used, &frame)) {
	case WS_PARSE_MORE:
		return STEP_MORE;
	case WS_PARSE_PROTOCOL:
		return close_player(server, conn, WS_STATUS_PROTOCOL);
	case WS_PARSE_TOO_LARGE:
		return close_player(server, conn, WS_STATUS_TOO_LARGE);
	case WS_PARSE_FRAME:
		break;
	}
	if (conn->in.used < frame.header_size + frame.payload_size)
		return STEP_MORE;
	unsigned char *payload = conn->in.data + frame.header_size;
	ws_unmask(payload, frame.payload_size, frame.mask);
	return take_frame(server, conn, &frame, payload);
}

/* Sends and understands as much as there is. False: it is over. */
static bool
work(struct server *server, struct conn *conn)
{
	for (;;) {
		if (!flush(conn))
			return false;
		if (conn->out.used > 0 || conn->hold != CONN_HOLD_NONE ||
		    conn->kind == CONN_CLOSING)
			return true;
		enum step step = conn->kind == CONN_HTTP
				     ? http_step(server, conn)
				     : player_step(server, conn);
		if (step != STEP_AGAIN)
			return step == STEP_MORE;
	}
}

static bool
receive(struct conn *conn)
{
	static unsigned char chunk[CHUNK];
	size_t room = BUFFER_MAX - conn->in.used;

	ssize_t got =
	    recv(conn->fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk),
		 MSG_DONTWAIT);
	if (got == -1)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	return conn->kind == CONN_CLOSING ||
	       buffer_add(&conn->in, chunk, (size_t)got);
}

/* Frees the connection when it is over, else watches for what it needs. */
static void
settle(struct server *server, struct conn *conn, bool alive)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

	if (conn->out.used > 0)
		event.events = EPOLLOUT;
	else if (conn->hold != CONN_HOLD_NONE)
		event.events = EPOLLRDHUP;
	if (alive && event.events != conn->watched) {
		conn->watched = event.events;
		alive = epoll_ctl(server->epoll, EPOLL_CTL_MOD, conn->fd,
				  &event) == 0;
	}
	if (!alive)
		conn_free(server, conn);
}

void
conn_new(struct server *server, int fd)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

	if (conn == NULL ||
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == -1) {
		free(conn);
		close(fd);
		return;
	}
	conn->fd = fd;
	conn->watched = event.events;
	conn->next = server->conns;
	if (conn->next != NULL)
		conn->next->prev = conn;
	server->conns = conn;
	set_due(server, conn, CONN_REQUEST_MS);
}

void
conn_event(struct server *server, struct conn *conn, uint32_t events)
{
	bool alive = (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) == 0;

	if (alive && (events & EPOLLIN) != 0)
		alive = receive(conn);
	settle(server, conn, alive && work(server, conn));
}

void
conn_due(struct server *server, struct conn *conn)
{
	bool alive = false;

	if (conn->hold == CONN_HOLD_LATE || conn->hold == CONN_HOLD_DRIP) {
		size_t size =
		    conn->hold == CONN_HOLD_DRIP ? 1 : conn->held.used;
		alive = buffer_add(&conn->out, conn->held.data, size);
		buffer_drop(&conn->held, size);
		if (conn->held.used == 0)
			finish_reply(server, conn);
		else
			set_due(server, conn, CONN_DRIP_MS);
	}
	settle(server, conn, alive && work(server, conn));
}

void
conn_end(struct server *server, struct conn *conn)
{
	bool alive = conn->kind != CONN_HTTP;

	if (conn->kind == CONN_PLAYER)
		alive = close_player(server, conn, WS_STATUS_GOING_AWAY) ==
			STEP_AGAIN;
	settle(server, conn, alive && work(server, conn));
}
