/* SPDX-License-Identifier: MIT */
/*
 * One libcurl multi handle driven by the event loop: nothing blocks and
 * nothing polls.
 */
#ifndef GSM_EDGE_CURL_LOOP_H
#define GSM_EDGE_CURL_LOOP_H

#include <curl/curl.h>

#include "common/err.h"
#include "scalerd/edge/loop.h"

struct curl_loop;

/* A transfer ended. The easy handle is out of the multi handle already and the
 * callee's to use again, also for curl_loop_add at once. */
typedef void curl_loop_done_fn(void *arg, CURL *easy, CURLcode code);

/* Call curl_global_init before. */
NODISCARD bool curl_loop_open(struct curl_loop **curl_loop, struct loop *loop,
			      curl_loop_done_fn *done, void *arg,
			      struct err *err);
/* So many connections at most are kept for later transfers; before, libcurl
 * keeps four for each open transfer. */
void curl_loop_keep(struct curl_loop *curl_loop, int64_t n);
/* Begins a transfer; it is answered by `done`, never from inside the call. */
NODISCARD bool curl_loop_add(struct curl_loop *curl_loop, CURL *easy,
			     struct err *err);
/* Drops a transfer without an answer. Not from inside a libcurl callback. */
void curl_loop_remove(struct curl_loop *curl_loop, CURL *easy);
/* Every transfer must have been dropped before. Accepts NULL. */
void curl_loop_close(struct curl_loop *curl_loop);

#endif
