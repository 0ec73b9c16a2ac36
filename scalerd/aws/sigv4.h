/* SPDX-License-Identifier: MIT */
/*
 * AWS Signature Version 4 of a POST to "/" without a query, which is all that
 * ECS, EC2 and STS need. Pure: the answer depends on the arguments alone.
 *
 * Signed are content-type, host, x-amz-date, x-amz-security-token and
 * x-amz-target, as far as the request has them. Whoever sends the request sends
 * exactly these values.
 */
#ifndef GSM_AWS_SIGV4_H
#define GSM_AWS_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Bytes, with the final NUL. */
enum {
	AWS_KEY_ID_SIZE = 129,
	AWS_SECRET_SIZE = 129,
	AWS_TOKEN_SIZE = 8193,
	SIGV4_DATE_SIZE = 17,
	SIGV4_AUTHORIZATION_SIZE = 640,
};

struct aws_keys {
	char id[AWS_KEY_ID_SIZE];
	char secret[AWS_SECRET_SIZE];
	char token[AWS_TOKEN_SIZE]; /* "": keys that need none */
};

/* Texts have no white space at their ends and none doubled. */
struct sigv4_request {
	const char *service;      /* "ecs" */
	const char *region;       /* "eu-west-1" */
	const char *host;         /* as sent, with the port if it has one */
	const char *target;       /* X-Amz-Target; NULL: not sent */
	const char *content_type; /* NULL: not sent */
	const void *body;         /* may be NULL when it is empty */
	size_t body_size;
	int64_t utc_ms; /* by the service's clock, as well as it is known */
};

struct sigv4_headers {
	char amz_date[SIGV4_DATE_SIZE];               /* X-Amz-Date */
	char authorization[SIGV4_AUTHORIZATION_SIZE]; /* Authorization */
};

/* False: a text is too long, the year is not within 1970 to 9999, or OpenSSL
 * failed. Nothing secret is left on the stack or in err. */
NODISCARD bool sigv4_sign(const struct sigv4_request *request,
			  const struct aws_keys *keys,
			  struct sigv4_headers *headers, struct err *err);

#endif
