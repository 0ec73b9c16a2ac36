/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/credentials_fetch.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "scalerd/edge/curl_loop.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct credentials_fetch {
	struct curl_loop *curl;
	CURL *easy;
	struct curl_slist *headers;
	credentials_answer_fn *answered;
	void *arg;
	bool open;
	size_t header_size;
	size_t body_size;
	char body[CREDENTIALS_BODY_MAX + 1];
};

static const struct {
	CURLoption option;
	long value;
} numbers[] = {
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_HTTP_CONTENT_DECODING, 0},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_MAXFILESIZE, CREDENTIALS_BODY_MAX},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1},
    {CURLOPT_QUICK_EXIT, 1},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_POSTFIELDSIZE, 0},
};

static const struct {
	CURLoption option;
	const char *value;
} texts[] = {
    {CURLOPT_PROTOCOLS_STR, "http,https"},
    {CURLOPT_PROXY, ""},
    {CURLOPT_NOPROXY, "*"},
    {CURLOPT_USERAGENT, "gameserver-manager"},
    {CURLOPT_POSTFIELDS, ""},
};

static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
	struct credentials_fetch *fetch = arg;

	(void)one; /* always 1 */
	if (size > CREDENTIALS_BODY_MAX - fetch->body_size)
		return 0;
	memcpy(fetch->body + fetch->body_size, data, size);
	fetch->body_size += size;
	return size;
}

static size_t
on_header(char *data, size_t one, size_t size, void *arg)
{
	struct credentials_fetch *fetch = arg;

	(void)data;
	(void)one;
	if (size > CREDENTIALS_HEADER_MAX - fetch->header_size)
		return 0;
	fetch->header_size += size;
	return size;
}

static CURLcode
set_options(struct credentials_fetch *fetch)
{
	CURL *easy = fetch->easy;
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < COUNT(numbers); i++)
		code =
		    curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	for (size_t i = 0; !code && i < COUNT(texts); i++)
		code = curl_easy_setopt(easy, texts[i].option, texts[i].value);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	if (!code)
		code =
		    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
	return code;
}

static void
forget(struct credentials_fetch *fetch)
{
	OPENSSL_cleanse(fetch->body, sizeof(fetch->body));
	fetch->body_size = 0;
	fetch->header_size = 0;
	for (struct curl_slist *h = fetch->headers; h; h = h->next)
		OPENSSL_cleanse(h->data, strlen(h->data));
	curl_slist_free_all(fetch->headers);
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
	    .body = fetch->body,
	    .size = fetch->body_size,
	};

	fetch->open = false;
	fetch->body[fetch->body_size] = '\0';
	if (code == CURLE_OK)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
	fetch->answered(fetch->arg, &answer);
	if (!fetch->open)
		forget(fetch);
}

bool
credentials_fetch_open(struct credentials_fetch **out, struct loop *loop,
		       credentials_answer_fn *answered, void *arg,
		       struct err *err)
{
	struct credentials_fetch *fetch = calloc(1, sizeof(*fetch));
	CURLcode code;

	if (!fetch)
		return err_set(err, "out of memory");
	fetch->answered = answered;
	fetch->arg = arg;
	fetch->easy = curl_easy_init();
	code = fetch->easy ? set_options(fetch) : CURLE_OUT_OF_MEMORY;
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
	CURL *easy = fetch->easy;
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
	fetch->open = curl_loop_add(fetch->curl, fetch->easy, err);
	return fetch->open;
}

void
credentials_fetch_close(struct credentials_fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->open)
		curl_loop_remove(fetch->curl, fetch->easy);
	curl_easy_cleanup(fetch->easy);
	curl_loop_close(fetch->curl);
	forget(fetch);
	free(fetch);
}
