/* SPDX-License-Identifier: MIT */
/*
 * The instance's role's keys by its metadata service, version 2: a session
 * token, the role's name, the role's keys. Version 1, which gives keys to
 * whoever makes this machine send a GET, is never used. The token is not kept:
 * a refresh asks for all three.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "scalerd/aws/credentials_answer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ROLES    "/latest/meta-data/iam/security-credentials/"

enum {
	IMDS_TIMEOUT_MS = 1000,
	IMDS_ROLE_SIZE = 65,
	IMDS_HEADER_SIZE = CREDENTIALS_METADATA_TOKEN_SIZE + 32,
	HTTP_OK = 200,
};

static const char where[] = "the instance's metadata service (IMDSv2)";

/* What a status means to whoever has to repair it. */
static const struct {
	size_t step;
	long status;
	const char *meaning;
} refusals[] = {
    {0, 403, "it is switched off for this instance"},
    {0, 404, "it has no version 2, and version 1 is not used"},
    {0, 405, "it has no version 2, and version 1 is not used"},
    {1, 404, "the instance has no IAM role; give it an instance profile"},
};

static bool
ask(struct credentials_search *search, const char *path, const char *header,
    struct err *err)
{
	char url[2 * CREDENTIALS_URL_SIZE];
	const struct credentials_question question = {
	    .url = url,
	    .header = header,
	    .timeout_ms = IMDS_TIMEOUT_MS,
	    .put = search->imds_step == 0,
	};

	snprintf(url, sizeof(url), "%s%s", search->imds_url, path);
	return credentials_fetch_ask(search->fetch, &question, err);
}

static bool
ask_with_token(struct credentials_search *search, const char *path,
	       struct err *err)
{
	char header[IMDS_HEADER_SIZE];
	bool ok;

	snprintf(header, sizeof(header), "X-aws-ec2-metadata-token: %s",
		 search->imds_token);
	ok = ask(search, path, header, err);
	OPENSSL_cleanse(header, sizeof(header));
	return ok;
}

static bool
find_service(struct credentials_search *search, struct err *err)
{
	const char *url = credentials_env(search, ENDPOINT);
	const char *mode = credentials_env(search, ENDPOINT "_MODE");
	size_t size;

	if (mode && strcasecmp(mode, "ipv4") != 0 &&
	    strcasecmp(mode, "ipv6") != 0)
		return err_set(err, "%s_MODE must be IPv4 or IPv6", ENDPOINT);
	if (!url)
		url = mode && strcasecmp(mode, "ipv6") == 0
			  ? "http://[fd00:ec2::254]"
			  : "http://169.254.169.254";
	size = strlen(url);
	if (size > 0 && url[size - 1] == '/')
		size--;
	if (size >= sizeof(search->imds_url))
		return err_set(err, "%s is too long", ENDPOINT);
	memcpy(search->imds_url, url, size);
	search->imds_url[size] = '\0';
	return true;
}

static enum credentials_look
look(struct credentials_search *search, struct err *err)
{
	const char *disabled =
	    credentials_env(search, "AWS_EC2_METADATA_DISABLED");

	if (disabled && strcasecmp(disabled, "true") == 0)
		return CREDENTIALS_LOOK_NONE;
	search->imds_step = 0;
	if (!find_service(search, err) ||
	    !ask(search, "/latest/api/token",
		 "X-aws-ec2-metadata-token-ttl-seconds: 21600", err))
		return CREDENTIALS_LOOK_FAILED;
	return CREDENTIALS_LOOK_ASKED;
}

/* ---- the answers, in order --------------------------------------------- */

static enum credentials_look
take_token(struct credentials_search *search,
	   const struct credentials_answer *answer, struct err *err)
{
	bool ok = answer->size > 0 && answer->size < sizeof(search->imds_token);

	for (size_t i = 0; ok && i < answer->size; i++)
		ok = answer->body[i] > ' ' && answer->body[i] <= '~';
	if (!ok) {
		err_set(err, "%s: its session token is none", where);
		return CREDENTIALS_LOOK_FAILED;
	}
	memcpy(search->imds_token, answer->body, answer->size + 1);
	return ask_with_token(search, ROLES, err) ? CREDENTIALS_LOOK_ASKED
						  : CREDENTIALS_LOOK_FAILED;
}

static enum credentials_look
take_role(struct credentials_search *search,
	  const struct credentials_answer *answer, struct err *err)
{
	/* Those of an IAM name but "/": the name becomes a part of a path. */
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_+=,.@-";
	const size_t size = strspn(answer->body, allowed);
	const char *rest = answer->body + size;
	char path[sizeof(ROLES) + IMDS_ROLE_SIZE];

	if (size == 0 || size >= IMDS_ROLE_SIZE || answer->body[0] == '.' ||
	    (rest != answer->body + answer->size && *rest != '\n' &&
	     *rest != '\r')) {
		err_set(err, "%s: its role's name is none", where);
		return CREDENTIALS_LOOK_FAILED;
	}
	snprintf(path, sizeof(path), "%s%.*s", ROLES, (int)size, answer->body);
	return ask_with_token(search, path, err) ? CREDENTIALS_LOOK_ASKED
						 : CREDENTIALS_LOOK_FAILED;
}

static enum credentials_look
take_keys(struct credentials_search *search,
	  const struct credentials_answer *answer, struct err *err)
{
	return credentials_answer_parse(answer, where, &search->found, err)
		   ? CREDENTIALS_LOOK_FOUND
		   : CREDENTIALS_LOOK_FAILED;
}

static void
say_refusal(size_t step, const struct credentials_answer *answer,
	    struct err *err)
{
	const char *meaning = NULL;

	if (answer->status == 0) {
		/* Its answers have a TTL of as many hops as it is set to. */
		err_set(err, "%s: %s%s", where, answer->failure,
			answer->timed_out && step == 0
			    ? "; in a container it needs a hop limit of 2"
			    : "");
		return;
	}
	for (size_t i = 0; i < COUNT(refusals); i++)
		if (refusals[i].step == step &&
		    refusals[i].status == answer->status)
			meaning = refusals[i].meaning;
	err_set(err, "%s: HTTP status %ld%s%s", where, answer->status,
		meaning ? ": " : "", meaning ? meaning : "");
}

static enum credentials_look
next(struct credentials_search *search, const struct credentials_answer *answer,
     struct err *err)
{
	static enum credentials_look (*const take[])(
	    struct credentials_search * search,
	    const struct credentials_answer *answer,
	    struct err *err) = {take_token, take_role, take_keys};
	const size_t step = search->imds_step++;
	enum credentials_look look = CREDENTIALS_LOOK_FAILED;

	if (answer->status == HTTP_OK)
		look = take[step](search, answer, err);
	else
		say_refusal(step, answer, err);
	if (look != CREDENTIALS_LOOK_ASKED)
		OPENSSL_cleanse(search->imds_token, sizeof(search->imds_token));
	return look;
}

const struct credentials_source credentials_imds = {
    .name = where,
    .look = look,
    .next = next,
    .may_be_stale = true,
};
