/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/credentials_fetch.h"

#include <stdlib.h>

#include "scalerd/edge/curl_loop.h"
#include "scalerd/edge/transfer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct credentials_fetch {
	struct curl_loop *curl;
	struct transfer transfer;
	struct curl_slist *headers;
	credentials_answer_fn *answered;
	void *arg;
	bool open;
};

static const struct transfer_limits limits = {
    .body_first = CREDENTIALS_BODY_MAX,
    .body_max = CREDENTIALS_BODY_MAX,
    .header_max = CREDENTIALS_HEADER_MAX,
};

static const struct transfer_number numbers[] = {
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1},
    {CURLOPT_POSTFIELDSIZE, 0},
};

static CURLcode
set_options(struct credentials_fetch *fetch, const char *ca_file)
{
	const struct transfer_text texts[] = {
	    {CURLOPT_POSTFIELDS, ""},
	    {CURLOPT_CAINFO, ca_file},
	};
	CURLcode code;

	code = transfer_set_numbers(&fetch->transfer, numbers, COUNT(numbers));
	if (!code)
		code =
		    transfer_set_texts(&fetch->transfer, texts, COUNT(texts));
	return code;
}

static void
forget(struct credentials_fetch *fetch)
{
	transfer_forget(&fetch->transfer);
	transfer_free_headers(fetch->headers);
	fetch->headers = NULL;
}

static void
on_done(void *arg, CURL *easy, CURLcode code)
{
	struct credentials_fetch *fetch = arg;
	struct credentials_answer answer = {
	    .timed_out = code == CURLE_OPERATION_TIMEDOUT,
	    .failure = code == CURLE_WRITE_ERROR ? "the answer is too long"
						 : curl_easy_strerror(code),
	    .body = fetch->transfer.body,
	    .size = fetch->transfer.body_size,
	};

	fetch->open = false;
	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
	fetch->answered(fetch->arg, &answer);
	if (!fetch->open)
		forget(fetch);
}

bool
credentials_fetch_open(struct credentials_fetch **out, struct loop *loop,
		       const char *ca_file, credentials_answer_fn *answered,
		       void *arg, struct err *err)
{
	struct credentials_fetch *fetch = calloc(1, sizeof(*fetch));
	CURLcode code;

	if (!fetch)
		return err_set(err, "out of memory");
	fetch->answered = answered;
	fetch->arg = arg;
	if (!transfer_open(&fetch->transfer, &limits, err))
		goto fail;
	code = set_options(fetch, ca_file);
	if (code) {
		err_set(err, "libcurl: %s", curl_easy_strerror(code));
		goto fail;
	}
	if (!curl_loop_open(&fetch->curl, loop, on_done, fetch, err))
		goto fail;
	*out = fetch;
	return true;
fail:
	credentials_fetch_close(fetch);
	return false;
}

static bool
add_header(struct credentials_fetch *fetch, const char *header)
{
	struct curl_slist *more = curl_slist_append(fetch->headers, header);

	if (more)
		fetch->headers = more;
	return more != NULL;
}

static CURLcode
set_question(struct credentials_fetch *fetch,
	     const struct credentials_question *question)
{
	CURL *easy = fetch->transfer.easy;
	const long ms = (long)question->timeout_ms;
	CURLcode code;

	if (!add_header(fetch, "Accept: application/json") ||
	    (question->put && !add_header(fetch, "Content-Type:")) ||
	    (question->header && !add_header(fetch, question->header)))
		return CURLE_OUT_OF_MEMORY;
	code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->headers);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_URL, question->url);
	if (!code)
		code = curl_easy_setopt(
		    easy, question->put ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
					question->put ? "PUT" : NULL);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms);
	return code;
}

bool
credentials_fetch_ask(struct credentials_fetch *fetch,
		      const struct credentials_question *question,
		      struct err *err)
{
	CURLcode code;

	forget(fetch);
	code = set_question(fetch, question);
	if (code)
		return err_set(err, "libcurl: %s", curl_easy_strerror(code));
	fetch->open = curl_loop_add(fetch->curl, fetch->transfer.easy, err);
	return fetch->open;
}

void
credentials_fetch_close(struct credentials_fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->open)
		curl_loop_remove(fetch->curl, fetch->transfer.easy);
	curl_loop_close(fetch->curl);
	forget(fetch);
	transfer_close(&fetch->transfer);
	free(fetch);
}
