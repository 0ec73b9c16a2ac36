/* SPDX-License-Identifier: MIT */
/*
 * An HTTP answer of AWS that is no success -> what went wrong. Pure. Whatever
 * the body is, nothing but short printable text comes out of it.
 */
#ifndef GSM_AWS_CLIENT_ERROR_H
#define GSM_AWS_CLIENT_ERROR_H

#include "scalerd/aws/client.h"

struct client_failure {
	enum client_service service;
	long status;            /* HTTP's */
	const char *error_type; /* the header X-Amzn-ErrorType; "": none */
	const char *body;       /* NUL-terminated */
	size_t size;
};

/* Fills in all of it. */
void client_error_read(struct aws_error *error,
		       const struct client_failure *failure);

#endif
