/* SPDX-License-Identifier: MIT */
/*
 * The AWS keys of this process: found as AWS's own tools find them, and fetched
 * anew before they expire.
 *
 * Looked for in this order; the first that is there counts, also when it is
 * broken: environment; shared credentials and config files; container endpoint;
 * instance metadata (IMDSv2, never v1). What AWS's tools know and this does not
 * (SSO, roles, credential_process, web identity) is an error that says so.
 *
 * Nothing here blocks but the reading of small files. Every attempt that fails
 * is tried again by itself, after a pause that grows.
 * No secret is logged or stands in an error.
 */
#ifndef GSM_AWS_CREDENTIALS_H
#define GSM_AWS_CREDENTIALS_H

#include "common/err.h"
#include "scalerd/aws/credentials_source.h"
#include "scalerd/aws/sigv4.h"
#include "scalerd/edge/loop.h"

enum {
	CREDENTIALS_EARLY_MS = 15 * 60 * 1000, /* refreshed before expiry */
	/* Instance metadata that hands out stale keys has a fault of its own;
	 * AWS then accepts them for longer. */
	CREDENTIALS_STALE_USE_MS = 12 * 60 * 1000,
	CREDENTIALS_STALE_JITTER_MS = 8 * 60 * 1000,
};

/* How long to wait between attempts, in ms of CLOCK_BOOTTIME. */
struct credentials_pace {
	int64_t pause_min_ms; /* half to all of it after the first failure */
	int64_t pause_max_ms; /* doubled with each, up to this */
	int64_t rest_ms;      /* once to twice this after a success */
};

extern const struct credentials_pace credentials_pace_usual;

struct credentials;

struct credentials_setup {
	struct loop *loop;
	credentials_env_fn *env; /* getenv, but for tests */
	void *env_arg;
	/* An attempt to get keys has ended: ask again. Called by the loop,
	 * never from inside a call; must not close the credentials. */
	void (*changed)(void *arg);
	void *changed_arg;
	struct credentials_pace
	    pace; /* credentials_pace_usual, but for tests */
};

enum credentials_state {
	CREDENTIALS_HAVE,
	CREDENTIALS_NOT_YET, /* `changed` will tell */
	CREDENTIALS_FAILED,  /* no keys that work; err says why */
};

/* Begins to look for keys. Call curl_global_init before. */
NODISCARD bool credentials_open(struct credentials **credentials,
				const struct credentials_setup *setup,
				struct err *err);

/* HAVE: *keys are good at now_utc_ms; cleanse them after use. Otherwise *keys
 * is as it was. Begins a refresh when it is time for one. */
NODISCARD enum credentials_state
credentials_get(struct credentials *credentials, int64_t now_utc_ms,
		struct aws_keys *keys, struct err *err);

/* AWS says that the keys with this id have expired or are unknown, and `why`:
 * they are not given out again until they were fetched anew. Ignored when
 * others are in use by now. */
void credentials_refused(struct credentials *credentials, const char *key_id,
			 const struct err *why);

void credentials_close(struct credentials *credentials); /* accepts NULL */

#endif
