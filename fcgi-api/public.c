/* SPDX-License-Identifier: MIT */
#include "fcgi-api/handlers.h"

#include "fcgi-api/exchange.h"

void
handle_available(struct exchange *x)
{
	const char *address = choose_address(x->state, &x->thread->random);
	x->answer.source = SOURCE_FLEET;
	if (address == NULL && x->thread->api->backup[0] != '\0') {
		address = x->thread->api->backup;
		x->answer.source = SOURCE_BACKUP;
	}
	if (address == NULL) {
		x->answer.source = SOURCE_NONE;
		answer_error(&x->answer, ANSWER_UNAVAILABLE,
			     "no gameserver available");
		return;
	}
	/* Not json-c: nothing is allocated here, and the address was checked
	 * to need no escape. The bytes are those of Python's json.dumps. */
	answer_line(&x->answer, "{\"available\": \"%s\"}", address);
}

void
handle_list(struct exchange *x)
{
	if (x->state == NULL) {
		answer_line(&x->answer, "{\"server_list\": []}");
		return;
	}
	x->answer.body = x->state->list.data;
	x->answer.len = x->state->list.len;
}

void
handle_healthz(struct exchange *x)
{
	if (x->state != NULL)
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
