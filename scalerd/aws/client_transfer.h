/* SPDX-License-Identifier: MIT */
/*
 * One attempt of a call: the request, signed, as a libcurl transfer, and what
 * its end means.
 */
#ifndef GSM_AWS_CLIENT_TRANSFER_H
#define GSM_AWS_CLIENT_TRANSFER_H

#include "scalerd/aws/client.h"
#include "scalerd/aws/endpoint.h"
#include "scalerd/edge/transfer.h"

/* Everything lives as long as the transfer. */
struct client_order {
	const struct client_request *request;
	const struct endpoint *endpoint;
	const char *region;
	const char *ca_file; /* NULL: the system's */
	int64_t utc_ms;      /* by AWS's clock */
	int64_t connect_ms;
	int64_t timeout_ms; /* for all of it */
	void *arg;          /* of CURLOPT_PRIVATE */
};

/* Must not move while it is open. */
struct client_transfer {
	struct transfer transfer;
	enum client_service service;
	struct curl_slist *headers;
	char error_type[AWS_ERROR_CODE_SIZE]; /* a header's; "": none */
	int64_t date_utc_ms;                  /* a header's; 0: none */
};

/* client_transfer_close it also after false. */
NODISCARD bool client_transfer_open(struct client_transfer *transfer,
				    const struct client_order *order,
				    const struct aws_keys *keys,
				    struct err *err);

struct client_result {
	struct aws_error error; /* class NONE: HTTP 200 */
	bool sent;              /* or at least begun */
	bool timed_out;
	bool too_long; /* the answer */
};

void client_transfer_read(const struct client_transfer *transfer, CURLcode code,
			  struct client_result *result);

/* Accepts one that is all zero. */
void client_transfer_close(struct client_transfer *transfer);

#endif
