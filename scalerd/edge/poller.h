/* SPDX-License-Identifier: MIT */
/*
 * The prober: asks gameservers for their health over HTTP with libcurl's multi
 * interface, bounded in time, size and number.
 *
 * The healthy ones' connections are kept for the next question, and questions
 * on them have a short timeout, POLLER_FIRST_DIV of HEALTH_TIMEOUT_MS. What
 * fails on a connection that may be stale, or in that time, is asked once more
 * on a new connection and with the whole timeout: only that answer counts.
 *
 * Suspects have a lane of their own, with a new connection for each question,
 * so that hanging gameservers never delay the healthy ones. The answer is read
 * by answer.h.
 */
#ifndef GSM_EDGE_POLLER_H
#define GSM_EDGE_POLLER_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/edge/loop.h"
#include "scalerd/scaler/ports.h"

enum {
	POLLER_FIRST_DIV = 4,
	POLLER_BODY_MAX = 16 * 1024,   /* bytes of an answer's body */
	POLLER_HEADER_MAX = 16 * 1024, /* bytes of its headers and trailers */
};

struct poller;

NODISCARD bool poller_open(struct poller **poller, struct prober_port *port,
			   const struct config *config, struct loop *loop,
			   const struct port_sink *sink, struct err *err);
/* New HEALTH_URL, HEALTH_TIMEOUT_MS and MAX_SERVERS, from the next question
 * on. */
void poller_reconfigure(struct poller *poller, const struct config *config);
/* Open questions are dropped without an answer. Accepts NULL. */
void poller_close(struct poller *poller);

#endif
