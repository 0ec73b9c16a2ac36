/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
/* What goes out, and what its answers mean. */
#include "tests/unit/unit.h"

#include <fcntl.h>

#include "tests/unit/scalerd/client_bench.h"

#define FAILED                                                                 \
	{                                                                      \
		ERROR_JSON("500", "ServerException"), .closes = true           \
	}

enum {
	FD_MAX = 256,
	FILLER = CLIENT_BODY_MAX + (1 << 20),
};

/* ---- what goes out ----------------------------------------------------- */

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
	request.utc_ms = client_bench_sent_ms(b, 0);
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

	SERVE(b, bench_good);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
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
	SERVE(b, bench_good);
	told = client_bench_call(b, &bench_describe);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
	client_bench_stop(b);
	expect_signed(b,
		      (struct sigv4_request){
			  .service = "ec2",
			  .content_type = "application/x-www-form-urlencoded; "
					  "charset=utf-8",
			  .body = bench_describe.body,
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

	SERVE(b, bench_good);
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

	SERVE(b, bench_silent);
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
	client_bench_expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
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
	client_bench_expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
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
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_THROTTLED);
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
	client_bench_wait(b, client_bench_call(b, &bench_launch));
	client_bench_expect(&b->told[0], CLIENT_REFUSED, AWS_ERROR_THROTTLED);
	client_bench_wait(b, client_bench_call(b, &bench_launch));
	client_bench_expect(&b->told[1], CLIENT_REFUSED, AWS_ERROR_THROTTLED);
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
	client_bench_expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	assert_int_equal(told->error.status, 500);
	assert_int_equal(client_bench_stop(b), CLIENT_ATTEMPTS_MAX);
}

static void
an_unclear_attempt_outweighs_a_later_throttled_one(void **state)
{
	static const struct line script[] = {{.text = NULL, .closes = true},
					     THROTTLED};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_UNKNOWN, AWS_ERROR_THROTTLED);
}

static void
missing_capacity_is_refused_at_once_also_as_a_5xx(void **state)
{
	static const struct line script[] = {
	    {ERROR_XML("500", "InsufficientInstanceCapacity"), .closes = true}};
	struct client_bench *b = *state;
	const struct told *told;

	SERVE(b, script);
	told = client_bench_call(b, &bench_launch);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_CAPACITY);
	assert_string_equal(told->error.message, "Told why");
	assert_int_equal(client_bench_stop(b), 1);
}

static void
an_answer_that_does_not_come_is_unknown(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	b->times.change_ms = SHORT_MS;
	SERVE(b, bench_silent);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	assert_int_equal(client_bench_stop(b), CLIENT_ATTEMPTS_MAX);
}

static void
the_call_s_deadline_ends_its_attempts(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;

	b->times.call_ms = SHORT_MS;
	SERVE(b, bench_silent);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	assert_int_equal(client_bench_stop(b), 1);
}

static void
a_refused_connection_was_not_sent(void **state)
{
	struct client_bench *b = *state;
	const struct told *told = client_bench_change(b);

	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_TRANSIENT);
	assert_non_null(strstr(told->error.message, "Connection refused"));
	assert_non_null(strstr(told->error.message, "http://127.0.0.1:"));
	assert_string_equal(told->body, "");
}

static void
a_host_without_an_address_is_named_with_what_to_look_at(void **state)
{
	struct client_bench *b = *state;
	const struct told *told;
	char url[BENCH_PATH_SIZE];

	/* A label so long that no name server is asked for it. */
	snprintf(url, sizeof(url), "http://%064d.invalid", 0);
	bench_env(b->keys, "AWS_ENDPOINT_URL", url);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_TRANSIENT);
	assert_non_null(strstr(told->error.message, ".invalid"));
	assert_non_null(strstr(told->error.message, "AWS_REGION"));
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
	SERVE(b, bench_silent);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_TRANSIENT);
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
		client_bench_expect(told, CLIENT_REFUSED,
				    AWS_ERROR_CONFIGURATION);
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
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_CONFIGURATION);
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
		const struct told *told =
		    i % 2 == 0 ? client_bench_call(b, &bench_describe)
			       : client_bench_read(b);

		client_bench_wait(b, told);
		client_bench_expect(told, CLIENT_REFUSED,
				    AWS_ERROR_CONFIGURATION);
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
		client_bench_expect(told, CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
		assert_string_equal(told->error.message,
				    "the answer is too long");
	}
	assert_int_equal(client_bench_stop(b), (int)COUNT(script));
}

UNIT_MAIN(TEST(a_request_of_ecs_goes_out_signed),
	  TEST(a_request_of_ec2_goes_out_signed_with_the_session_token),
	  TEST(reads_share_a_connection_and_changes_have_their_own),
	  TEST(no_program_that_is_started_inherits_a_connection),
	  TEST(a_change_is_sent_once_per_attempt),
	  TEST(a_throttled_request_is_sent_again_with_the_same_bytes),
	  TEST(a_throttled_request_is_given_up_as_refused),
	  TEST(after_a_throttled_request_the_others_wait_too),
	  TEST(a_5xx_is_tried_three_times_and_stays_unknown),
	  TEST(an_unclear_attempt_outweighs_a_later_throttled_one),
	  TEST(missing_capacity_is_refused_at_once_also_as_a_5xx),
	  TEST(an_answer_that_does_not_come_is_unknown),
	  TEST(the_call_s_deadline_ends_its_attempts),
	  TEST(a_refused_connection_was_not_sent),
	  TEST(a_host_without_an_address_is_named_with_what_to_look_at),
	  TEST(an_endpoint_without_tls_gets_nothing_of_a_request),
	  TEST(the_code_of_an_error_is_found_where_aws_puts_it),
	  TEST(an_error_repeats_nothing_but_the_first_line_of_its_message),
	  TEST(an_unreadable_error_is_judged_by_its_status),
	  TEST(an_answer_that_is_too_long_is_dropped_and_unknown))
