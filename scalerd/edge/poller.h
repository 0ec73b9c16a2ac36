/* SPDX-License-Identifier: MIT */
/*
 * The prober: asks gameservers for their health over HTTP with libcurl's multi
 * interface, bounded in time, size and number.
 *
 * Suspects have a lane of their own, so that hanging gameservers never delay
 * the healthy ones. The answer is read by answer.h.
 */
#ifndef GSM_EDGE_POLLER_H
#define GSM_EDGE_POLLER_H

#include "common/config.h"
#include "common/err.h"
#include "scalerd/edge/loop.h"
#include "scalerd/scaler/ports.h"

enum {
	POLLER_LANE_OPEN_MAX = 256,    /* questions open at once, per lane */
	POLLER_LANE_QUEUE_MAX = 4096,  /* questions that wait, per lane */
	POLLER_BODY_MAX = 16 * 1024,   /* bytes of an answer's body */
	POLLER_HEADER_MAX = 16 * 1024, /* bytes of its headers and trailers */
};

struct poller;

NODISCARD bool poller_open(struct poller **poller, struct prober_port *port,
			   const struct config *config, struct loop *loop,
			   const struct port_sink *sink, struct err *err);
/* New HEALTH_URL and HEALTH_TIMEOUT_MS, from the next question on. */
void poller_reconfigure(struct poller *poller, const struct config *config);
/* Open questions are dropped without an answer. Accepts NULL. */
void poller_close(struct poller *poller);

#endif
