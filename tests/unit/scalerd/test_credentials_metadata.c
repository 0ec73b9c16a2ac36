/* SPDX-License-Identifier: MIT */
/* Keys of the container endpoint and of instance metadata, and what a broken
 * or hostile one can do. */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include "scalerd/aws/credentials_answer.h"
#include "tests/unit/scalerd/credentials_bench.h"

#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define TOKEN    "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ROLES    "GET /latest/meta-data/iam/security-credentials/"
#define PUT      "PUT /latest/api/token "
#define NO(n)    "HTTP/1.1 " n " No\r\n\r\n"
#define GOOD     KEYS_JSON("ROLE", IN_ONE_HOUR)
#define X64      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1K      X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64

static const struct reply container[] = {{"GET /keys ", OK GOOD, 0}, {0}};

/* ---- the container endpoint -------------------------------------------- */

static void
a_container_gives_keys(void **state)
{
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", container);
	bench_expect_keys(b, "ROLE");
	assert_string_equal(b->keys.token, "T0ken");
	bench_close(b);
	assert_int_equal(bench_stop(b), 1);
	assert_memory_equal(b->request[0], "GET /keys HTTP/1.1\r\n", 20);
	assert_non_null(strstr(b->request[0], "\r\nAccept: application/json"));
	assert_null(strstr(b->request[0], "Authorization"));
}

static void
the_container_is_shown_its_token(void **state)
{
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", container);
	bench_env(b, TOKEN, "Basic abc");
	bench_expect_keys(b, "ROLE");
	bench_env(b, TOKEN "_FILE", bench_file(b, "token", "first"));
	bench_expect_keys(b, "ROLE");
	bench_file(b, "token", "second");
	bench_refuse(b, "ROLE");
	bench_wait(b, NOW_MS, CREDENTIALS_HAVE);
	bench_close(b);
	assert_int_equal(bench_stop(b), 3);
	assert_non_null(
	    strstr(b->request[0], "\r\nAuthorization: Basic abc\r\n"));
	assert_non_null(strstr(b->request[1], "\r\nAuthorization: first\r\n"));
	assert_non_null(strstr(b->request[2], "\r\nAuthorization: second\r\n"));
}

static void
a_token_that_can_not_be_in_a_header_is_refused(void **state)
{
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", container);
	bench_env(b, TOKEN, SECRET "\r\nX-Evil: 1");
	bench_expect_failure(b, TOKEN " holds a line end");
	bench_env(b, TOKEN "_FILE", bench_file(b, "token", SECRET "\n"));
	bench_expect_failure(b, TOKEN "_FILE holds a line end");
	bench_env(b, TOKEN "_FILE", "/nonexistent/token");
	bench_expect_failure(b, "/nonexistent/token");
	assert_int_equal(bench_stop(b), 0);
}

static void
keys_are_not_asked_for_where_anybody_may_listen(void **state)
{
	static const char *const refused[] = {
	    "http://example.org/keys",
	    "http://127.0.0.1@example.org/keys",
	    "http://127.0.0.1.example.org/keys",
	    "http://169.254.169.254/keys",
	    "http://10.0.0.1/keys",
	    "http://[fd00:ec2::24]/keys",
	    "http://localhost.example.org/",
	    "http://128.0.0.1/keys",
	    "ftp://127.0.0.1/keys",
	    "file:///etc/passwd",
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(refused); i++) {
		bench_env(b, FULL_URI, refused[i]);
		bench_expect_failure(b, FULL_URI " must be https, or http to");
	}
	bench_env(b, FULL_URI, "keys of SeCrEt");
	bench_expect_failure(b, FULL_URI " is no URL");
	bench_env(b, RELATIVE, "@example.org/keys");
	bench_expect_failure(b, RELATIVE " must begin with a \"/\"");
}

static void
keys_are_asked_for_where_only_the_host_listens(void **state)
{
	static const char *const allowed[] = {
	    "http://127.0.0.1:1/keys",     "http://127.1.2.3:1/keys",
	    "http://localhost:1/keys",     "http://[::1]:1/keys",
	    "http://169.254.170.2:1/keys", "http://169.254.170.23:1/keys",
	    "http://[fd00:ec2::23]:1/k",   "https://127.0.0.1:1/keys",
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(allowed); i++) {
		bench_env(b, FULL_URI, allowed[i]);
		/* Nobody is there, or nobody answers in its two seconds. */
		bench_expect_failure(b, "credentials endpoint: ");
	}
	bench_env(b, RELATIVE, "/v2/keys");
	bench_env(b, FULL_URI, "http://example.org/not-used");
	bench_expect_failure(b, "credentials endpoint: ");
}

static const struct {
	const char *says;
	const char *text;
	size_t size; /* 0: a string */
} broken[] = {
    {"HTTP status 404", NO("404") SECRET, 0},
    {"HTTP status 302", "HTTP/1.1 302 No\r\nLocation: /keys\r\n\r\n", 0},
    {"HTTP status 204", "HTTP/1.1 204 No\r\n\r\n", 0},
    {"no JSON", OK, 0},
    {"no JSON", OK "<html>" SECRET, 0},
    {"no JSON", OK "[" GOOD "]", 0},
    {"no JSON", OK GOOD GOOD, 0},
    {"no JSON", OK "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0},
    {"access key id is missing",
     OK "{\"SecretAccessKey\":\"" SECRET
	"\",\"Token\":\"t\",\"Expiration\":\"" IN_ONE_HOUR "\"}",
     0},
    {"access key id is missing",
     OK "{\"AccessKeyId\":17,\"SecretAccessKey\":\"" SECRET
	"\",\"Token\":\"t\",\"Expiration\":\"" IN_ONE_HOUR "\"}",
     0},
    {"access key id is missing", OK KEYS_JSON("A\\u0000B", IN_ONE_HOUR), 0},
    {"access key id is too long or holds",
     OK KEYS_JSON(X64 X64 X64, IN_ONE_HOUR), 0},
    {"white space or control", OK KEYS_JSON("A\\r\\nX-Evil: 1", IN_ONE_HOUR),
     0},
    {"Token is missing",
     OK "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET
	"\",\"Expiration\":\"" IN_ONE_HOUR "\"}",
     0},
    {"Expiration is no time", OK KEYS_JSON("A", "tomorrow"), 0},
    {"gives no keys: AssumeRoleUnauthorizedAccess",
     OK "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}", 0},
    {"its Code is no word", OK "{\"Code\":\"" SECRET "\"}", 0},
    {"no JSON", OK "{\"a\":\"\0\"}", sizeof(OK "{\"a\":\"\0\"}") - 1},
    {": ", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" GOOD, 0},
    {": ", "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" GOOD, 0},
    {": ", "SSH-2.0-SeCrEt\r\n", 0},
    {": ", GOOD, 0},
    {": ", "\r\n", 0},
};

static void
a_broken_container_endpoint_is_an_error(void **state)
{
	struct bench *b = *state;
	struct reply replies[] = {{"GET /keys ", NULL, 0}, {0}};

	for (size_t i = 0; i < COUNT(broken); i++) {
		print_message("%zu\n", i);
		replies[0].text = broken[i].text;
		replies[0].size = broken[i].size;
		bench_serve_as(b, FULL_URI, "/keys", replies);
		bench_expect_failure(b, broken[i].says);
		assert_memory_equal(b->err.msg, "the container's", 15);
		bench_close(b);
		bench_stop(b);
	}
}

static void
an_answer_that_is_too_long_is_an_error(void **state)
{
	static const char *const begins[] = {OK, "HTTP/1.1 200 OK\r\nX: "};
	static char text[4 * CREDENTIALS_BODY_MAX];
	const struct reply replies[] = {{"GET /keys ", text, sizeof(text)},
					{0}};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(begins); i++) {
		memset(text, ' ', sizeof(text));
		memcpy(text, begins[i], strlen(begins[i]));
		memcpy(text + sizeof(text) - strlen("\r\n\r\n" GOOD),
		       "\r\n\r\n" GOOD, strlen("\r\n\r\n" GOOD));
		bench_serve_as(b, FULL_URI, "/keys", replies);
		bench_expect_failure(b, "credentials endpoint: ");
		print_message("%s\n", b->err.msg);
		bench_close(b);
		bench_stop(b);
	}
}

static void
a_broken_container_endpoint_does_not_lead_to_the_instance(void **state)
{
	static const struct reply no[] = {{"GET /keys ", NO("500"), 0}, {0}};
	struct bench *b = *state;
	struct tcp_server instance;
	char url[64];

	tcp_server_start(&instance, NULL, NULL, 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", instance.port);
	bench_env(b, "AWS_EC2_METADATA_DISABLED", "false");
	bench_env(b, ENDPOINT, url);
	bench_serve_as(b, FULL_URI, "/keys", no);
	bench_expect_failure(b, "HTTP status 500");
	tcp_server_stop(&instance);
}

static void
expired_keys_of_a_container_are_not_used(void **state)
{
	static const struct reply stale[] = {
	    {"GET /keys ", OK KEYS_JSON("OLD", "2026-11-22T18:38:16Z"), 0},
	    {0}};
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", stale);
	bench_expect_failure(b, "have expired");
}

/* ---- instance metadata ------------------------------------------------- */

/* Serves these answers to the three questions. */
static void
serve_instance(struct bench *b, struct reply *replies, const char *token,
	       const char *role, const char *keys)
{
	replies[0] = (struct reply){PUT, token, 0};
	replies[1] = (struct reply){ROLES " ", role, 0};
	replies[2] = (struct reply){ROLES, keys, 0};
	replies[3] = (struct reply){0};
	bench_env(b, "AWS_EC2_METADATA_DISABLED", "false");
	bench_serve_as(b, ENDPOINT, "/", replies);
}

static void
an_instance_gives_keys_by_version_2(void **state)
{
	struct bench *b = *state;
	struct reply replies[4];

	serve_instance(b, replies, OK "AQAEA==", OK "chess-role\nother",
		       OK GOOD);
	bench_expect_keys(b, "ROLE");
	bench_close(b);
	assert_int_equal(bench_stop(b), 3);
	assert_memory_equal(b->request[0], PUT "HTTP/1.1\r\n", 32);
	assert_non_null(
	    strstr(b->request[0],
		   "\r\nX-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
	assert_non_null(strstr(b->request[0], "\r\nContent-Length: 0\r\n"));
	assert_memory_equal(b->request[1], ROLES " HTTP/1.1\r\n",
			    strlen(ROLES) + 11);
	assert_memory_equal(b->request[2], ROLES "chess-role HTTP/1.1\r\n",
			    strlen(ROLES) + 21);
	for (size_t i = 1; i < 3; i++)
		assert_non_null(
		    strstr(b->request[i],
			   "\r\nX-aws-ec2-metadata-token: AQAEA==\r\n"));
}

static void
version_1_is_never_asked(void **state)
{
	static const char *const answers[][2] = {
	    {NO("400"), "HTTP status 400"},
	    {NO("403"), "HTTP status 403: it is switched off"},
	    {NO("404"), "HTTP status 404: it has no version 2"},
	    {NO("405"), "HTTP status 405: it has no version 2"},
	    {NO("503"), "HTTP status 503"},
	    {"", "metadata service"},
	    {OK, "session token is none"},
	    {OK "two words", "session token is none"},
	    {OK "a\r\nX-Evil: 1", "session token is none"},
	    {OK X1K, "session token is none"},
	};
	struct bench *b = *state;
	struct reply replies[4];

	for (size_t i = 0; i < COUNT(answers); i++) {
		print_message("%zu\n", i);
		serve_instance(b, replies, answers[i][0], OK "role", OK GOOD);
		bench_expect_failure(b, answers[i][1]);
		bench_close(b);
		for (int n = bench_stop(b); n > 0; n--)
			assert_memory_equal(b->request[n - 1], "PUT ", 4);
	}
}

static void
an_instance_without_a_usable_role_says_so(void **state)
{
	static const char *const answers[][2] = {
	    {NO("404"), "has no IAM role"},
	    {NO("401"), "HTTP status 401"},
	    {OK, "role's name is none"},
	    {OK "../../user-data", "role's name is none"},
	    {OK "..", "role's name is none"},
	    {OK "a/b", "role's name is none"},
	    {OK "a b", "role's name is none"},
	    {OK "<html>", "role's name is none"},
	    {OK X64 "x", "role's name is none"},
	};
	struct bench *b = *state;
	struct reply replies[4];

	for (size_t i = 0; i < COUNT(answers); i++) {
		print_message("%zu\n", i);
		serve_instance(b, replies, OK "AQAEA==", answers[i][0],
			       OK GOOD);
		bench_expect_failure(b, answers[i][1]);
		bench_close(b);
		bench_stop(b);
		assert_null(strstr(b->request[2], ROLES));
	}
}

static void
broken_keys_of_an_instance_are_an_error(void **state)
{
	struct bench *b = *state;
	struct reply replies[4];

	for (size_t i = 0; i < COUNT(broken); i++) {
		print_message("%zu\n", i);
		serve_instance(b, replies, OK "AQAEA==", OK "role",
			       broken[i].text);
		replies[2].size = broken[i].size;
		bench_expect_failure(b, broken[i].says);
		assert_memory_equal(b->err.msg, "the instance's", 14);
		bench_close(b);
		bench_stop(b);
	}
}

static void
silence_ends_after_a_second_and_hints_at_the_hop_limit(void **state)
{
	struct bench *b = *state;
	struct reply replies[4];
	const int64_t begin_ms = loop_now_ms();

	serve_instance(b, replies, NULL, NULL, NULL);
	bench_expect_failure(b, "hop limit of 2");
	assert_in_range(loop_now_ms() - begin_ms, 900, 10000);
}

static void
instance_metadata_can_be_switched_off(void **state)
{
	struct bench *b = *state;
	struct reply replies[4];

	serve_instance(b, replies, OK "AQAEA==", OK "role", OK GOOD);
	bench_env(b, "AWS_EC2_METADATA_DISABLED", "True");
	bench_expect_failure(b, "no AWS keys");
	bench_close(b);
	assert_int_equal(bench_stop(b), 0);
	bench_env(b, "AWS_EC2_METADATA_DISABLED", "false");
	bench_env(b, ENDPOINT "_MODE", "ipv5");
	bench_expect_failure(b, ENDPOINT "_MODE must be IPv4 or IPv6");
}

static void
stale_keys_of_an_instance_are_used_for_a_while(void **state)
{
	struct bench *b = *state;
	struct reply replies[4];

	serve_instance(b, replies, OK "AQAEA==", OK "role",
		       OK KEYS_JSON("OLD", "2026-11-22T18:00:00Z"));
	bench_expect_keys(b, "OLD");
	atomic_store(&b->replies, &replies[3]);
	assert_int_equal(bench_get(b, NOW_MS + CREDENTIALS_STALE_USE_MS - 1),
			 CREDENTIALS_HAVE);
	assert_int_not_equal(bench_get(b, NOW_MS + CREDENTIALS_STALE_USE_MS +
					      CREDENTIALS_STALE_JITTER_MS),
			     CREDENTIALS_HAVE);
}

/* ---- time -------------------------------------------------------------- */

static void
a_time_is_read_to_the_second(void **state)
{
	static const struct {
		const char *text;
		int64_t utc_ms; /* -1: it is none */
	} times[] = {
	    {"2026-11-22T18:38:16Z", NOW_MS},
	    {"2026-11-22T18:38:16.987654Z", NOW_MS},
	    {"2026-11-22T18:38:16+00:00", NOW_MS},
	    {"1970-01-01T00:00:01Z", 1000},
	    {"2000-02-29T12:00:00Z", INT64_C(951825600000)},
	    {"2024-03-01T00:00:00Z", INT64_C(1709251200000)},
	    {"2099-12-31T23:59:59Z", INT64_C(4102444799000)},
	    {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
	    {"1969-12-31T23:59:59Z", -1},
	    {"0000-00-00T00:00:00Z", -1},
	    {"2026-13-22T18:38:16Z", -1},
	    {"2026-11-32T18:38:16Z", -1},
	    {"2026-11-22T24:38:16Z", -1},
	    {"2026-11-22T18:60:16Z", -1},
	    {"2026-11-22T18:38:61Z", -1},
	    {"2026-11-22T18:38:16", -1},
	    {"2026-11-22T18:38:16.Z", -1},
	    {"2026-11-22T18:38:16+01:00", -1},
	    {"2026-11-22T18:38:16Zx", -1},
	    {"2026-11-22 18:38:16Z", -1},
	    {"2026-11-22T18:38", -1},
	    {"-026-11-22T18:38:16Z", -1},
	    {"", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		int64_t utc_ms;

		print_message("%s\n", times[i].text);
		assert_int_equal(credentials_time_parse(times[i].text, &utc_ms),
				 times[i].utc_ms >= 0);
		if (times[i].utc_ms >= 0)
			assert_int_equal(utc_ms, times[i].utc_ms);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

UNIT_MAIN(TEST(a_container_gives_keys), TEST(the_container_is_shown_its_token),
	  TEST(a_token_that_can_not_be_in_a_header_is_refused),
	  TEST(keys_are_not_asked_for_where_anybody_may_listen),
	  TEST(keys_are_asked_for_where_only_the_host_listens),
	  TEST(a_broken_container_endpoint_is_an_error),
	  TEST(an_answer_that_is_too_long_is_an_error),
	  TEST(a_broken_container_endpoint_does_not_lead_to_the_instance),
	  TEST(expired_keys_of_a_container_are_not_used),
	  TEST(an_instance_gives_keys_by_version_2),
	  TEST(version_1_is_never_asked),
	  TEST(an_instance_without_a_usable_role_says_so),
	  TEST(broken_keys_of_an_instance_are_an_error),
	  TEST(silence_ends_after_a_second_and_hints_at_the_hop_limit),
	  TEST(instance_metadata_can_be_switched_off),
	  TEST(stale_keys_of_an_instance_are_used_for_a_while),
	  cmocka_unit_test(a_time_is_read_to_the_second))
