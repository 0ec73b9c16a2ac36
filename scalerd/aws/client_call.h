/* SPDX-License-Identifier: MIT */
/*
 * One call of the client from its making to its answer, and lists of them. What
 * an attempt's end means for the call is decided here; client.c sends and
 * waits.
 */
#ifndef GSM_AWS_CLIENT_CALL_H
#define GSM_AWS_CLIENT_CALL_H

#include "scalerd/aws/client_rate.h"
#include "scalerd/aws/client_retry.h"
#include "scalerd/aws/client_transfer.h"

struct client_call {
	struct client_call *prev;
	struct client_call *next;
	struct client_calls *in; /* the list */

	struct client_request request;
	char *body; /* its */
	client_answered_fn *answered;
	void *arg;
	int64_t deadline_ms;
	int64_t not_before_ms; /* of the next attempt */

	bool sent;    /* an attempt is under way */
	bool unclear; /* an attempt may have acted, and no answer says so */
	bool keys_renewed;
	bool clock_corrected;
	struct client_retry retry;
	int64_t offset_ms; /* that the last attempt was signed with */
	char key_id[AWS_KEY_ID_SIZE]; /* likewise */
	struct client_transfer transfer;
	struct aws_error error; /* of the last attempt */
};

struct client_calls {
	struct client_call *first;
	struct client_call *last;
};

/* NULL: out of memory. Copies the body. */
struct client_call *client_call_new(const struct client_request *request);
/* Accepts NULL. Out of its list, and not under way. */
void client_call_free(struct client_call *call);

void client_calls_append(struct client_calls *calls, struct client_call *call);
void client_calls_remove(struct client_call *call);

/* Why a call ends without having been sent once more. */
void client_call_fail(struct client_call *call, enum aws_error_class class,
		      const char *why);

/* What the clock is off by, when the answer to this call says that it is and is
 * believed: true, once per call. */
bool client_call_corrects_clock(struct client_call *call, int64_t utc_ms,
				int64_t *offset_ms);

/* The keys were refused: true, once per call. */
bool client_call_renews_keys(struct client_call *call);

enum client_outcome client_call_outcome(const struct client_call *call);

#endif
