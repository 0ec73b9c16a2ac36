/* SPDX-License-Identifier: MIT */
/*
 * What an error of AWS means for whoever made the call. Classified by its code
 * before its HTTP status: InsufficientInstanceCapacity may come as a 500 and is
 * nothing to hammer. (EC2 "Error codes", ECS "Common Errors", botocore's retry
 * tables.) Pure.
 */
#ifndef GSM_AWS_AWS_ERROR_H
#define GSM_AWS_AWS_ERROR_H

#include <stdbool.h>

#include "common/err.h"

enum aws_error_class {
	AWS_ERROR_NONE,
	AWS_ERROR_TRANSIENT,   /* may pass, may have acted: 5xx, timeout, cut */
	AWS_ERROR_THROTTLED,   /* did not act; later */
	AWS_ERROR_CREDENTIALS, /* keys expired or unknown: fetch anew, once */
	AWS_ERROR_CLOCK,       /* our clock is off: correct it, once */
	AWS_ERROR_CAPACITY,    /* AWS has no machine now; after minutes */
	AWS_ERROR_QUOTA,       /* the account's limit: an operator must act */
	AWS_ERROR_IDEMPOTENCY, /* the token was used for something: look */
	AWS_ERROR_NOT_FOUND,   /* the instance or task is not there (yet) */
	AWS_ERROR_CONFIGURATION, /* an operator must act; also any other 4xx */
	AWS_ERROR_CLASS_COUNT
};

enum {
	AWS_ERROR_CODE_SIZE = 128,
	AWS_ERROR_MESSAGE_SIZE = 512, /* may be cut */
};

struct aws_error {
	enum aws_error_class class;
	long status;                          /* HTTP's, 0: no answer */
	char code[AWS_ERROR_CODE_SIZE];       /* "" none was readable */
	char message[AWS_ERROR_MESSAGE_SIZE]; /* for people, nothing secret */
};

/* The class of a code (may be "") that came with an HTTP status (0: none) and
 * a message. */
enum aws_error_class aws_error_classify(const char *code, long status,
					const char *message);

/* What an operator can do about it, a sentence or "": for codes that say that
 * something of the configuration is wrong. */
const char *aws_error_advice(const char *code, const char *message);

/* The error as a sentence: code, advice, message. Returns false, as err_set. */
bool aws_error_say(const struct aws_error *error, struct err *err);

#endif
