/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* getrandom */
#include "fcgi-api/exchange.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "fcgi-api/instant.h"
#include "fcgi-api/route.h"

bool
exchange_thread_init(struct exchange_thread *thread, struct api *api,
		     unsigned slot, struct err *err)
{
	thread->api = api;
	thread->slot = slot;
	uint64_t *seed = &thread->random.state;
	if (getrandom(seed, sizeof(*seed), 0) != (ssize_t)sizeof(*seed))
		return err_set(err, "getrandom: %s", strerror(errno));
	return true;
}

/* A process that was stopped comes back with requests and a picture as old as
 * the stop was long: the refresher, which comes back as well, has to look
 * first. Counted in pauses, for it may be stopped again. */
static int64_t
await_refresher(struct fleet_now *fleet)
{
	int64_t now_ms = instant_boot_ms();
	for (int i = 0; fleet_is_late(fleet, now_ms); i++) {
		if (i == LATE_PAUSES) {
			atomic_store(&fleet->hung, true);
			break;
		}
		(void)poll(NULL, 0, LATE_PAUSE_MS);
		now_ms = instant_boot_ms();
	}
	return now_ms;
}

static void
look_at_state(struct exchange *x)
{
	struct exchange_thread *t = x->thread;
	struct fleet_now *fleet = &t->api->fleet;
	x->age_ms = fleet_age_ms(fleet, await_refresher(fleet));
	x->ledger = ledger_map_take(&t->api->ledger, t->slot);
	x->stale = x->age_ms < 0 || x->ledger == NULL ||
		   fleet_is_stale(fleet, x->age_ms);
}

static void
answer_request(struct exchange *x, enum route_id route)
{
	answer_init(&x->answer);
	if (x->stale && x->age_ms >= 0)
		x->answer.stale_s = x->age_ms / 1000;
	if (route == ROUTE_UNKNOWN)
		route_table[route].handler(x);
	else if (x->request.method == METHOD_OPTIONS)
		x->answer.code = ANSWER_NO_CONTENT;
	else if (x->request.method == METHOD_OTHER)
		answer_error(&x->answer, ANSWER_NOT_ALLOWED,
			     "method not allowed");
	else
		route_table[route].handler(x);
}

static void
count(const struct exchange *x, enum route_id route)
{
	const struct exchange_thread *t = x->thread;
	struct counters_thread *c = &t->api->counters.threads[t->slot];
	counters_add(&c->requests[route][x->answer.code]);
	/* HEAD only asks what a GET would give. */
	if (x->request.method == METHOD_GET && x->answer.source < SOURCE_COUNT)
		counters_add(&c->grants[x->answer.source]);
}

void
exchange_run(struct exchange_thread *thread, const struct exchange_port *port)
{
	char head[ANSWER_HEAD_SIZE];
	struct exchange x = {.thread = thread};
	request_parse(&x.request, port->variable, port->arg);
	enum route_id route = route_find(&x.request);
	look_at_state(&x);
	answer_request(&x, route);
	count(&x, route);
	port->write(port->arg, head, answer_head(&x.answer, head));
	if (x.request.method != METHOD_HEAD)
		port->write(port->arg, x.answer.body, x.answer.len);
	answer_free(&x.answer);
	/* Not before: the body may be the list. */
	publication_release(&thread->api->list, thread->slot);
	ledger_map_release(&thread->api->ledger, thread->slot);
}
