/* SPDX-License-Identifier: MIT */
/*
 * One question at a time over HTTP to an endpoint that hands out AWS keys.
 * Bounded in time and size; no proxy, no redirect, no reused connection.
 */
#ifndef GSM_AWS_CREDENTIALS_FETCH_H
#define GSM_AWS_CREDENTIALS_FETCH_H

#include <stddef.h>

#include "common/err.h"
#include "scalerd/edge/loop.h"

enum {
	CREDENTIALS_BODY_MAX = 16 * 1024,   /* bytes of an answer's body */
	CREDENTIALS_HEADER_MAX = 16 * 1024, /* bytes of its headers */
};

struct credentials_fetch;

struct credentials_question {
	const char *url;
	const char *header; /* "Name: value", NULL: none; may be a secret */
	int64_t timeout_ms; /* for all of it */
	bool put;           /* PUT without a body instead of GET */
};

struct credentials_answer {
	long status;         /* HTTP's; 0: there is no answer */
	bool timed_out;      /* why there is none */
	const char *failure; /* the same in words, of nothing secret */
	const char *body;    /* ends with a NUL, which `size` does not count */
	size_t size;
};

/* The answer is valid until this returns or asks again. */
typedef void credentials_answer_fn(void *arg,
				   const struct credentials_answer *answer);

/* ca_file: of the certificates that https trusts; NULL: the system's. */
NODISCARD bool credentials_fetch_open(struct credentials_fetch **fetch,
				      struct loop *loop, const char *ca_file,
				      credentials_answer_fn *answered,
				      void *arg, struct err *err);
/* Answered once, never from inside the call. Texts are copied. */
NODISCARD bool
credentials_fetch_ask(struct credentials_fetch *fetch,
		      const struct credentials_question *question,
		      struct err *err);
/* Drops what is open, cleanses what it knew. Accepts NULL. */
void credentials_fetch_close(struct credentials_fetch *fetch);

#endif
