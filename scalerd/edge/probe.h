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

/* `keep`: its connections are kept for later questions; else each has one of
 * its own. */
NODISCARD bool probe_new(struct probe **probe, bool keep, void *slot,
			 struct err *err);
void probe_free(struct probe *probe); /* accepts NULL */

/* The handle to run, once probe_prepare has said true. */
CURL *probe_easy(const struct probe *probe);
/* What probe_new got for the probe of that handle. */
void *probe_slot(CURL *easy);

/* Gets it ready for the next question. Texts are copied. */
NODISCARD bool probe_prepare(struct probe *probe, const char *url,
			     const char *told_state, int64_t timeout_ms,
			     struct err *err);

/* What a transfer that ended with `code` says: fills in kind, seats,
 * ready_to_close and detail, which quotes nothing of the peer. */
void probe_read(const struct probe *probe, CURLcode code,
		struct answer *answer);
/* Whether that transfer began and ended on a connection that was kept from an
 * earlier one. */
bool probe_reused(const struct probe *probe);

#endif
