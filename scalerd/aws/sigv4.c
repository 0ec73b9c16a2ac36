/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	HASH_SIZE = 32,
	HEX_SIZE = 2 * HASH_SIZE + 1,
	DATE_DIGITS = 8,
	SIGNED_NAMES_SIZE = 96,
	SCOPE_SIZE = 256,
	CANONICAL_SIZE = AWS_TOKEN_SIZE + 2048,
	TO_SIGN_SIZE = 512,
	KEY_SIZE = AWS_SECRET_SIZE + 4, /* "AWS4" before it */
};

/* Text that is put together; full: something did not fit. */
struct text {
	char *to;
	size_t size;
	size_t used;
	bool full;
};

static void
add(struct text *text, const char *piece)
{
	const size_t n = strlen(piece);

	if (text->full || n >= text->size - text->used) {
		text->full = true;
		return;
	}
	memcpy(text->to + text->used, piece, n + 1);
	text->used += n;
}

static void
add_all(struct text *text, const char *const *pieces, size_t npieces)
{
	for (size_t i = 0; i < npieces; i++)
		add(text, pieces[i]);
}

static bool
hash_hex(const void *data, size_t size, char hex[HEX_SIZE])
{
	unsigned char hash[HASH_SIZE];

	if (EVP_Digest(size > 0 ? data : "", size, hash, NULL, EVP_sha256(),
		       NULL) != 1)
		return false;
	for (size_t i = 0; i < HASH_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return true;
}

static bool
hmac(const void *key, size_t key_size, const char *data,
     unsigned char out[HASH_SIZE])
{
	return HMAC(EVP_sha256(), key, (int)key_size,
		    (const unsigned char *)data, strlen(data), out,
		    NULL) != NULL;
}

static bool
format_date(int64_t utc_ms, char date[SIGV4_DATE_SIZE])
{
	const time_t utc_s = (time_t)(utc_ms / 1000);
	struct tm tm;

	return utc_ms >= 0 && gmtime_r(&utc_s, &tm) &&
	       strftime(date, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm) ==
		   SIGV4_DATE_SIZE - 1;
}

/* The headers in the order of their names, and the list of these. */
static void
add_headers(const struct sigv4_request *request, const struct aws_keys *keys,
	    const char *date, struct text *headers, struct text *names)
{
	const struct {
		const char *name;
		const char *value;
	} header[] = {
	    {"content-type", request->content_type},
	    {"host", request->host},
	    {"x-amz-date", date},
	    {"x-amz-security-token",
	     keys->token[0] != '\0' ? keys->token : NULL},
	    {"x-amz-target", request->target},
	};

	for (size_t i = 0; i < COUNT(header); i++) {
		if (!header[i].value)
			continue;
		if (names->used > 0)
			add(names, ";");
		add(names, header[i].name);
		add(headers, header[i].name);
		add(headers, ":");
		add(headers, header[i].value);
		add(headers, "\n");
	}
}

/* The hash of the canonical request, and the names of its signed headers. */
static bool
hash_request(const struct sigv4_request *request, const struct aws_keys *keys,
	     const char *date, struct text *names, char hex[HEX_SIZE],
	     struct err *err)
{
	char buffer[CANONICAL_SIZE];
	struct text canonical = {.to = buffer, .size = sizeof(buffer)};
	char body[HEX_SIZE];
	bool ok;

	if (!hash_hex(request->body, request->body_size, body))
		return err_set(err, "OpenSSL can't hash the request's body");
	add(&canonical, "POST\n/\n\n");
	add_headers(request, keys, date, &canonical, names);
	add_all(&canonical, (const char *const[]){"\n", names->to, "\n", body},
		4);
	if (canonical.full || names->full)
		ok = err_set(err, "the request's headers are too long to sign");
	else if (!hash_hex(buffer, canonical.used, hex))
		ok = err_set(err, "OpenSSL can't hash the request");
	else
		ok = true;
	OPENSSL_cleanse(buffer, sizeof(buffer));
	return ok;
}

/* The signature of `to_sign`, in hex. */
static bool
sign(const struct sigv4_request *request, const struct aws_keys *keys,
     const char *date, const char *to_sign, char hex[HEX_SIZE])
{
	char day[DATE_DIGITS + 1];
	const char *const steps[] = {day, request->region, request->service,
				     "aws4_request", to_sign};
	unsigned char hash[2][HASH_SIZE];
	char key[KEY_SIZE];
	const void *with = key;
	size_t with_size;
	size_t at = 0;
	bool ok = true;

	snprintf(day, sizeof(day), "%.*s", DATE_DIGITS, date);
	with_size = (size_t)snprintf(key, sizeof(key), "AWS4%s", keys->secret);
	for (size_t i = 0; ok && i < COUNT(steps); i++) {
		at = i % 2;
		ok = hmac(with, with_size, steps[i], hash[at]);
		with = hash[at];
		with_size = HASH_SIZE;
	}
	for (size_t i = 0; ok && i < HASH_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[at][i]);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(hash, sizeof(hash));
	return ok;
}

bool
sigv4_sign(const struct sigv4_request *request, const struct aws_keys *keys,
	   struct sigv4_headers *headers, struct err *err)
{
	static const char algorithm[] = "AWS4-HMAC-SHA256";
	char names_to[SIGNED_NAMES_SIZE] = "";
	char scope_to[SCOPE_SIZE], to_sign_to[TO_SIGN_SIZE];
	char request_hash[HEX_SIZE], signature[HEX_SIZE];
	struct text names = {.to = names_to, .size = sizeof(names_to)};
	struct text scope = {.to = scope_to, .size = sizeof(scope_to)};
	struct text to_sign = {.to = to_sign_to, .size = sizeof(to_sign_to)};
	struct text authorization = {.size = SIGV4_AUTHORIZATION_SIZE};
	char *date;

	*headers = (struct sigv4_headers){0};
	authorization.to = headers->authorization;
	date = headers->amz_date;
	if (!format_date(request->utc_ms, date))
		return err_set(err, "no time to sign a request at: %lld ms",
			       (long long)request->utc_ms);
	if (!hash_request(request, keys, date, &names, request_hash, err))
		return false;
	memcpy(scope_to, date, DATE_DIGITS);
	scope.used = DATE_DIGITS;
	add_all(&scope,
		(const char *const[]){"/", request->region, "/",
				      request->service, "/aws4_request"},
		5);
	add_all(&to_sign,
		(const char *const[]){algorithm, "\n", date, "\n", scope_to,
				      "\n", request_hash},
		7);
	if (scope.full || to_sign.full)
		return err_set(err, "region or service is too long to sign");
	if (!sign(request, keys, date, to_sign_to, signature))
		return err_set(err, "OpenSSL can't sign the request");
	add_all(&authorization,
		(const char *const[]){algorithm, " Credential=", keys->id, "/",
				      scope_to, ", SignedHeaders=", names_to,
				      ", Signature=", signature},
		9);
	if (authorization.full)
		return err_set(err, "the signature does not fit");
	return true;
}
