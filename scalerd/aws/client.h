/* SPDX-License-Identifier: MIT */
/*
 * The one AWS client: signs a request, sends it over libcurl in the event loop,
 * and answers it exactly once, never from inside the call.
 *
 * Everything about trying again is here and nowhere else: throttled and
 * transient errors are retried with full jitter (random(0,1) * min(2^i, 20 s),
 * AWS SDKs' standard mode) up to CLIENT_ATTEMPTS_MAX, as long as the retry
 * budget lasts; refused keys are fetched anew and a wrong clock is corrected
 * from the answer's Date, once each. Requests wait for room in AWS's rate
 * buckets (client_rate.h) and for keys, at most until their deadline.
 *
 * A request that changes something goes out on a connection of its own: libcurl
 * silently sends a POST again when a kept connection turns out to be dead.
 */
#ifndef GSM_AWS_CLIENT_H
#define GSM_AWS_CLIENT_H

#include "common/err.h"
#include "scalerd/aws/aws_error.h"
#include "scalerd/aws/credentials.h"
#include "scalerd/edge/loop.h"

enum {
	CLIENT_ATTEMPTS_MAX = 3,   /* sent, in all */
	CLIENT_TRANSFERS_MAX = 16, /* at one time; more wait */
	CLIENT_WAITING_MAX = 4096, /* calls; more are refused at once */
	CLIENT_BODY_MAX = 8 << 20, /* bytes of an answer */
	CLIENT_HEADER_MAX = 32 << 10,
	CLIENT_BUDGET = 500, /* of retries: cost 5 each, 10 after a timeout;
				given back by success */
	CLIENT_SKEW_MS = 4 * 60 * 1000, /* more than this our clock is off;
					   AWS accepts 5 min */
};

/* How long things may take, in ms of CLOCK_BOOTTIME. */
struct client_times {
	int64_t connect_ms;
	int64_t read_ms;   /* one attempt of a request that changes nothing */
	int64_t change_ms; /* of one that does: RunInstances takes long */
	int64_t call_ms;   /* a call, all waiting included */
	int64_t second_ms; /* one of the pauses between attempts: 1000 */
};

extern const struct client_times client_times_usual;

enum client_service { CLIENT_ECS, CLIENT_EC2, CLIENT_SERVICE_COUNT };

struct client_request {
	enum client_service service;
	const char *action; /* "RunTask"; a static text */
	const char *body;   /* copied */
	bool changes;       /* something on AWS: FRESH_CONNECT, long timeout */
};

enum client_outcome {
	CLIENT_ANSWERED, /* HTTP 200; body holds */
	CLIENT_REFUSED,  /* AWS said no, did not act; error says why. Also: not
			    sent at all */
	CLIENT_UNKNOWN,  /* no answer, or one that may stand for an act, to one
			    of the attempts: error is of the last */
};

struct client_answer {
	enum client_outcome outcome;
	struct aws_error error; /* class NONE when answered */
	const char *body;       /* NUL-terminated, also of an error; valid
				   during the call */
	size_t size;
};

typedef void client_answered_fn(void *arg, const struct client_answer *answer);

struct client;
struct client_call;

struct client_setup {
	struct loop *loop;
	const char *region; /* copied */
	credentials_env_fn *env;
	void *env_arg;
	/* Those called _usual, but for tests. */
	struct credentials_pace pace;
	struct client_times times;
};

/* False: the region, an endpoint variable or AWS_CA_BUNDLE is wrong; err says
 * which. Reaches nobody yet. Call curl_global_init before. */
NODISCARD bool client_open(struct client **client,
			   const struct client_setup *setup, struct err *err);

/* NULL: out of memory or CLIENT_WAITING_MAX; err says so, `answered` is not
 * called. Otherwise the call is the client's until it is answered. `answered`
 * may make and cancel calls, but not close the client. */
struct client_call *client_call(struct client *client,
				const struct client_request *request,
				client_answered_fn *answered, void *arg,
				struct err *err);
/* The call will not be answered; what went out may act all the same. */
void client_cancel(struct client *client, struct client_call *call);

/* Every call must have been answered or cancelled. Accepts NULL. */
void client_close(struct client *client);

#endif
