/* SPDX-License-Identifier: MIT */
/*
 * When a call is sent again, and after what pause: AWS SDKs' standard retry
 * mode ("Retry behavior", AWS SDKs and Tools Reference Guide). Pure: the caller
 * brings the random number.
 */
#ifndef GSM_AWS_CLIENT_RETRY_H
#define GSM_AWS_CLIENT_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "scalerd/aws/aws_error.h"

/* What all calls together may spend on retries. */
struct client_budget {
	int left; /* CLIENT_BUDGET at first */
};

struct client_retry {
	int attempts; /* sent */
	int pauses;   /* before they were sent again */
	int spent;    /* of the budget, by the last of them */
};

/* True: send it again after *pause_ms. False: the error stays. second_ms is
 * 1000, but for tests. */
bool client_retry_after(struct client_retry *retry,
			struct client_budget *budget,
			enum aws_error_class class, bool timed_out,
			uint64_t random, int64_t second_ms, int64_t *pause_ms);

/* The call was answered: the budget gets something back. */
void client_retry_success(const struct client_retry *retry,
			  struct client_budget *budget);

#endif
