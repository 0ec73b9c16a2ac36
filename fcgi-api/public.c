/* SPDX-License-Identifier: MIT */
#include "fcgi-api/handlers.h"

#include "fcgi-api/choose.h"
#include "fcgi-api/exchange.h"

/* A gameserver of the fleet for this player; HEAD takes no seat. */
static bool
choose(struct exchange *x, struct choice *c)
{
	struct api *api = x->thread->api;
	c->seats = &api->seats;
	c->ledger = x->ledger;
	c->random = &x->thread->random;
	c->pack = atomic_load_explicit(&api->fleet.pack, memory_order_relaxed);
	c->grant = x->request.method == METHOD_GET;
	if (x->stale ? choose_stale(c) : choose_by_credit(c))
		return true;
	if (c->grant && c->ledger != NULL)
		ledger_count_shortage(c->ledger);
	if (c->grant)
		counters_add(&api->counters.threads[x->thread->slot].refusals);
	return false;
}

void
handle_available(struct exchange *x)
{
	struct choice choice;
	const char *address = x->thread->api->backup;
	x->answer.source = SOURCE_BACKUP;
	if (choose(x, &choice)) {
		address = choice.row.address;
		x->answer.source = SOURCE_FLEET;
	}
	if (address[0] == '\0') {
		x->answer.source = SOURCE_NONE;
		answer_error(&x->answer, ANSWER_UNAVAILABLE,
			     "no gameserver available");
		return;
	}
	/* The address was checked to need no escape. */
	answer_member(&x->answer, "available", address);
}

void
handle_list(struct exchange *x)
{
	struct exchange_thread *t = x->thread;
	const struct text *list = publication_take(&t->api->list, t->slot);
	if (list == NULL) {
		answer_line(&x->answer, "{\"server_list\": []}");
		return;
	}
	x->answer.body = list->data;
	x->answer.len = list->len;
}

void
handle_healthz(struct exchange *x)
{
	if (x->age_ms >= 0)
		answer_line(&x->answer,
			    "{\"status\": \"ok\", \"state_age_seconds\": %.1f}",
			    (double)x->age_ms / 1000);
	else if (x->thread->api->backup[0] != '\0')
		answer_line(
		    &x->answer,
		    "{\"status\": \"ok\", \"state_age_seconds\": null}");
	else
		answer_error(
		    &x->answer, ANSWER_UNAVAILABLE,
		    "no state was read and there is no backup gameserver");
}

void
handle_unknown(struct exchange *x)
{
	answer_error(&x->answer, ANSWER_NOT_FOUND, "not found");
}
