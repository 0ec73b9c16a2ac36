/* SPDX-License-Identifier: MIT */
/*
 * One question to one gameserver over HTTP: a libcurl easy handle, used again
 * for question after question, and what its result means. The peer is not
 * trusted: whatever it sends is bounded in time and size.
 */
#ifndef GSM_EDGE_PROBE_H
#define GSM_EDGE_PROBE_H

#include <curl/curl.h>

#include "common/err.h"
#include "scalerd/scaler/ports.h"

struct probe;

NODISCARD bool probe_new(struct probe **probe, struct err *err);
void probe_free(struct probe *probe); /* accepts NULL */

/* The handle to run, once probe_prepare has said true. */
CURL *probe_easy(const struct probe *probe);

/* Gets it ready for the next question. Texts are copied. */
NODISCARD bool probe_prepare(struct probe *probe, const char *url,
			     const char *told_state, int64_t timeout_ms,
			     struct err *err);

/* What a transfer that ended with `code` says: fills in kind, seats,
 * ready_to_close and detail, which quotes nothing of the peer. */
void probe_read(const struct probe *probe, CURLcode code,
		struct answer *answer);

#endif
