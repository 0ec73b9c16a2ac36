/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/transfer.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct transfer_number numbers[] = {
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_HTTP_CONTENT_DECODING, 0},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_NOSIGNAL, 1},
    /* Don't wait for a name that is still being resolved. */
    {CURLOPT_QUICK_EXIT, 1},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
};

static const struct transfer_text texts[] = {
    {CURLOPT_PROTOCOLS_STR, "http,https"},
    {CURLOPT_REDIR_PROTOCOLS_STR, "http,https"},
    {CURLOPT_PROXY, ""},
    {CURLOPT_NOPROXY, "*"},
    {CURLOPT_USERAGENT, "gameserver-manager"},
};

/* libcurl's own would not say why it failed, and would let the gameservers that
 * we start inherit the socket. */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = arg;
	const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
			      address->protocol);

	(void)purpose;
	if (fd < 0)
		transfer->socket_errno = errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* No realloc: it may leave a copy of what must be wiped. */
static bool
make_room(struct transfer *transfer, size_t wanted)
{
	size_t room = transfer->body_room > 0 ? transfer->body_room
					      : transfer->limits.body_first;
	char *body;

	while (room < wanted)
		room *= 2;
	if (room > transfer->limits.body_max)
		room = transfer->limits.body_max;
	body = malloc(room + 1);
	if (!body)
		return false;
	if (transfer->body) {
		memcpy(body, transfer->body, transfer->body_size);
		OPENSSL_cleanse(transfer->body, transfer->body_size);
		free(transfer->body);
	}
	body[transfer->body_size] = '\0';
	transfer->body = body;
	transfer->body_room = room;
	return true;
}

static size_t
on_body(char *data, size_t one, size_t size, void *arg)
{
	struct transfer *transfer = arg;

	(void)one; /* always 1 */
	if (size > transfer->limits.body_max - transfer->body_size) {
		transfer->too_long = true;
		return 0;
	}
	if (size > transfer->body_room - transfer->body_size &&
	    !make_room(transfer, transfer->body_size + size))
		return 0;
	memcpy(transfer->body + transfer->body_size, data, size);
	transfer->body_size += size;
	transfer->body[transfer->body_size] = '\0';
	return size;
}

/* Trailers pass here too. */
static size_t
on_header(char *data, size_t one, size_t size, void *arg)
{
	struct transfer *transfer = arg;

	(void)one;
	if (size > transfer->limits.header_max - transfer->header_size) {
		transfer->too_long = true;
		return 0;
	}
	transfer->header_size += size;
	if (transfer->header)
		transfer->header(transfer->header_arg, data, size);
	return size;
}

static CURLcode
set_callbacks(struct transfer *transfer)
{
	CURL *easy = transfer->easy;
	CURLcode code;

	code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (!code)
		code =
		    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	return code;
}

bool
transfer_open(struct transfer *transfer, const struct transfer_limits *limits,
	      struct err *err)
{
	const struct transfer_number size = {CURLOPT_MAXFILESIZE,
					     (long)limits->body_max};
	CURLcode code;

	*transfer = (struct transfer){.limits = *limits};
	transfer->easy = curl_easy_init();
	if (!transfer->easy || !make_room(transfer, limits->body_first))
		return err_set(err, "out of memory");
	code = transfer_set_numbers(transfer, numbers, COUNT(numbers));
	if (!code)
		code = transfer_set_numbers(transfer, &size, 1);
	if (!code)
		code = transfer_set_texts(transfer, texts, COUNT(texts));
	if (!code)
		code = set_callbacks(transfer);
	if (code)
		return err_set(err, "libcurl: %s", curl_easy_strerror(code));
	return true;
}

CURLcode
transfer_set_numbers(struct transfer *transfer,
		     const struct transfer_number *number, size_t n)
{
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < n; i++)
		code = curl_easy_setopt(transfer->easy, number[i].option,
					number[i].value);
	return code;
}

CURLcode
transfer_set_texts(struct transfer *transfer, const struct transfer_text *text,
		   size_t n)
{
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < n; i++)
		code = curl_easy_setopt(transfer->easy, text[i].option,
					text[i].value);
	return code;
}

/* What one long answer took is not kept for ever. */
static void
shrink(struct transfer *transfer)
{
	char *body = malloc(transfer->limits.body_first + 1);

	if (!body)
		return;
	free(transfer->body);
	transfer->body = body;
	transfer->body_room = transfer->limits.body_first;
}

void
transfer_forget(struct transfer *transfer)
{
	if (transfer->body) {
		OPENSSL_cleanse(transfer->body, transfer->body_size);
		if (transfer->body_room > transfer->limits.body_first)
			shrink(transfer);
		transfer->body[0] = '\0';
	}
	transfer->body_size = 0;
	transfer->header_size = 0;
	transfer->socket_errno = 0;
	transfer->too_long = false;
}

void
transfer_close(struct transfer *transfer)
{
	if (transfer->body)
		transfer_forget(transfer);
	curl_easy_cleanup(transfer->easy);
	free(transfer->body);
	*transfer = (struct transfer){0};
}
