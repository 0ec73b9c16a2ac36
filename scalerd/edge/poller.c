/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/poller.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/edge/curl_loop.h"
#include "scalerd/edge/probe.h"

enum {
	POLLER_URL_SIZE = 1024, /* HEALTH_URL with its parts filled in */
	POLLER_STATE_SIZE = 32, /* of a told_state */
	POLLER_PORT_TEXT_SIZE = 12,
};

enum lane_id { LANE_NORMAL, LANE_SUSPECT, LANE_COUNT };

struct queued {
	int64_t gameserver;
	int port;
	char ip[IP_SIZE];
	char told_state[POLLER_STATE_SIZE];
};

/* Room for one open question. Its probe is made at first use and kept. */
struct slot {
	struct probe *probe;
	int64_t gameserver;
	int64_t asked_ms;
	bool open;
	struct slot *next_idle;
};

struct lane {
	struct poller *poller;
	struct curl_loop *curl;
	struct loop_timer begin; /* due at once when there is a new question */
	struct slot *idle;
	struct slot slot[POLLER_LANE_OPEN_MAX];
	size_t first; /* of a ring */
	size_t nqueued;
	struct queued queue[POLLER_LANE_QUEUE_MAX];
};

struct poller {
	struct loop *loop;
	struct port_sink sink;
	char health_url[CONFIG_TEXT_SIZE];
	int64_t timeout_ms;
	struct lane lane[LANE_COUNT];
};

/* ---- the question ------------------------------------------------------ */

/* Numeric addresses only: nothing else may become a part of a URL. */
static bool
format_host(const char *ip, char *host, size_t size)
{
	struct in6_addr any;
	int n;

	if (inet_pton(AF_INET, ip, &any) == 1)
		n = snprintf(host, size, "%s", ip);
	else if (inet_pton(AF_INET6, ip, &any) == 1)
		n = snprintf(host, size, "[%s]", ip);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

struct part {
	const char *name;
	const char *value;
};

/* What the template's next piece stands for; *template moves on behind it. */
static const char *
next_piece(const char **template, const struct part *part, size_t npart,
	   size_t *size)
{
	const char *at = *template;

	for (size_t i = 0; i < npart; i++) {
		const size_t n = strlen(part[i].name);

		if (strncmp(at, part[i].name, n) != 0)
			continue;
		*template += n;
		*size = strlen(part[i].value);
		return part[i].value;
	}
	++*template;
	*size = 1;
	return at;
}

static bool
format_url(const char *template, const struct queued *q, char *url)
{
	char host[IP_SIZE + 2];
	char port[POLLER_PORT_TEXT_SIZE];
	const struct part part[] = {{"{ip}", host}, {"{port}", port}};
	size_t used = 0;

	if (!format_host(q->ip, host, sizeof(host)))
		return false;
	snprintf(port, sizeof(port), "%d", q->port);
	while (*template != '\0') {
		size_t size;
		const char *piece = next_piece(&template, part, 2, &size);

		if (size >= POLLER_URL_SIZE - used)
			return false;
		memcpy(url + used, piece, size);
		used += size;
	}
	url[used] = '\0';
	return true;
}

static bool
slot_prepare(struct slot *slot, const struct poller *poller,
	     const struct queued *q, struct err *err)
{
	char url[POLLER_URL_SIZE];

	if (!slot->probe && !probe_new(&slot->probe, err))
		return false;
	if (!format_url(poller->health_url, q, url))
		return err_set(err, "can't make a URL from HEALTH_URL");
	if (!probe_prepare(slot->probe, url, q->told_state, poller->timeout_ms,
			   err))
		return false;
	if (curl_easy_setopt(probe_easy(slot->probe), CURLOPT_PRIVATE, slot))
		return err_set(err, "libcurl takes no pointer");
	return true;
}

/* ---- lanes ------------------------------------------------------------- */

static struct slot *
take_idle(struct lane *lane)
{
	struct slot *slot = lane->idle;

	lane->idle = slot->next_idle;
	slot->next_idle = NULL;
	return slot;
}

static void
put_idle(struct lane *lane, struct slot *slot)
{
	slot->open = false;
	slot->next_idle = lane->idle;
	lane->idle = slot;
}

static struct queued
take_queued(struct lane *lane)
{
	const struct queued q = lane->queue[lane->first];

	lane->first = (lane->first + 1) % POLLER_LANE_QUEUE_MAX;
	lane->nqueued--;
	return q;
}

static void
tell_local_error(const struct lane *lane, const struct slot *slot,
		 const struct err *err)
{
	struct answer answer = {
	    .gameserver = slot->gameserver,
	    .kind = ANSWER_LOCAL_ERROR,
	    .asked_ms = slot->asked_ms,
	};

	snprintf(answer.detail, sizeof(answer.detail), "%.*s",
		 (int)sizeof(answer.detail) - 1, err->msg);
	lane->poller->sink.answered(lane->poller->sink.arg, &answer);
}

static void
begin_queued(void *arg)
{
	struct lane *lane = arg;

	while (lane->idle && lane->nqueued > 0) {
		struct slot *slot = take_idle(lane);
		const struct queued q = take_queued(lane);
		struct err err;

		slot->gameserver = q.gameserver;
		slot->asked_ms = loop_now_ms();
		slot->open =
		    slot_prepare(slot, lane->poller, &q, &err) &&
		    curl_loop_add(lane->curl, probe_easy(slot->probe), &err);
		if (!slot->open) {
			put_idle(lane, slot);
			tell_local_error(lane, slot, &err);
		}
	}
}

static void
on_done(void *arg, CURL *easy, CURLcode code)
{
	struct lane *lane = arg;
	struct port_sink *sink = &lane->poller->sink;
	struct answer answer = {0};
	struct slot *slot;
	char *private;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	slot = (void *)private;
	answer.gameserver = slot->gameserver;
	answer.asked_ms = slot->asked_ms;
	probe_read(slot->probe, code, &answer);
	put_idle(lane, slot);
	sink->answered(sink->arg, &answer);
	begin_queued(lane);
}

static bool
lane_open(struct lane *lane, struct poller *poller, struct err *err)
{
	lane->poller = poller;
	for (size_t i = 0; i < POLLER_LANE_OPEN_MAX; i++)
		put_idle(lane, &lane->slot[i]);
	return curl_loop_open(&lane->curl, poller->loop, on_done, lane, err);
}

static void
lane_close(struct lane *lane)
{
	for (size_t i = 0; i < POLLER_LANE_OPEN_MAX; i++) {
		struct slot *slot = &lane->slot[i];

		if (slot->open)
			curl_loop_remove(lane->curl, probe_easy(slot->probe));
		probe_free(slot->probe);
	}
	curl_loop_close(lane->curl);
	loop_timer_clear(lane->poller->loop, &lane->begin);
}

/* ---- the port ---------------------------------------------------------- */

static bool
ask(void *self, const struct question *question)
{
	struct poller *poller = self;
	struct lane *lane =
	    &poller->lane[question->suspect ? LANE_SUSPECT : LANE_NORMAL];
	struct queued *q;

	if (lane->nqueued == POLLER_LANE_QUEUE_MAX)
		return false;
	q = &lane->queue[(lane->first + lane->nqueued) % POLLER_LANE_QUEUE_MAX];
	q->gameserver = question->gameserver;
	q->port = question->port;
	snprintf(q->ip, sizeof(q->ip), "%s", question->ip);
	snprintf(q->told_state, sizeof(q->told_state), "%s",
		 question->told_state);
	lane->nqueued++;
	if (!lane->begin.set)
		loop_timer_set(poller->loop, &lane->begin, loop_now_ms(),
			       begin_queued, lane);
	return true;
}

bool
poller_open(struct poller **out, struct prober_port *port,
	    const struct config *config, struct loop *loop,
	    const struct port_sink *sink, struct err *err)
{
	struct poller *poller;
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (code)
		return err_set(err, "libcurl: %s", curl_easy_strerror(code));
	poller = calloc(1, sizeof(*poller));
	if (!poller) {
		curl_global_cleanup();
		return err_set(err, "out of memory");
	}
	poller->loop = loop;
	poller->sink = *sink;
	poller_reconfigure(poller, config);
	for (size_t i = 0; i < LANE_COUNT; i++) {
		if (!lane_open(&poller->lane[i], poller, err)) {
			poller_close(poller);
			return false;
		}
	}
	*port = (struct prober_port){.self = poller, .ask = ask};
	*out = poller;
	return true;
}

void
poller_reconfigure(struct poller *poller, const struct config *config)
{
	snprintf(poller->health_url, sizeof(poller->health_url), "%s",
		 config->health_url);
	poller->timeout_ms = config->health_timeout_ms;
}

void
poller_close(struct poller *poller)
{
	if (!poller)
		return;
	for (size_t i = 0; i < LANE_COUNT; i++)
		if (poller->lane[i].poller)
			lane_close(&poller->lane[i]);
	free(poller);
	curl_global_cleanup();
}
