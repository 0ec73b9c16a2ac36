/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/client_transfer.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "scalerd/aws/client_error.h"
#include "scalerd/aws/sigv4.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	BODY_FIRST = 16 * 1024,
	LINE_SIZE = AWS_TOKEN_SIZE + 64, /* the longest header is the token */
	TARGET_SIZE = 96,
	DATE_SIZE = 64,
	HTTP_OK = 200,
	MS_PER_S = 1000,
};

static const struct transfer_limits limits = {
    .body_first = BODY_FIRST,
    .body_max = CLIENT_BODY_MAX,
    .header_max = CLIENT_HEADER_MAX,
};

static const struct service {
	const char *name;
	const char *content_type;
	const char *target; /* before the action; NULL: not sent */
} services[] = {
    [CLIENT_ECS] = {"ecs", "application/x-amz-json-1.1",
		    "AmazonEC2ContainerServiceV20141113."},
    [CLIENT_EC2] = {"ec2", "application/x-www-form-urlencoded; charset=utf-8",
		    NULL},
};

_Static_assert(COUNT(services) == CLIENT_SERVICE_COUNT, "a service is missing");

/* ---- the request ------------------------------------------------------- */

static bool
add_header(struct client_transfer *t, const char *name, const char *value)
{
	char line[LINE_SIZE];
	struct curl_slist *more;
	int size;

	size = snprintf(line, sizeof(line), "%s: %s", name, value);
	more = size > 0 && (size_t)size < sizeof(line)
		   ? curl_slist_append(t->headers, line)
		   : NULL;
	OPENSSL_cleanse(line, sizeof(line));
	if (more)
		t->headers = more;
	return more != NULL;
}

static bool
add_headers(struct client_transfer *t, const struct sigv4_request *request,
	    const struct sigv4_headers *signature, const struct aws_keys *keys)
{
	return add_header(t, "Host", request->host) &&
	       add_header(t, "Content-Type", request->content_type) &&
	       add_header(t, "X-Amz-Date", signature->amz_date) &&
	       add_header(t, "Authorization", signature->authorization) &&
	       (!request->target ||
		add_header(t, "X-Amz-Target", request->target)) &&
	       (keys->token[0] == '\0' ||
		add_header(t, "X-Amz-Security-Token", keys->token));
}

static bool
make_headers(struct client_transfer *t, const struct client_order *order,
	     const struct aws_keys *keys, struct err *err)
{
	const struct service *service = &services[order->request->service];
	char target[TARGET_SIZE];
	struct sigv4_headers signature;
	const struct sigv4_request request = {
	    .service = service->name,
	    .region = order->region,
	    .host = order->endpoint->host,
	    .target = service->target ? target : NULL,
	    .content_type = service->content_type,
	    .body = order->request->body,
	    .body_size = strlen(order->request->body),
	    .utc_ms = order->utc_ms,
	};

	snprintf(target, sizeof(target), "%s%s",
		 service->target ? service->target : "",
		 order->request->action);
	if (!sigv4_sign(&request, keys, &signature, err))
		return false;
	if (!add_headers(t, &request, &signature, keys))
		return err_set(err, "out of memory");
	return true;
}

static CURLcode
set_options(struct client_transfer *t, const struct client_order *order)
{
	const struct transfer_number numbers[] = {
	    {CURLOPT_POST, 1},
	    {CURLOPT_POSTFIELDSIZE, (long)strlen(order->request->body)},
	    /* Else libcurl may send a POST twice (client.h). */
	    {CURLOPT_FRESH_CONNECT, order->request->changes},
	    {CURLOPT_FORBID_REUSE, order->request->changes},
	    {CURLOPT_CONNECTTIMEOUT_MS, (long)order->connect_ms},
	    {CURLOPT_TIMEOUT_MS, (long)order->timeout_ms},
	};
	const struct transfer_text texts[] = {
	    {CURLOPT_URL, order->endpoint->url},
	    {CURLOPT_POSTFIELDS, order->request->body},
	    {CURLOPT_CAINFO, order->ca_file},
	};
	CURL *easy = t->transfer.easy;
	CURLcode code;

	code = transfer_set_numbers(&t->transfer, numbers, COUNT(numbers));
	if (!code)
		code = transfer_set_texts(&t->transfer, texts, COUNT(texts));
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	if (!code)
		code = curl_easy_setopt(easy, CURLOPT_PRIVATE, order->arg);
	return code;
}

/* ---- the answer's header ----------------------------------------------- */

/* The value, if the line is this header and has one that fits. */
static bool
get_value(const char *line, size_t size, const char *name, char *value,
	  size_t room)
{
	const size_t start = strlen(name);

	if (size <= start || strncasecmp(line, name, start) != 0)
		return false;
	line += start;
	size -= start;
	while (size > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		size--;
	}
	while (size > 0 && (unsigned char)line[size - 1] <= ' ')
		size--;
	if (size >= room || memchr(line, '\0', size))
		return false;
	memcpy(value, line, size);
	value[size] = '\0';
	return true;
}

static void
on_header(void *arg, const char *line, size_t size)
{
	struct client_transfer *t = arg;
	char type[sizeof(t->error_type)];
	char date[DATE_SIZE];

	if (get_value(line, size, "X-Amzn-ErrorType:", type, sizeof(type))) {
		memcpy(t->error_type, type, sizeof(type));
	} else if (get_value(line, size, "Date:", date, sizeof(date))) {
		const time_t at = curl_getdate(date, NULL);

		t->date_utc_ms = at > 0 ? (int64_t)at * MS_PER_S : 0;
	}
}

bool
client_transfer_open(struct client_transfer *t,
		     const struct client_order *order,
		     const struct aws_keys *keys, struct err *err)
{
	CURLcode code;

	*t = (struct client_transfer){.service = order->request->service};
	if (!transfer_open(&t->transfer, &limits, err) ||
	    !make_headers(t, order, keys, err))
		return false;
	t->transfer.header = on_header;
	t->transfer.header_arg = t;
	code = set_options(t, order);
	if (code)
		return err_set(err, "libcurl: %s", curl_easy_strerror(code));
	return true;
}

/* ---- the end ----------------------------------------------------------- */

/* Transfers that ended before the request went out. */
static const struct {
	CURLcode code;
	enum aws_error_class class;
	const char *message; /* NULL: libcurl's */
} unsent[] = {
    {CURLE_COULDNT_RESOLVE_HOST, AWS_ERROR_TRANSIENT,
     "no address: see AWS_REGION, AWS_ENDPOINT_URL and the network"},
    {CURLE_COULDNT_CONNECT, AWS_ERROR_TRANSIENT, NULL},
    {CURLE_SSL_CONNECT_ERROR, AWS_ERROR_TRANSIENT, NULL},
    {CURLE_FAILED_INIT, AWS_ERROR_TRANSIENT, NULL},
    {CURLE_PEER_FAILED_VERIFICATION, AWS_ERROR_CONFIGURATION,
     "the certificate of the endpoint is not trusted: see AWS_CA_BUNDLE"},
    {CURLE_SSL_CACERT_BADFILE, AWS_ERROR_CONFIGURATION,
     "can't read the trusted certificates: see AWS_CA_BUNDLE"},
};

static bool
was_sent(const struct client_transfer *t, CURLcode code)
{
	long request_size = 0;

	for (size_t i = 0; i < COUNT(unsent); i++)
		if (unsent[i].code == code)
			return false;
	if (code == CURLE_OPERATION_TIMEDOUT)
		curl_easy_getinfo(t->transfer.easy, CURLINFO_REQUEST_SIZE,
				  &request_size);
	return code != CURLE_OPERATION_TIMEDOUT || request_size > 0;
}

static void
say_failure(const struct client_transfer *t, CURLcode code,
	    struct client_result *result)
{
	struct aws_error *error = &result->error;
	const char *message = curl_easy_strerror(code);
	long os_error = t->transfer.socket_errno;
	const char *url = NULL; /* where the connection failed */

	error->class = AWS_ERROR_TRANSIENT;
	for (size_t i = 0; i < COUNT(unsent); i++) {
		if (unsent[i].code != code)
			continue;
		error->class = unsent[i].class;
		curl_easy_getinfo(t->transfer.easy, CURLINFO_EFFECTIVE_URL,
				  &url);
		if (unsent[i].message)
			message = unsent[i].message;
	}
	if (result->too_long)
		message = "the answer is too long";
	if (code == CURLE_COULDNT_CONNECT && os_error == 0)
		curl_easy_getinfo(t->transfer.easy, CURLINFO_OS_ERRNO,
				  &os_error);
	snprintf(error->message, sizeof(error->message), "%s%s%s%s%s",
		 url ? url : "", url ? ": " : "", message, os_error ? ": " : "",
		 os_error ? strerror((int)os_error) : "");
}

void
client_transfer_read(const struct client_transfer *t, CURLcode code,
		     struct client_result *result)
{
	struct client_failure failure = {
	    .service = t->service,
	    .error_type = t->error_type,
	    .body = t->transfer.body,
	    .size = t->transfer.body_size,
	};

	*result = (struct client_result){
	    .sent = was_sent(t, code),
	    .timed_out = code == CURLE_OPERATION_TIMEDOUT,
	    .too_long = t->transfer.too_long || code == CURLE_FILESIZE_EXCEEDED,
	};
	if (code) {
		say_failure(t, code, result);
		return;
	}
	curl_easy_getinfo(t->transfer.easy, CURLINFO_RESPONSE_CODE,
			  &failure.status);
	if (failure.status == HTTP_OK)
		result->error.status = HTTP_OK;
	else
		client_error_read(&result->error, &failure);
}

void
client_transfer_close(struct client_transfer *t)
{
	transfer_close(&t->transfer);
	transfer_free_headers(t->headers);
	*t = (struct client_transfer){0};
}
