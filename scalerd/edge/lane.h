/* SPDX-License-Identifier: MIT */
/*
 * A lane of the poller: a queue of questions, of which a bounded number is
 * open at once.
 *
 * Those that are open for longer than LANE_YOUNG_MS hold nobody up: only the
 * younger ones count against LANE_YOUNG_MAX, so gameservers that hang cost
 * room (LANE_OPEN_MAX) and no time of the others.
 *
 * A lane that keeps connections spreads its gameservers over several libcurl
 * multi handles, for libcurl (7.88) walks through half the kept connections of
 * one at each end of a transfer; a handle costs 35 KB. A gameserver always goes
 * to the same one, where its connection is found.
 */
#ifndef GSM_EDGE_LANE_H
#define GSM_EDGE_LANE_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/edge/loop.h"
#include "scalerd/scaler/ports.h"

enum {
	LANE_OPEN_MAX = 2048,   /* questions open at once */
	LANE_YOUNG_MAX = 128,   /* of these, younger than LANE_YOUNG_MS */
	LANE_YOUNG_MS = 40,     /* and so old they count no more */
	LANE_IDLE_MAX = 128,    /* transfers kept for the next question */
	LANE_QUEUE_MAX = 16384, /* questions that wait */
	LANE_SHARD_SIZE = 256,  /* gameservers of one multi handle */
	LANE_SHARDS_MAX = 128,
	LANE_STATE_SIZE = 16, /* of a told_state */
};

struct lane_question {
	int64_t gameserver;
	int port;
	char ip[IP_SIZE];
	char told_state[LANE_STATE_SIZE];
};

/* How questions go out from now on. */
struct lane_rule {
	const char *health_url; /* copied */
	int64_t timeout_ms;
	int nshard;       /* multi handles, 1 .. LANE_SHARDS_MAX */
	int64_t kept_max; /* connections kept for later, in all of them; 0: a
			     connection of its own for each question */
};

/* A question ended. `doubtful`: it failed, and perhaps only because its
 * connection was an old one. Never called from inside lane_ask. */
typedef void lane_ended_fn(void *arg, const struct lane_question *question,
			   const struct answer *answer, bool doubtful);

struct lane;

/* Call curl_global_init before. */
NODISCARD bool lane_open(struct lane **lane, const struct lane_rule *rule,
			 struct loop *loop, lane_ended_fn *ended, void *arg,
			 struct err *err);
/* kept_max must stay 0 or greater as it was. */
void lane_set_rule(struct lane *lane, const struct lane_rule *rule);
/* False: the queue is full, nothing was asked. */
NODISCARD bool lane_ask(struct lane *lane,
			const struct lane_question *question);
/* Drops what is open without an answer. Accepts NULL. */
void lane_close(struct lane *lane);

#endif
