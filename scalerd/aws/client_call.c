/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/client_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client_call *
client_call_new(const struct client_request *request)
{
	struct client_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->request = *request;
	call->body = strdup(request->body);
	call->request.body = call->body;
	if (call->body)
		return call;
	free(call);
	return NULL;
}

void
client_call_free(struct client_call *call)
{
	if (!call)
		return;
	client_transfer_close(&call->transfer);
	free(call->body);
	free(call);
}

void
client_calls_append(struct client_calls *calls, struct client_call *call)
{
	call->in = calls;
	call->next = NULL;
	call->prev = calls->last;
	*(calls->last ? &calls->last->next : &calls->first) = call;
	calls->last = call;
}

void
client_calls_remove(struct client_call *call)
{
	*(call->prev ? &call->prev->next : &call->in->first) = call->next;
	*(call->next ? &call->next->prev : &call->in->last) = call->prev;
	call->in = NULL;
}

void
client_call_fail(struct client_call *call, enum aws_error_class class,
		 const char *why)
{
	call->error = (struct aws_error){.class = class};
	snprintf(call->error.message, sizeof(call->error.message), "%s", why);
}

/* EC2 says AuthFailure also of a wrong clock. */
bool
client_call_corrects_clock(struct client_call *call, int64_t utc_ms,
			   int64_t *offset_ms)
{
	const int64_t date_ms = call->transfer.date_utc_ms;
	const int64_t off_ms = date_ms - (utc_ms + call->offset_ms);

	if ((call->error.class != AWS_ERROR_CLOCK &&
	     call->error.class != AWS_ERROR_CREDENTIALS) ||
	    call->clock_corrected || date_ms == 0 ||
	    (off_ms <= CLIENT_SKEW_MS && off_ms >= -CLIENT_SKEW_MS))
		return false;
	call->clock_corrected = true;
	*offset_ms = date_ms - utc_ms;
	return true;
}

/* EC2 says RequestExpired also of expired keys. */
bool
client_call_renews_keys(struct client_call *call)
{
	if (call->keys_renewed ||
	    (call->error.class != AWS_ERROR_CREDENTIALS &&
	     strcmp(call->error.code, "RequestExpired") != 0))
		return false;
	call->keys_renewed = true;
	return true;
}

enum client_outcome
client_call_outcome(const struct client_call *call)
{
	if (call->error.class == AWS_ERROR_NONE)
		return CLIENT_ANSWERED;
	return call->unclear ? CLIENT_UNKNOWN : CLIENT_REFUSED;
}
