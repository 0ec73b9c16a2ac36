/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
/* Keys, the clock, and how calls wait and end. */
#include "tests/unit/unit.h"

#include <time.h>

#include "tests/unit/scalerd/client_bench.h"

#define FAR "2099-01-01T00:00:00Z"

enum {
	SECOND_MS = 1000,
	LONGER_MS = 10, /* than the pace's rest */
};

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
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
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
	told = client_bench_call(b, &bench_launch);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_ANSWERED, AWS_ERROR_NONE);
}

static void
keys_that_can_not_be_renewed_yet_are_refused_with_aws_words(void **state)
{
	static const struct line script[] = {
	    {ERROR_JSON("400", "UnrecognizedClientException"), .closes = true}};
	struct client_bench *b = *state;
	const struct told *told;

	b->pause_ms = b->rest_ms = BENCH_DEADLINE_MS;
	SERVE(b, script);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
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
	SERVE(b, bench_good);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
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
	SERVE(b, bench_good);
	told = client_bench_change(b);
	client_bench_wait(b, told);
	client_bench_expect(told, CLIENT_REFUSED, AWS_ERROR_CREDENTIALS);
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
	client_bench_expect(&b->told[0], CLIENT_ANSWERED, AWS_ERROR_NONE);
	client_bench_wait(b, client_bench_read(b));
	assert_int_equal(client_bench_stop(b), 3);
	before_ms = client_bench_sent_ms(b, 0);
	for (int i = 1; i < 3; i++) {
		after_ms = client_bench_sent_ms(b, i);
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
	client_bench_expect(&b->told[0], CLIENT_REFUSED, AWS_ERROR_CLOCK);
	assert_int_equal(client_bench_stop(b), 2);
}

/* ---- calls ------------------------------------------------------------- */

static void
a_cancelled_call_is_not_answered(void **state)
{
	struct client_bench *b = *state;
	struct told *sent, *waiting, *other;

	SERVE(b, bench_silent);
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
	    client_call(b->client, &bench_describe, call_again, chain, &err));
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
	    client_call(b->client, &bench_describe, call_again, &chain, &err));
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

	SERVE(b, bench_silent);
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
	SERVE(b, bench_silent);
	for (int i = 0; i < 3; i++)
		client_bench_call(b, &bench_launch);
	for (int i = 0; i < 3; i++)
		client_bench_wait(b, &b->told[i]);
	client_bench_expect(&b->told[1], CLIENT_UNKNOWN, AWS_ERROR_TRANSIENT);
	client_bench_expect(&b->told[2], CLIENT_REFUSED, AWS_ERROR_THROTTLED);
	assert_int_equal(client_bench_stop(b), 2);
}

static void
more_calls_than_can_wait_are_refused(void **state)
{
	struct client_bench *b = *state;
	struct err err = {0};

	for (int i = 0; i < CLIENT_WAITING_MAX; i++)
		client_bench_read(b);
	assert_null(
	    client_call(b->client, &bench_describe, call_again, NULL, &err));
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

UNIT_MAIN(TEST(refused_keys_are_fetched_anew_once), TEST(new_keys_end_well),
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
