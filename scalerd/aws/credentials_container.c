/* SPDX-License-Identifier: MIT */
/* The endpoint that gives an ECS task or an EKS pod its role's keys. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/env_file.h"
#include "scalerd/aws/credentials_answer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL     "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN    "AWS_CONTAINER_AUTHORIZATION_TOKEN"

enum {
	CONTAINER_TIMEOUT_MS = 2000,
	TOKEN_FILE_MAX = AWS_TOKEN_SIZE,
	HEADER_SIZE = TOKEN_FILE_MAX + 32,
	HOST_SIZE = 64,
	V4_LOOPBACK_NET = 127,
	HTTP_OK = 200,
};

static const char where[] = "the container's credentials endpoint";

static bool
is_loopback_or_known(const char *host)
{
	static const char *const known[] = {"localhost", "169.254.170.2",
					    "169.254.170.23", "[fd00:ec2::23]",
					    "[::1]"};
	struct in_addr v4;

	for (size_t i = 0; i < COUNT(known); i++)
		if (strcasecmp(host, known[i]) == 0)
			return true;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       ntohl(v4.s_addr) >> 24 == V4_LOOPBACK_NET;
}

/* Keys may be asked for over TLS anywhere, without TLS only where nobody can
 * listen. */
static bool
is_allowed(CURLU *url)
{
	char *scheme = NULL;
	char *host = NULL;
	const bool got = !curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) &&
			 !curl_url_get(url, CURLUPART_HOST, &host, 0);
	const bool ok =
	    got &&
	    (strcmp(scheme, "https") == 0 ||
	     (strcmp(scheme, "http") == 0 && is_loopback_or_known(host)));

	curl_free(scheme);
	curl_free(host);
	return ok;
}

static bool
check_full_url(const char *text, struct err *err)
{
	CURLU *url = curl_url();
	bool ok;

	if (!url)
		return err_set(err, "out of memory");
	if (curl_url_set(url, CURLUPART_URL, text, 0))
		ok = err_set(err, "%s is no URL", FULL);
	else if (!is_allowed(url))
		ok = err_set(err,
			     "%s must be https, or http to a loopback address, "
			     "169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
			     FULL);
	else
		ok = true;
	curl_url_cleanup(url);
	return ok;
}

static bool
make_url(const char *relative, const char *full, char *url, struct err *err)
{
	const char *name = relative ? RELATIVE : FULL;
	int n;

	if (relative && relative[0] != '/')
		return err_set(err, "%s must begin with a \"/\"", name);
	if (!relative && !check_full_url(full, err))
		return false;
	n = snprintf(url, CREDENTIALS_URL_SIZE, "%s%s",
		     relative ? "http://169.254.170.2" : "",
		     relative ? relative : full);
	if (n >= CREDENTIALS_URL_SIZE)
		return err_set(err, "%s is too long", name);
	return true;
}

/* Empty without a token. */
static bool
format_header(const char *token, const char *name, char header[HEADER_SIZE],
	      struct err *err)
{
	for (const char *c = token; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return err_set(err,
				       "%s holds a line end or another byte "
				       "that can't be in a header",
				       name);
	if (snprintf(header, HEADER_SIZE, "Authorization: %s", token) >=
	    HEADER_SIZE)
		return err_set(err, "%s is too long", name);
	return true;
}

/* The file is read each time: its token is replaced every so often. */
static bool
make_header(const struct credentials_search *search, char header[HEADER_SIZE],
	    struct err *err)
{
	const char *path = credentials_env(search, TOKEN "_FILE");
	const char *token = credentials_env(search, TOKEN);
	char *text = NULL;
	size_t size;
	bool ok;

	header[0] = '\0';
	if (!path)
		return !token || format_header(token, TOKEN, header, err);
	if (!env_file_read(path, TOKEN_FILE_MAX, &text, &size, err))
		return false;
	ok = format_header(text, TOKEN "_FILE", header, err);
	OPENSSL_cleanse(text, size);
	free(text);
	return ok;
}

static enum credentials_look
look(struct credentials_search *search, struct err *err)
{
	const char *relative = credentials_env(search, RELATIVE);
	const char *full = credentials_env(search, FULL);
	char url[CREDENTIALS_URL_SIZE];
	char header[HEADER_SIZE];
	struct credentials_question question = {
	    .url = url, .timeout_ms = CONTAINER_TIMEOUT_MS};
	bool asked;

	if (!relative && !full)
		return CREDENTIALS_LOOK_NONE;
	asked = make_url(relative, full, url, err) &&
		make_header(search, header, err);
	if (asked) {
		question.header = header[0] != '\0' ? header : NULL;
		asked = credentials_fetch_ask(search->fetch, &question, err);
	}
	OPENSSL_cleanse(header, sizeof(header));
	return asked ? CREDENTIALS_LOOK_ASKED : CREDENTIALS_LOOK_FAILED;
}

static enum credentials_look
next(struct credentials_search *search, const struct credentials_answer *answer,
     struct err *err)
{
	if (answer->status == 0)
		err_set(err, "%s: %s", where, answer->failure);
	else if (answer->status != HTTP_OK)
		err_set(err, "%s: HTTP status %ld", where, answer->status);
	else if (credentials_answer_parse(answer, where, &search->found, err))
		return CREDENTIALS_LOOK_FOUND;
	return CREDENTIALS_LOOK_FAILED;
}

const struct credentials_source credentials_container = {
    .name = where,
    .look = look,
    .next = next,
};
