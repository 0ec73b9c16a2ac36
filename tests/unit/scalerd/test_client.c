/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <time.h>

#include "scalerd/aws/credentials_answer.h"
#include "tests/unit/scalerd/client_bench.h"

#define FAR        "2099-01-01T00:00:00Z"
#define EMPTY_JSON HTTP("200", "", "2", "{}")
#define ERROR_JSON(status, type)                                               \
	"HTTP/1.1 " status " X\r\nConnection: close\r\n\r\n"                   \
	"{\"__type\":\"" type "\",\"message\":\"Told why\"}"
#define ERROR_XML(status, code)                                                \
	"HTTP/1.1 " status " X\r\nConnection: close\r\n\r\n"                   \
	"<Response><Errors><Error><Code>" code                                 \
	"</Code><Message>Told why</Message></Error></Errors>"                  \
	"<RequestID>1</RequestID></Response>"
#define THROTTLED                                                              \
	{                                                                      \
		ERROR_JSON("400", "ThrottlingException"), .closes = true       \
	}
#define FAILED                                                                 \
	{                                                                      \
		ERROR_JSON("500", "ServerException"), .closes = true           \
	}

enum {
	SHORT_MS = 150,
	SECOND_MS = 1000,
	FD_MAX = 256,
	LONGER_MS = 10, /* than the pace's rest */
	FILLER = CLIENT_BODY_MAX + (1 << 20),
};

static const struct line good[] = {{.text = EMPTY_JSON}};
static const struct line silent[] = {{.text = NULL}};
static const struct client_request describe = {
    CLIENT_EC2, "DescribeInstances",
    "Action=DescribeInstances&Version=2016-11-15", false};
static const struct client_request launch = {
    CLIENT_EC2, "RunInstances", "Action=RunInstances&Version=2016-11-15", true};

static void
expect(const struct told *told, enum client_outcome outcome,
       enum aws_error_class class)
{
	if (told->outcome != outcome || told->error.class != class)
		fail_msg("outcome %d, %s: %s", (int)told->outcome,
			 aws_error_class_name(told->error.class),
			 told->error.message);
}

/* ---- what goes out ----------------------------------------------------- */

static int64_t
amz_date_ms(const char *date)
{
	char text[sizeof("2026-11-22T18:38:16Z")];
	int64_t ms = 0;

	assert_int_equal(strlen(date), strlen("20261122T183816Z"));
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date,
		 date + 4, date + 6, date + 9, date + 11, date + 13);
	assert_true(credentials_time_parse(text, &ms));
	return ms;
}

static void
expect_signed(struct client_bench *b, struct sigv4_request request,
	      const char *token)
{
	struct aws_keys keys = {.id = "ID", .secret = SECRET};
	struct sigv4_headers headers;
	char host[BENCH_PATH_SIZE];
	struct err err;

	snprintf(keys.token, sizeof(keys.token), "%s", token);
	snprintf(host, sizeof(host), "127.0.0.1:%d", b->server.port);
	request.region = "eu-west-1";
	request.host = host;
	request.body_size = strlen(request.body);
	request.utc_ms = amz_date_ms(client_bench_header(b, 0, "X-Amz-Date"));
	assert_true(sigv4_sign(&request, &keys, &headers, &err));
	assert_string_equal(client_bench_header(b, 0, "Authorization"),
			    headers.authorization);
	assert_string_equal(client_bench_header(b, 0, "Host"), host);
	assert_string_equal(client_bench_header(b, 0, "Content-Type"),
			    request.content_type);
	assert_string_equal(client_bench_body(b, 0), request.body);
	assert_null(client_bench_header(b, 0, "Accept-Encoding"));
}

static void
a_request_of_ecs_goes_out_signed(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, good);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
	assert_string_equal(told->body, "{}");
	assert_int_equal(client_bench_stop(b), 1);
	assert_memory_equal(b->server.request[0], "POST / HTTP/1.1\r\n", 17);
	expect_signed(
	    b,
	    (struct sigv4_request){
		.service = "ecs",
		.target = "AmazonEC2ContainerServiceV20141113.RunTask",
		.content_type = "application/x-amz-json-1.1",
		.body = "{\"clientToken\":\"1\"}",
	    },
	    "");
	assert_string_equal(client_bench_header(b, 0, "X-Amz-Target"),
			    "AmazonEC2ContainerServiceV20141113.RunTask");
}

static void
a_request_of_ec2_goes_out_signed_with_the_session_token(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	bench_env(b->keys, "AWS_SESSION_TOKEN", "T0ken");
	SERVE(b, good);
	told = client_bench_call(b, &describe);
	client_bench_wait(b, told);
	expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
	client_bench_stop(b);
	expect_signed(b,
		      (struct sigv4_request){
			  .service = "ec2",
			  .content_type = "application/x-www-form-urlencoded; "
					  "charset=utf-8",
			  .body = describe.body,
		      },
		      "T0ken");
	assert_null(client_bench_header(b, 0, "X-Amz-Target"));
	assert_string_equal(client_bench_header(b, 0, "X-Amz-Security-Token"),
			    "T0ken");
}

static void
reads_share_a_connection_and_changes_have_their_own(void **state)
{
	struct client_bench *b = *state;

	SERVE(b, good);
	client_bench_wait(b, client_bench_change(b));
	assert_int_equal(atomic_load(&b->server.connections), 1);
	client_bench_wait(b, client_bench_read(b));
	client_bench_wait(b, client_bench_read(b));
	assert_int_equal(atomic_load(&b->server.connections), 2);
	client_bench_wait(b, client_bench_change(b));
	assert_int_equal(atomic_load(&b->server.connections), 3);
}

static bool
is_of_the_client(const struct client_bench *b, int fd)
{
	struct sockaddr_in peer = {0};
	socklen_t size = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
	       peer.sin_family == AF_INET &&
	       ntohs(peer.sin_port) == b->server.port;
}

static void
no_program_that_is_started_inherits_a_connection(void **state)
{
	struct client_bench *b = *state;
	int found = 0;

	SERVE(b, silent);
	client_bench_read(b);
	client_bench_wait_requests(b, 1);
	for (int fd = 0; fd < FD_MAX; fd++) {
		if (!is_of_the_client(b, fd))
			continue;
		found++;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(found, 1);
}

/* libcurl would send it again by itself if the connection had been kept. */
static void
a_change_is_sent_once_per_attempt(void **state)
{
	static const struct line script[] = {{.text = EMPTY_JSON},
					     {.text = NULL, .closes = true},
					     {.text = EMPTY_JSON}};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	client_bench_wait(b, client_bench_read(b));
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
	assert_int_equal(client_bench_stop(b), 3);
	assert_int_equal(atomic_load(&b->server.connections), 3);
}

/* ---- trying again ------------------------------------------------------ */

static void
a_throttled_request_is_sent_again_with_the_same_bytes(void **state)
{
	static const struct line script[] = {THROTTLED, {.text = EMPTY_JSON}};
	struct client_bench *b = *state;
	const struct told *told;
	char first[AWS_REQUEST_SIZE];

	SERVE(b, script);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
	assert_int_equal(client_bench_stop(b), 2);
	snprintf(first, sizeof(first), "%s", client_bench_body(b, 0));
	assert_string_equal(client_bench_body(b, 1), first);
}

static void
a_throttled_request_is_given_up_as_refused(void **state)
{
	static const struct line script[] = {THROTTLED};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_THROTTLED);
	assert_string_equal(told->error.code, "ThrottlingException");
	assert_string_equal(told->error.message, "Told why");
	assert_int_equal(client_bench_stop(b), CLIENT_ATTEMPTS_MAX);
}

static void
after_a_throttled_request_the_others_wait_too(void **state)
{
	static const struct line script[] = {
	    {ERROR_XML("503", "RequestLimitExceeded"), .closes = true},
	    {.text = EMPTY_JSON}};
	struct client_bench *b = *state;

	b->times.call_ms = SHORT_MS;
	SERVE(b, script);
	client_bench_wait(b, client_bench_call(b, &launch));
	expect(&b->told[0], CLIENT_REFUSED, AWS_ERROR_THROTTLED);
	client_bench_wait(b, client_bench_call(b, &launch));
	expect(&b->told[1], CLIENT_REFUSED, AWS_ERROR_THROTTLED);
	assert_int_equal(client_bench_stop(b), 1);
}

static void
a_5xx_is_tried_three_times_and_stays_unknown(void **state)
{
	static const struct line script[] = {FAILED};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	assert_int_equal(told->error.status, 500);
	assert_int_equal(client_bench_stop(b), CLIENT_ATTEMPTS_MAX);
}

static void
an_unclear_attempt_keeps_the_call_unknown_when_a_later_one_is_throttled(
    void **state)
{
	static const struct line script[] = {{.text = NULL, .closes = true},
					     THROTTLED};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_UNKNOWN, AWS_ERROR_THROTTLED);
}

static void
missing_capacity_is_refused_at_once_also_as_a_5xx(void **state)
{
	static const struct line script[] = {
	    {ERROR_XML("500", "InsufficientInstanceCapacity"), .closes = true}};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	told = client_bench_call(b, &launch);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_CAPACITY);
	assert_string_equal(told->error.message, "Told why");
	assert_int_equal(client_bench_stop(b), 1);
}

static void
an_answer_that_does_not_come_is_unknown(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	b->times.change_ms = SHORT_MS;
	SERVE(b, silent);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	assert_int_equal(client_bench_stop(b), CLIENT_ATTEMPTS_MAX);
}

static void
the_call_s_deadline_ends_its_attempts(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	b->times.call_ms = SHORT_MS;
	SERVE(b, silent);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	assert_int_equal(client_bench_stop(b), 1);
}

static void
a_refused_connection_was_not_sent(void **state)
{
	struct client_bench *b = *state;
	const struct told *told = client_bench_change(b);

	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_TRANSIENT);
	assert_non_null(strstr(told->error.message, "Connection refused"));
	assert_string_equal(told->body, "");
}

static void
an_endpoint_without_tls_gets_nothing_of_a_request(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;
	char url[BENCH_PATH_SIZE];

	snprintf(url, sizeof(url), "https://127.0.0.1:%d", b->server.port);
	bench_env(b->keys, "AWS_ENDPOINT_URL", url);
	b->times.connect_ms = SHORT_MS;
	SERVE(b, silent);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_TRANSIENT);
	assert_int_equal(client_bench_stop(b), 0);
}

/* ---- errors ------------------------------------------------------------ */

static void
the_code_of_an_error_is_found_where_aws_puts_it(void **state)
{
	static const char *const answers[] = {
	    ERROR_JSON("400", "ClusterNotFoundException"),
	    ERROR_JSON("400", "com.amazonaws.ecs#ClusterNotFoundException"),
	    HTTP("400",
		 "x-amzn-errortype:ClusterNotFoundException:http://x/y/\r\n",
		 "2", "{}"),
	    HTTP("400", "", "35", "{\"code\":\"ClusterNotFoundException\"}"),
	};
	struct client_bench *b = *state;
	struct line script[COUNT(answers)] = {{0}};

	for (size_t i = 0; i < COUNT(answers); i++)
		script[i] = (struct line){.text = answers[i], .closes = true};
	SERVE(b, script);
	for (size_t i = 0; i < COUNT(answers); i++) {
		const struct told *told = client_bench_read(b);

		client_bench_wait(b, told);
		expect(told, CLIENT_REFUSED, AWS_ERROR_CONFIGURATION);
		assert_string_equal(told->error.code,
				    "ClusterNotFoundException");
	}
	client_bench_stop(b);
}

static void
an_error_repeats_nothing_but_the_first_line_of_its_message(void **state)
{
	static const struct line script[] = {
	    {"HTTP/1.1 400 X\r\n\r\n{\"__type\":\"X\\u001b\",\"message\":"
	     "\"It \\u001b[31mdiffers.\\n\\nx-amz-security-token:SeCrEt\"}",
	     .closes = true}};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	told = client_bench_read(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_CONFIGURATION);
	assert_string_equal(told->error.code, "");
	assert_string_equal(told->error.message, "It ?[31mdiffers.");
}

static void
an_unreadable_error_is_judged_by_its_status(void **state)
{
	static const struct line script[] = {
	    {.text = HTTP("403", "", "6", "<html>")},
	    {.text = HTTP("403", "", "9", "[[[[[[[[[")},
	    {.text = HTTP("403", "", "0", "")},
	    {.text = HTTP("301", "Location: http://127.0.0.1:1/\r\n", "0", "")},
	};
	struct client_bench *b = *state;

	SERVE(b, script);
	for (size_t i = 0; i < COUNT(script); i++) {
		const struct told *told = i % 2 == 0
					      ? client_bench_call(b, &describe)
					      : client_bench_read(b);

		client_bench_wait(b, told);
		expect(told, CLIENT_REFUSED, AWS_ERROR_CONFIGURATION);
	}
	assert_int_equal(client_bench_stop(b), (int)COUNT(script));
}

static void
an_answer_that_is_too_long_is_dropped_and_unknown(void **state)
{
	static const struct line script[] = {
	    {"HTTP/1.1 200 X\r\n\r\n", .filler = FILLER, .closes = true},
	    {"HTTP/1.1 200 X\r\nContent-Length: 99999999\r\n\r\n",
	     .closes = true},
	    {"HTTP/1.1 200 X\r\n", .filler = FILLER, .closes = true},
	};
	struct client_bench *b = *state;

	SERVE(b, script);
	for (size_t i = 0; i < COUNT(script); i++) {
		const struct told *told = client_bench_change(b);

		client_bench_wait(b, told);
		expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
		assert_string_equal(told->error.message,
				    "the answer is too long");
	}
	assert_int_equal(client_bench_stop(b), (int)COUNT(script));
}

/* ---- keys and clock ---------------------------------------------------- */

static const struct reply first_keys[] = {
    {"GET /keys ", OK KEYS_JSON("FIRST", FAR), 0}, {0}};
static const struct reply second_keys[] = {
    {"GET /keys ", OK KEYS_JSON("SECOND", FAR), 0}, {0}};
static const struct reply no_answer[] = {{"GET /keys ", NULL, 0}, {0}};

static void
use_container_keys(struct client_bench *b, const struct reply *replies)
{
	bench_env(b->keys, "AWS_ACCESS_KEY_ID", "");
	bench_env(b->keys, "AWS_SECRET_ACCESS_KEY", "");
	bench_serve_as(b->keys, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "/keys",
		       replies);
}

static void
refused_keys_are_fetched_anew_once(void **state)
{
	static const struct line script[] = {
	    {.text = EMPTY_JSON},
	    {ERROR_JSON("400", "ExpiredTokenException"), .delay_ms = LONGER_MS,
	     .closes = true}};
	struct client_bench *b = *state;
	const struct told *told;

	use_container_keys(b, first_keys);
	SERVE(b, script);
	client_bench_wait(b, client_bench_read(b));
	atomic_store(&b->keys->replies, second_keys);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
	assert_int_equal(client_bench_stop(b), 3);
	assert_non_null(
	    strstr(client_bench_header(b, 1, "Authorization"), "=FIRST/"));
	assert_non_null(
	    strstr(client_bench_header(b, 2, "Authorization"), "=SECOND/"));
}

static void
new_keys_end_well(void **state)
{
	static const struct line script[] = {{ERROR_XML("401", "AuthFailure"),
					      .delay_ms = LONGER_MS,
					      .closes = true},
					     {.text = EMPTY_JSON}};
	struct client_bench *b = *state;
	const struct told *told;

	use_container_keys(b, first_keys);
	SERVE(b, script);
	told = client_bench_call(b, &launch);
	client_bench_wait(b, told);
	expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
}

static void
keys_that_can_not_be_renewed_yet_are_refused_with_aws_words(void **state)
{
	static const struct line script[] = {
	    {ERROR_JSON("400", "UnrecognizedClientException"), .closes = true}};
	struct client_bench *b = *state;
	const struct told *told;

	b->rest_ms = BENCH_DEADLINE_MS;
	SERVE(b, script);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
	assert_string_equal(told->error.code, "UnrecognizedClientException");
	assert_int_equal(told->error.status, 400);
	assert_int_equal(client_bench_stop(b), 1);
}

static void
without_keys_nothing_is_sent_and_the_reason_is_said(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	bench_env(b->keys, "AWS_ACCESS_KEY_ID", "");
	SERVE(b, good);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
	assert_non_null(strstr(told->error.message, "AWS_ACCESS_KEY_ID"));
	assert_int_equal(client_bench_stop(b), 0);
}

static void
keys_that_do_not_come_are_waited_for_until_the_deadline(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	use_container_keys(b, no_answer);
	b->times.call_ms = SHORT_MS;
	SERVE(b, good);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
	assert_string_equal(told->error.message, "no AWS keys in time");
	assert_int_equal(client_bench_stop(b), 0);
}

/* An answer of a server whose clock is so many seconds ahead. */
static void
write_skewed(char *text, size_t size, int ahead_s, const char *error)
{
	const time_t at = time(NULL) + ahead_s;
	struct tm tm;
	char date[64];

	assert_non_null(gmtime_r(&at, &tm));
	assert_true(
	    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
	snprintf(text, size, "HTTP/1.1 400 X\r\nDate: %s\r\n\r\n%s", date,
		 error);
}

static void
a_wrong_clock_is_corrected_for_this_and_all_later_calls(void **state)
{
	static const int ahead_s = 3600;
	char skewed[1024];
	struct client_bench *b = *state;
	const struct line script[] = {{.text = skewed, .closes = true},
				      {.text = EMPTY_JSON}};
	int64_t before_ms, after_ms;

	write_skewed(skewed, sizeof(skewed), ahead_s,
		     "{\"__type\":\"InvalidSignatureException\",\"message\":"
		     "\"Signature expired: x\"}");
	SERVE(b, script);
	client_bench_wait(b, client_bench_change(b));
	expect(&b->told[0], CLIENT_ANSWERED, AWS_ERROR_NONE);
	client_bench_wait(b, client_bench_read(b));
	assert_int_equal(client_bench_stop(b), 3);
	before_ms = amz_date_ms(client_bench_header(b, 0, "X-Amz-Date"));
	for (int i = 1; i < 3; i++) {
		after_ms = amz_date_ms(client_bench_header(b, i, "X-Amz-Date"));
		assert_true(after_ms - before_ms >=
				(int64_t)(ahead_s - 2) * SECOND_MS &&
			    after_ms - before_ms <=
				(int64_t)(ahead_s + 60) * SECOND_MS);
	}
}

static void
a_clock_that_stays_wrong_is_corrected_once(void **state)
{
	char first[1024];
	char second[1024];
	struct client_bench *b = *state;
	const struct line script[] = {{.text = first, .closes = true},
				      {.text = second, .closes = true}};
	const char error[] = "{\"__type\":\"RequestTimeTooSkewed\"}";

	write_skewed(first, sizeof(first), 3600, error);
	write_skewed(second, sizeof(second), -3600, error);
	SERVE(b, script);
	client_bench_wait(b, client_bench_change(b));
	expect(&b->told[0], CLIENT_REFUSED, AWS_ERROR_CLOCK);
	assert_int_equal(client_bench_stop(b), 2);
}

/* ---- calls ------------------------------------------------------------- */

static void
a_cancelled_call_is_not_answered(void **state)
{
	struct client_bench *b = *state;
	struct told *sent, *waiting, *other;

	SERVE(b, silent);
	sent = client_bench_read(b);
	client_bench_wait_requests(b, 1);
	waiting = client_bench_read(b);
	client_cancel(b->client, b->call[0]);
	client_cancel(b->client, b->call[1]);
	b->call[0] = b->call[1] = NULL;
	b->times.call_ms = SHORT_MS;
	client_close(b->client);
	b->client = NULL;
	other = client_bench_read(b);
	client_bench_wait(b, other);
	assert_int_equal(sent->times, 0);
	assert_int_equal(waiting->times, 0);
}

struct chain {
	struct client_bench *b;
	int answered;
};

static void
call_again(void *arg, const struct client_answer *answer)
{
	struct chain *chain = arg;
	struct client_bench *b = chain->b;
	struct err err;

	assert_int_equal(answer->outcome, CLIENT_ANSWERED);
	if (chain->answered++ > 0)
		return;
	client_cancel(b->client, b->call[0]);
	b->call[0] = NULL;
	assert_non_null(
	    client_call(b->client, &describe, call_again, chain, &err));
}

static void
an_answer_s_receiver_may_call_and_cancel(void **state)
{
	static const struct line script[] = {{.text = NULL},
					     {.text = EMPTY_JSON}};
	struct client_bench *b = *state;
	struct chain chain = {.b = b};
	const int64_t end_ms = loop_now_ms() + BENCH_DEADLINE_MS;
	struct err err;

	SERVE(b, script);
	client_bench_read(b);
	client_bench_wait_requests(b, 1);
	assert_non_null(
	    client_call(b->client, &describe, call_again, &chain, &err));
	while (chain.answered < 2 && loop_now_ms() < end_ms)
		assert_true(loop_turn(b->keys->loop, 20, &err));
	assert_int_equal(chain.answered, 2);
	assert_int_equal(b->told[0].times, 0);
}

static void
only_so_many_requests_are_under_way(void **state)
{
	struct client_bench *b = *state;
	struct err err;

	SERVE(b, silent);
	for (int i = 0; i < CLIENT_TRANSFERS_MAX + 4; i++)
		client_bench_read(b);
	client_bench_wait_requests(b, CLIENT_TRANSFERS_MAX);
	assert_true(loop_turn(b->keys->loop, SHORT_MS, &err));
	assert_int_equal(atomic_load(&b->server.requests),
			 CLIENT_TRANSFERS_MAX);
	client_cancel(b->client, b->call[0]);
	b->call[0] = NULL;
	client_bench_wait_requests(b, CLIENT_TRANSFERS_MAX + 1);
}

static void
launches_wait_for_aws_rate_and_are_given_up_at_their_deadline(void **state)
{
	struct client_bench *b = *state;

	b->times.call_ms = SHORT_MS;
	SERVE(b, silent);
	for (int i = 0; i < 3; i++)
		client_bench_call(b, &launch);
	for (int i = 0; i < 3; i++)
		client_bench_wait(b, &b->told[i]);
	expect(&b->told[1], CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	expect(&b->told[2], CLIENT_REFUSED, AWS_ERROR_THROTTLED);
	assert_int_equal(client_bench_stop(b), 2);
}

static void
more_calls_than_can_wait_are_refused(void **state)
{
	struct client_bench *b = *state;
	struct err err = {0};

	for (int i = 0; i < CLIENT_WAITING_MAX; i++)
		client_bench_read(b);
	assert_null(client_call(b->client, &describe, call_again, NULL, &err));
	assert_non_null(strstr(err.msg, "4096 calls"));
}

/* ---- settings ---------------------------------------------------------- */

static void
wrong_settings_are_refused_by_name(void **state)
{
	static const char *const wrong[][3] = {
	    {"AWS_CA_BUNDLE", "/does/not/exist", "/does/not/exist"},
	    {"AWS_ENDPOINT_URL_EC2", "ftp://x", "https://HOST[:PORT]"},
	};
	struct client_bench *b = *state;
	const struct client_setup setup = {.loop = b->keys->loop,
					   .region = "eu-west-1",
					   .env = bench_env_of,
					   .env_arg = b->keys,
					   .pace = credentials_pace_usual,
					   .times = client_times_usual};
	struct err err = {0};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		bench_env(b->keys, wrong[i][0], wrong[i][1]);
		assert_false(client_open(&b->client, &setup, &err));
		assert_non_null(strstr(err.msg, wrong[i][0]));
		assert_non_null(strstr(err.msg, wrong[i][2]));
		bench_env(b->keys, wrong[i][0], "");
	}
	b->client = NULL;
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, client_bench_setup,                 \
					client_bench_teardown)

UNIT_MAIN(
    TEST(a_request_of_ecs_goes_out_signed),
    TEST(a_request_of_ec2_goes_out_signed_with_the_session_token),
    TEST(reads_share_a_connection_and_changes_have_their_own),
    TEST(no_program_that_is_started_inherits_a_connection),
    TEST(a_change_is_sent_once_per_attempt),
    TEST(a_throttled_request_is_sent_again_with_the_same_bytes),
    TEST(a_throttled_request_is_given_up_as_refused),
    TEST(after_a_throttled_request_the_others_wait_too),
    TEST(a_5xx_is_tried_three_times_and_stays_unknown),
    TEST(
	an_unclear_attempt_keeps_the_call_unknown_when_a_later_one_is_throttled),
    TEST(missing_capacity_is_refused_at_once_also_as_a_5xx),
    TEST(an_answer_that_does_not_come_is_unknown),
    TEST(the_call_s_deadline_ends_its_attempts),
    TEST(a_refused_connection_was_not_sent),
    TEST(an_endpoint_without_tls_gets_nothing_of_a_request),
    TEST(the_code_of_an_error_is_found_where_aws_puts_it),
    TEST(an_error_repeats_nothing_but_the_first_line_of_its_message),
    TEST(an_unreadable_error_is_judged_by_its_status),
    TEST(an_answer_that_is_too_long_is_dropped_and_unknown),
    TEST(refused_keys_are_fetched_anew_once), TEST(new_keys_end_well),
    TEST(keys_that_can_not_be_renewed_yet_are_refused_with_aws_words),
    TEST(without_keys_nothing_is_sent_and_the_reason_is_said),
    TEST(keys_that_do_not_come_are_waited_for_until_the_deadline),
    TEST(a_wrong_clock_is_corrected_for_this_and_all_later_calls),
    TEST(a_clock_that_stays_wrong_is_corrected_once),
    TEST(a_cancelled_call_is_not_answered),
    TEST(an_answer_s_receiver_may_call_and_cancel),
    TEST(only_so_many_requests_are_under_way),
    TEST(launches_wait_for_aws_rate_and_are_given_up_at_their_deadline),
    TEST(more_calls_than_can_wait_are_refused),
    TEST(wrong_settings_are_refused_by_name))
