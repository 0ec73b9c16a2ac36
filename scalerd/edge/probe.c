/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/edge/answer.h"
#include "scalerd/edge/poller.h"
#include "scalerd/edge/transfer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	PROBE_STATE_SIZE = 32,
	PROBE_STATE_HEADER_SIZE = 64,
	PROBE_BUFFER_SIZE = 2 * 1024, /* libcurl's, per handle */
	PROBE_BODY_FIRST = 512, /* of an answer's body; most are shorter */
	HTTP_OK = 200,
};

struct probe {
	struct transfer transfer;
	struct curl_slist *headers; /* made from told_state */
	char told_state[PROBE_STATE_SIZE];
};

static const struct transfer_limits limits = {
    .body_first = PROBE_BODY_FIRST,
    .body_max = POLLER_BODY_MAX,
    .header_max = POLLER_HEADER_MAX,
};

static const struct transfer_number numbers[] = {
    {CURLOPT_BUFFERSIZE, PROBE_BUFFER_SIZE},
    /* Addresses are numeric: what libcurl does to forget them again costs
     * more than the polling. */
    {CURLOPT_DNS_CACHE_TIMEOUT, 0},
};

static const struct transfer_number not_kept[] = {
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1},
};

/* What a transfer that failed says about the peer. Any other code is
 * ANSWER_WRONG: what a peer can bring about must count against it. */
static const struct {
	CURLcode code;
	enum answer_kind kind;
	const char *detail;
} outcomes[] = {
    {CURLE_OPERATION_TIMEDOUT, ANSWER_TIMEOUT, "no answer in time"},
    {CURLE_GOT_NOTHING, ANSWER_TIMEOUT, "closed without an answer"},
    {CURLE_RECV_ERROR, ANSWER_TIMEOUT, "connection broken"},
    {CURLE_SEND_ERROR, ANSWER_TIMEOUT, "connection broken"},
    {CURLE_WRITE_ERROR, ANSWER_WRONG, "the answer is too long"},
    {CURLE_FILESIZE_EXCEEDED, ANSWER_WRONG, "the answer is too long"},
    {CURLE_PARTIAL_FILE, ANSWER_WRONG, "the answer is cut off"},
    {CURLE_UNSUPPORTED_PROTOCOL, ANSWER_WRONG, "the answer is no HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, ANSWER_WRONG, "the answer is no HTTP"},
    {CURLE_COULDNT_RESOLVE_HOST, ANSWER_LOCAL_ERROR,
     "can't resolve the name in HEALTH_URL"},
    {CURLE_URL_MALFORMAT, ANSWER_LOCAL_ERROR, "HEALTH_URL is no URL"},
    {CURLE_ABORTED_BY_CALLBACK, ANSWER_LOCAL_ERROR, "can't watch a socket"},
    {CURLE_FAILED_INIT, ANSWER_LOCAL_ERROR, "libcurl can't begin"},
    {CURLE_SSL_CACERT_BADFILE, ANSWER_LOCAL_ERROR,
     "can't read the CA certificates"},
};

/* A connection that failed with one of these never left this machine. */
static const int local_errnos[] = {EMFILE,        ENFILE, ENOBUFS, ENOMEM,
				   EADDRNOTAVAIL, EACCES, EPERM};

bool
probe_new(struct probe **out, bool keep, void *slot, struct err *err)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	CURLcode code;

	if (!probe)
		return err_set(err, "out of memory");
	if (!transfer_open(&probe->transfer, &limits, err))
		goto fail;
	code = transfer_set_numbers(&probe->transfer, numbers, COUNT(numbers));
	if (!code && !keep)
		code = transfer_set_numbers(&probe->transfer, not_kept,
					    COUNT(not_kept));
	if (!code)
		code = curl_easy_setopt(probe->transfer.easy, CURLOPT_PRIVATE,
					slot);
	if (code) {
		err_set(err, "libcurl: %s", curl_easy_strerror(code));
		goto fail;
	}
	*out = probe;
	return true;
fail:
	probe_free(probe);
	return false;
}

void
probe_free(struct probe *probe)
{
	if (!probe)
		return;
	transfer_close(&probe->transfer);
	curl_slist_free_all(probe->headers);
	free(probe);
}

CURL *
probe_easy(const struct probe *probe)
{
	return probe->transfer.easy;
}

void *
probe_slot(CURL *easy)
{
	char *slot = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &slot);
	return slot;
}

static bool
set_headers(struct probe *probe, const char *told_state)
{
	char text[PROBE_STATE_HEADER_SIZE];
	const int size =
	    snprintf(text, sizeof(text), "X-Gameserver-State: %s", told_state);

	if (probe->headers && strcmp(probe->told_state, told_state) == 0)
		return true;
	snprintf(probe->told_state, sizeof(probe->told_state), "%s",
		 told_state);
	curl_slist_free_all(probe->headers);
	probe->headers = size > 0 && (size_t)size < sizeof(text)
			     ? curl_slist_append(NULL, text)
			     : NULL;
	return curl_easy_setopt(probe->transfer.easy, CURLOPT_HTTPHEADER,
				probe->headers) == CURLE_OK &&
	       probe->headers;
}

bool
probe_prepare(struct probe *probe, const char *url, const char *told_state,
	      int64_t timeout_ms, struct err *err)
{
	CURL *easy = probe->transfer.easy;
	const long ms = (long)timeout_ms;
	CURLcode code;

	transfer_forget(&probe->transfer);
	if (!set_headers(probe, told_state))
		return err_set(err, "can't set the question's headers");
	code = curl_easy_setopt(easy, CURLOPT_URL, url);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms);
	if (code)
		return err_set(err, "libcurl: %s", curl_easy_strerror(code));
	return true;
}

static void
set_outcome(struct answer *answer, enum answer_kind kind, const char *detail)
{
	answer->kind = kind;
	snprintf(answer->detail, sizeof(answer->detail), "%.*s",
		 (int)sizeof(answer->detail) - 1, detail);
}

static void
read_complete(const struct probe *probe, struct answer *answer)
{
	struct err err;
	long status = 0;

	curl_easy_getinfo(probe->transfer.easy, CURLINFO_RESPONSE_CODE,
			  &status);
	if (status != HTTP_OK) {
		answer->kind = ANSWER_WRONG;
		snprintf(answer->detail, sizeof(answer->detail),
			 "HTTP status %ld", status);
	} else if (!answer_parse(probe->transfer.body,
				 probe->transfer.body_size, &answer->seats,
				 &answer->joined, &answer->ready_to_close,
				 &err)) {
		set_outcome(answer, ANSWER_WRONG, err.msg);
	} else {
		set_outcome(answer, ANSWER_GOOD, "");
	}
}

static void
read_connect_error(const struct probe *probe, struct answer *answer)
{
	enum answer_kind kind = ANSWER_TIMEOUT;
	long error = probe->transfer.socket_errno;

	if (error == 0)
		curl_easy_getinfo(probe->transfer.easy, CURLINFO_OS_ERRNO,
				  &error);
	if (error == ECONNREFUSED)
		kind = ANSWER_REFUSED;
	for (size_t i = 0; i < COUNT(local_errnos); i++)
		if (error == local_errnos[i])
			kind = ANSWER_LOCAL_ERROR;
	set_outcome(answer, kind,
		    error ? strerror((int)error) : "can't connect");
}

/* libcurl says "out of memory" of a header line that is too long for it too:
 * once the question is out it is taken for that. */
static void
read_out_of_memory(const struct probe *probe, struct answer *answer)
{
	curl_off_t sent_us = 0;

	curl_easy_getinfo(probe->transfer.easy, CURLINFO_PRETRANSFER_TIME_T,
			  &sent_us);
	if (sent_us > 0)
		set_outcome(answer, ANSWER_WRONG, "the answer is too long");
	else
		set_outcome(answer, ANSWER_LOCAL_ERROR, "out of memory");
}

void
probe_read(const struct probe *probe, CURLcode code, struct answer *answer)
{
	if (code == CURLE_OK) {
		read_complete(probe, answer);
		return;
	}
	if (code == CURLE_COULDNT_CONNECT) {
		read_connect_error(probe, answer);
		return;
	}
	if (code == CURLE_OUT_OF_MEMORY) {
		read_out_of_memory(probe, answer);
		return;
	}
	for (size_t i = 0; i < COUNT(outcomes); i++) {
		if (outcomes[i].code == code) {
			set_outcome(answer, outcomes[i].kind,
				    outcomes[i].detail);
			return;
		}
	}
	set_outcome(answer, ANSWER_WRONG, curl_easy_strerror(code));
}

bool
probe_reused(const struct probe *probe)
{
	long connects = 1;

	curl_easy_getinfo(probe->transfer.easy, CURLINFO_NUM_CONNECTS,
			  &connects);
	return connects == 0;
}
