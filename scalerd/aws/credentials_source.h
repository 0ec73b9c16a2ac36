/* SPDX-License-Identifier: MIT */
/*
 * What the places have in common where AWS keys are looked for.
 */
#ifndef GSM_AWS_CREDENTIALS_SOURCE_H
#define GSM_AWS_CREDENTIALS_SOURCE_H

#include "common/err.h"
#include "scalerd/aws/credentials_fetch.h"
#include "scalerd/aws/sigv4.h"

enum {
	CREDENTIALS_URL_SIZE = 1024,
	CREDENTIALS_METADATA_TOKEN_SIZE = 1024,
};

/* NULL: not set. The text is used before the next call. */
typedef const char *credentials_env_fn(void *arg, const char *name);

struct credentials_found {
	struct aws_keys keys;
	int64_t expires_utc_ms; /* 0: never */
};

/* One search, from place to place. */
struct credentials_search {
	credentials_env_fn *env;
	void *env_arg;
	struct credentials_fetch *fetch;
	struct credentials_found found;
	/* Where IMDS is and how far its questions are. */
	char imds_url[CREDENTIALS_URL_SIZE];
	char imds_token[CREDENTIALS_METADATA_TOKEN_SIZE];
	size_t imds_step;
};

enum credentials_look {
	CREDENTIALS_LOOK_NONE,   /* nothing here: look at the next place */
	CREDENTIALS_LOOK_FOUND,  /* search->found */
	CREDENTIALS_LOOK_ASKED,  /* the fetch's answer will tell */
	CREDENTIALS_LOOK_FAILED, /* err says why */
};

struct credentials_source {
	const char *name; /* for messages */
	enum credentials_look (*look)(struct credentials_search *search,
				      struct err *err);
	/* Reads the answer to what was asked; NULL: never asks. */
	enum credentials_look (*next)(struct credentials_search *search,
				      const struct credentials_answer *answer,
				      struct err *err);
	bool may_be_stale; /* keys past their expiry are used nevertheless */
};

extern const struct credentials_source credentials_environment;
extern const struct credentials_source credentials_profile;
extern const struct credentials_source credentials_container;
extern const struct credentials_source credentials_imds;

/* The variable's value; NULL: not set or empty. */
const char *credentials_env(const struct credentials_search *search,
			    const char *name);

/* Takes the texts over as keys; token may be NULL. False: one is missing, too
 * long or holds what can't be in a header; err begins with `where` and quotes
 * nothing. */
NODISCARD bool credentials_set_keys(struct aws_keys *keys, const char *id,
				    const char *secret, const char *token,
				    const char *where, struct err *err);

#endif
