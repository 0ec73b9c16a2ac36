/* SPDX-License-Identifier: MIT */
#include "tests/gameserver/site.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NEGATIVE_SEATS = -5 };

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
    {101, "Switching Protocols"}, {200, "OK"},
    {301, "Moved Permanently"},   {302, "Found"},
    {400, "Bad Request"},         {404, "Not Found"},
    {405, "Method Not Allowed"},  {413, "Content Too Large"},
    {426, "Upgrade Required"},    {503, "Service Unavailable"},
};

const char *
site_phrase(int status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Unknown";
}

static void
answer_health(struct site *site, struct reply *reply)
{
	int64_t seats = site->capacity - site->connections;
	bool ready = site->connections == 0;

	if (site->misbehave.kind == MISBEHAVE_NEGATIVE)
		seats = NEGATIVE_SEATS;
	if (site->misbehave.kind == MISBEHAVE_LIE_READY)
		ready = true;
	snprintf(reply->body, sizeof(reply->body),
		 "{\"available_capacity\": %" PRId64
		 ", \"ready_to_close\": %s}",
		 seats, ready ? "true" : "false");
}

static void
get_honest_health(struct site *site, const struct http_request *request,
		  const char *body, struct reply *reply)
{
	struct misbehave now = site->misbehave;

	(void)request;
	(void)body;
	site->misbehave = (struct misbehave){.kind = MISBEHAVE_NONE};
	answer_health(site, reply);
	site->misbehave = now;
}

static void
get_health(struct site *site, const struct http_request *request,
	   const char *body, struct reply *reply)
{
	static const enum reply_manner manners[MISBEHAVE_KIND_COUNT] = {
	    [MISBEHAVE_SLOW] = REPLY_LATE,
	    [MISBEHAVE_HANG] = REPLY_NEVER,
	    [MISBEHAVE_HUGE] = REPLY_ENDLESS,
	    [MISBEHAVE_DRIP] = REPLY_DRIP,
	};
	const struct misbehave *misbehave = &site->misbehave;

	(void)body;
	site->polled++;
	memcpy(site->state, request->state, sizeof(site->state));
	reply->manner = manners[misbehave->kind];
	reply->late_ms = misbehave->ms;
	answer_health(site, reply);
	if (misbehave->kind == MISBEHAVE_WRONG_JSON) {
		snprintf(reply->body, sizeof(reply->body), "%s",
			 misbehave->text[0] != '\0'
			     ? misbehave->text
			     : "{\"available_capacity\": \"many\"}");
	} else if (misbehave->kind == MISBEHAVE_NEVER_READY) {
		reply->status = 503;
	} else if (misbehave->kind == MISBEHAVE_REDIRECT) {
		reply->status = 302;
		snprintf(reply->headers, sizeof(reply->headers),
			 "Location: /debug/health\r\n");
	}
}

static void
get_health_without_slash(struct site *site, const struct http_request *request,
			 const char *body, struct reply *reply)
{
	(void)site;
	(void)request;
	(void)body;
	reply->status = 301;
	snprintf(reply->headers, sizeof(reply->headers),
		 "Location: /health/\r\n");
}

static void
get_seat(struct site *site, const struct http_request *request,
	 const char *body, struct reply *reply)
{
	(void)body;
	if (site->misbehave.kind == MISBEHAVE_HANG) {
		reply->manner = REPLY_NEVER;
	} else if (!request->upgrade || !request->websocket ||
		   request->key[0] == '\0') {
		reply->status = 400;
	} else if (!request->version_13) {
		reply->status = 426;
		snprintf(reply->headers, sizeof(reply->headers),
			 "Sec-WebSocket-Version: 13\r\n");
	} else if (site->connections >= site->capacity) {
		site->refused++;
		reply->status = 503;
		reply->close = true;
	} else {
		char accept[WS_ACCEPT_SIZE];
		ws_accept_key(request->key, accept);
		site->accepted++;
		site->connections++;
		reply->manner = REPLY_SEAT;
		reply->status = 101;
		snprintf(reply->headers, sizeof(reply->headers),
			 "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Accept: %s\r\n",
			 accept);
	}
}

static void
get_debug(struct site *site, const struct http_request *request,
	  const char *body, struct reply *reply)
{
	(void)request;
	(void)body;
	snprintf(reply->body, sizeof(reply->body),
		 "{\"connections\": %" PRId64 ", \"capacity\": %" PRId64
		 ", \"accepted\": %" PRId64 ", \"refused\": %" PRId64
		 ", \"polled\": %" PRId64 ", \"state\": \"%s\""
		 ", \"misbehave\": \"%s\", \"pid\": %ld}",
		 site->connections, site->capacity, site->accepted,
		 site->refused, site->polled, site->state,
		 misbehave_name(site->misbehave.kind), (long)getpid());
}

static void
post_misbehave(struct site *site, const struct http_request *request,
	       const char *body, struct reply *reply)
{
	char text[HTTP_BODY_MAX + 1];

	memcpy(text, body, request->body_size);
	text[request->body_size] = '\0';
	if (!misbehave_parse(text, &site->misbehave))
		reply->status = 400;
}

static const struct {
	const char *path;
	const char *method;
	const char *also; /* another method that is allowed, or NULL */
	void (*answer)(struct site *site, const struct http_request *request,
		       const char *body, struct reply *reply);
} routes[] = {
    {"/health/", "GET", "HEAD", get_health},
    {"/health", "GET", "HEAD", get_health_without_slash},
    {"/ws/connect/", "GET", NULL, get_seat},
    {"/debug/", "GET", NULL, get_debug},
    {"/debug/health", "GET", "HEAD", get_honest_health},
    {"/debug/misbehave", "POST", NULL, post_misbehave},
};

void
site_answer(struct site *site, const struct http_request *request,
	    const char *body, struct reply *reply)
{
	*reply = (struct reply){.status = 404};
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const char *also = routes[i].also;
		if (strcmp(request->path, routes[i].path) != 0)
			continue;
		if (strcmp(request->method, routes[i].method) == 0 ||
		    (also != NULL && strcmp(request->method, also) == 0)) {
			reply->status = 200;
			routes[i].answer(site, request, body, reply);
		} else {
			reply->status = 405;
			snprintf(reply->headers, sizeof(reply->headers),
				 "Allow: %s%s%s\r\n", routes[i].method,
				 also != NULL ? ", " : "",
				 also != NULL ? also : "");
		}
		break;
	}
	if (reply->body[0] == '\0' && reply->status != 101)
		snprintf(reply->body, sizeof(reply->body), "{}");
}
