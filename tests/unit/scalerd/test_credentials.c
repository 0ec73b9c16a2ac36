/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
/* Where keys are looked for without a question, and how they are kept. */
#include "tests/unit/unit.h"

#include <sys/stat.h>

#include "tests/unit/scalerd/credentials_bench.h"

#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define KEYS(id)                                                               \
	"aws_access_key_id = " id "\naws_secret_access_key = " SECRET "\n"

static const struct reply one_hour[] = {
    {"GET /keys ", OK KEYS_JSON("ONE", IN_ONE_HOUR), 0}, {0}};
static const struct reply two_hours[] = {
    {"GET /keys ", OK KEYS_JSON("TWO", "2026-11-22T20:38:16Z"), 0}, {0}};
static const struct reply no_keys[] = {
    {"GET /keys ", "HTTP/1.1 500 No\r\n\r\n" SECRET, 0}, {0}};

static void
set_files(struct bench *b, const char *shared, const char *config)
{
	bench_env(b, "AWS_SHARED_CREDENTIALS_FILE",
		  bench_file(b, "credentials", shared));
	bench_env(b, "AWS_CONFIG_FILE", bench_file(b, "config", config));
}

/* ---- the environment --------------------------------------------------- */

static void
keys_of_the_environment_come_first(void **state)
{
	struct bench *b = *state;

	set_files(b, "[default]\n" KEYS("FILE"), "[default]\nrole_arn = x\n");
	bench_env(b, FULL_URI, "http://example.org/");
	bench_env(b, "AWS_WEB_IDENTITY_TOKEN_FILE", "/x");
	bench_env(b, "AWS_ACCESS_KEY_ID", "ENVIRONMENT");
	bench_env(b, "AWS_SECRET_ACCESS_KEY", SECRET);
	bench_expect_keys(b, "ENVIRONMENT");
	assert_string_equal(b->keys.token, "");
	bench_env(b, "AWS_SESSION_TOKEN", "T0ken");
	bench_expect_keys(b, "ENVIRONMENT");
	assert_string_equal(b->keys.token, "T0ken");
	assert_int_equal(bench_get(b, NOW_MS + 10000 * HOUR_MS),
			 CREDENTIALS_HAVE);
}

static void
half_the_keys_in_the_environment_are_an_error(void **state)
{
	struct bench *b = *state;

	set_files(b, "[default]\n" KEYS("FILE"), "");
	bench_env(b, "AWS_SECRET_ACCESS_KEY", SECRET);
	bench_expect_failure(b, "AWS_ACCESS_KEY_ID");
	bench_env(b, "AWS_SECRET_ACCESS_KEY", "");
	bench_env(b, "AWS_ACCESS_KEY_ID", "ENVIRONMENT");
	bench_expect_failure(b, "AWS_SECRET_ACCESS_KEY: the secret access key");
	bench_env(b, "AWS_ACCESS_KEY_ID", "");
	bench_expect_keys(b, "FILE");
}

static void
keys_that_can_not_be_in_a_header_are_refused(void **state)
{
	static const char *const wrong[][3] = {
	    {"ID", SECRET "\r", "T0ken"},       {"ID", SECRET " x", "T0ken"},
	    {"ID\nX-Evil: 1", SECRET, "T0ken"}, {"ID/x", SECRET, "T0ken"},
	    {"ID", SECRET, SECRET "\r\nX: y"},  {"ID", SECRET, "\xc3\xa4"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(wrong); i++) {
		bench_env(b, "AWS_ACCESS_KEY_ID", wrong[i][0]);
		bench_env(b, "AWS_SECRET_ACCESS_KEY", wrong[i][1]);
		bench_env(b, "AWS_SESSION_TOKEN", wrong[i][2]);
		bench_expect_failure(b, "white space or control");
	}
}

static void
nothing_anywhere_says_what_to_set(void **state)
{
	bench_expect_failure(*state, "set AWS_ACCESS_KEY_ID");
}

/* ---- files ------------------------------------------------------------- */

static void
a_profile_is_read_as_aws_tools_read_it(void **state)
{
	static const struct {
		const char *profile;
		const char *shared;
		const char *config;
		const char *id;
	} files[] = {
	    {"", "[default]\n" KEYS("A"), "", "A"},
	    {"", "[x]\n" KEYS("X") "[default]\n" KEYS("A") "[y]\n" KEYS("Y"),
	     "", "A"},
	    {"x", "[default]\n" KEYS("A") "[x]\n" KEYS("X"), "", "X"},
	    {"", "", "[default]\n" KEYS("C"), "C"},
	    {"", "", "[profile default]\n" KEYS("C"), "C"},
	    {"x", "", "[x]\n" KEYS("NO") "[profile x]\n" KEYS("C"), "C"},
	    {"a b", "", "[profile \"a b\"]\n" KEYS("C"), "C"},
	    {"", "[default]\n" KEYS("A"), "[default]\n" KEYS("C"), "A"},
	    {"", "[default]\nregion = x\n", "[default]\n" KEYS("C"), "C"},
	    {"",
	     "\xef\xbb\xbf# comment\r\n\r\n [ default ] ; comment\r\n"
	     "AWS_Access_Key_Id=A # comment\r\n"
	     "aws_secret_access_key  =  " SECRET "\r\n",
	     "", "A"},
	    {"",
	     "[default]\n  aws_access_key_id = A\n  aws_secret_access_key "
	     "= " SECRET "\n",
	     "", "A"},
	    {"",
	     "[default]\naws_access_key_id = A\ns3 =\n"
	     "  aws_access_key_id = nested\n"
	     "aws_secret_access_key = " SECRET,
	     "", "A"},
	    {"", "[default]\n" KEYS("OLD") "[default]\n" KEYS("A"), "", "A"},
	    /* Keys before credential_process, but not those of the config. */
	    {"", "[default]\n" KEYS("A"), "[default]\ncredential_process = x\n",
	     "A"},
	    {"", "[default]\n" KEYS("A"), "[profile other]\nrole_arn = x\n",
	     "A"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(files); i++) {
		print_message("%zu\n", i);
		bench_env(b, "AWS_PROFILE", files[i].profile);
		set_files(b, files[i].shared, files[i].config);
		bench_expect_keys(b, files[i].id);
	}
}

static void
files_of_the_home_directory_are_read(void **state)
{
	struct bench *b = *state;
	char path[2 * BENCH_PATH_SIZE];

	bench_env(b, "HOME", b->directory);
	bench_expect_failure(b, "set AWS_ACCESS_KEY_ID");
	snprintf(path, sizeof(path), "%s/.aws", b->directory);
	assert_int_equal(mkdir(path, 0700), 0);
	bench_file(b, ".aws/credentials", "[default]\n" KEYS("HOME"));
	bench_expect_keys(b, "HOME");
	assert_int_equal(unlink(bench_file(b, ".aws/credentials", "")), 0);
	bench_file(b, ".aws/config", "[default]\n" KEYS("CONFIG"));
	bench_expect_keys(b, "CONFIG");
	assert_int_equal(unlink(bench_file(b, ".aws/config", "")), 0);
	assert_int_equal(rmdir(path), 0);
	bench_file(b, "credentials", "[default]\n" KEYS("TILDE"));
	bench_env(b, "AWS_SHARED_CREDENTIALS_FILE", "~/credentials");
	bench_expect_keys(b, "TILDE");
}

static void
a_profile_that_needs_more_than_keys_says_so_and_stops(void **state)
{
	static const char *const settings[] = {
	    "role_arn",      "web_identity_token_file", "sso_session",
	    "sso_start_url", "sso_account_id",          "sso_role_name",
	    "login_session", "credential_process",
	};
	struct bench *b = *state;
	char text[256];

	bench_serve_as(b, FULL_URI, "/keys", one_hour);
	for (size_t i = 0; i < COUNT(settings); i++) {
		snprintf(text, sizeof(text), "[profile x]\n%s = SeCrEt\n%s",
			 settings[i], KEYS("C"));
		bench_env(b, "AWS_PROFILE", "x");
		set_files(b, i < 6 ? "[x]\n" KEYS("A") : "", text);
		bench_expect_failure(b, settings[i]);
	}
	bench_env(b, "AWS_PROFILE", "");
	set_files(b, "", "");
	bench_env(b, "AWS_WEB_IDENTITY_TOKEN_FILE", "/x");
	bench_expect_failure(b, "web identity is not supported");
	assert_int_equal(bench_stop(b), 0);
}

static void
a_mistake_in_the_files_is_named(void **state)
{
	struct bench *b = *state;

	set_files(b, "", "");
	bench_env(b, "AWS_PROFILE", "chess");
	bench_expect_failure(b, "AWS_PROFILE: there is no profile chess");
	bench_env(b, "AWS_PROFILE", "");
	set_files(b, "[default]\naws_secret_access_key = " SECRET, "");
	bench_expect_failure(b, "access key id is missing");
	set_files(b, "[default]\n\nSeCrEt\n", "");
	bench_expect_failure(b, "credentials:3: expected");
	set_files(b, "[default\n", "");
	bench_expect_failure(b, "credentials:1: expected");
	set_files(b, "a = b\n", "");
	bench_expect_failure(b, "credentials:1: expected");
	bench_env(b, "AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/file");
	bench_expect_failure(b, "AWS_SHARED_CREDENTIALS_FILE: /nonexistent");
}

static void
a_profile_without_keys_leads_on(void **state)
{
	struct bench *b = *state;

	set_files(b, "", "[profile x]\nregion = eu-west-1\n");
	bench_env(b, "AWS_PROFILE", "x");
	bench_serve_as(b, FULL_URI, "/keys", one_hour);
	bench_expect_keys(b, "ONE");
}

/* ---- how they are kept ------------------------------------------------- */

static void
keys_are_refreshed_before_they_expire(void **state)
{
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", one_hour);
	bench_expect_keys(b, "ONE");
	assert_int_equal(b->changed, 1);
	atomic_store(&b->replies, two_hours);
	/* Sixteen minutes before: nothing is asked. */
	assert_int_equal(bench_get(b, NOW_MS + 44 * MINUTE_MS),
			 CREDENTIALS_HAVE);
	assert_true(loop_turn(b->loop, 2 * BENCH_REST_MS, &b->err));
	assert_int_equal(atomic_load(&b->server.connections), 1);
	while (strcmp(b->keys.id, "TWO") != 0) {
		assert_int_equal(bench_get(b, NOW_MS + 45 * MINUTE_MS),
				 CREDENTIALS_HAVE);
		assert_true(loop_turn(b->loop, 20, &b->err));
	}
	assert_int_equal(b->changed, 2);
	assert_int_equal(bench_get(b, NOW_MS + 90 * MINUTE_MS),
			 CREDENTIALS_HAVE);
	assert_int_equal(bench_stop(b), 2);
}

static void
keys_are_kept_until_they_truly_expire(void **state)
{
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", one_hour);
	bench_expect_keys(b, "ONE");
	atomic_store(&b->replies, no_keys);
	while (b->changed < 4) {
		assert_int_equal(bench_get(b, NOW_MS + HOUR_MS - 1),
				 CREDENTIALS_HAVE);
		assert_true(loop_turn(b->loop, 20, &b->err));
	}
	assert_int_equal(bench_get(b, NOW_MS + HOUR_MS), CREDENTIALS_FAILED);
	assert_non_null(strstr(b->err.msg, "HTTP status 500"));
	atomic_store(&b->replies, two_hours);
	bench_wait(b, NOW_MS + HOUR_MS, CREDENTIALS_HAVE);
	assert_string_equal(b->keys.id, "TWO");
}

static void
a_failed_attempt_is_tried_again_by_itself(void **state)
{
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", no_keys);
	bench_expect_failure(b, "HTTP status 500");
	while (b->changed < 5)
		assert_true(loop_turn(b->loop, 20, &b->err));
	assert_int_equal(bench_get(b, NOW_MS), CREDENTIALS_FAILED);
	atomic_store(&b->replies, one_hour);
	bench_wait(b, NOW_MS, CREDENTIALS_HAVE);
	/* And then no more. */
	bench_close(b);
	assert_int_equal(bench_stop(b), b->changed);
}

static void
refused_keys_are_fetched_anew_once(void **state)
{
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", one_hour);
	bench_expect_keys(b, "ONE");
	atomic_store(&b->replies, two_hours);
	bench_refuse(b, "OTHER");
	assert_int_equal(bench_get(b, NOW_MS), CREDENTIALS_HAVE);
	for (int i = 0; i < 10; i++)
		bench_refuse(b, "ONE");
	/* Right after they were fetched: only after a pause. */
	assert_int_equal(bench_get(b, NOW_MS), CREDENTIALS_FAILED);
	assert_non_null(strstr(b->err.msg, "AWS refuses the keys of the con"));
	bench_wait(b, NOW_MS, CREDENTIALS_HAVE);
	assert_string_equal(b->keys.id, "TWO");
	bench_refuse(b, "ONE");
	assert_int_equal(bench_get(b, NOW_MS), CREDENTIALS_HAVE);
	assert_int_equal(bench_stop(b), 2);
}

static void
keys_refused_later_are_asked_for_at_once(void **state)
{
	struct bench *b = *state;
	int64_t end_ms;

	bench_serve_as(b, FULL_URI, "/keys", one_hour);
	bench_expect_keys(b, "ONE");
	end_ms = loop_now_ms() + 2 * BENCH_REST_MS;
	while (loop_now_ms() <= end_ms)
		assert_true(loop_turn(b->loop, 20, &b->err));
	bench_refuse(b, "ONE");
	assert_int_equal(bench_get(b, NOW_MS), CREDENTIALS_NOT_YET);
	bench_wait(b, NOW_MS, CREDENTIALS_HAVE);
	assert_int_equal(bench_stop(b), 2);
}

static void
refused_keys_of_a_file_are_read_again(void **state)
{
	struct bench *b = *state;

	set_files(b, "[default]\n" KEYS("OLD"), "");
	bench_expect_keys(b, "OLD");
	set_files(b, "[default]\n" KEYS("NEW"), "");
	assert_int_equal(bench_get(b, NOW_MS), CREDENTIALS_HAVE);
	assert_string_equal(b->keys.id, "OLD");
	bench_refuse(b, "OLD");
	bench_wait(b, NOW_MS, CREDENTIALS_HAVE);
	assert_string_equal(b->keys.id, "NEW");
}

static void
an_open_question_can_be_dropped(void **state)
{
	static const struct reply never[] = {{"GET ", NULL, 0}, {0}};
	struct bench *b = *state;

	bench_serve_as(b, FULL_URI, "/keys", never);
	bench_open(b);
	while (atomic_load(&b->server.connections) == 0)
		assert_true(loop_turn(b->loop, 20, &b->err));
	assert_int_equal(bench_get(b, NOW_MS), CREDENTIALS_NOT_YET);
	bench_close(b);
	assert_int_equal(b->changed, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)

UNIT_MAIN(TEST(keys_of_the_environment_come_first),
	  TEST(half_the_keys_in_the_environment_are_an_error),
	  TEST(keys_that_can_not_be_in_a_header_are_refused),
	  TEST(nothing_anywhere_says_what_to_set),
	  TEST(a_profile_is_read_as_aws_tools_read_it),
	  TEST(files_of_the_home_directory_are_read),
	  TEST(a_profile_that_needs_more_than_keys_says_so_and_stops),
	  TEST(a_mistake_in_the_files_is_named),
	  TEST(a_profile_without_keys_leads_on),
	  TEST(keys_are_refreshed_before_they_expire),
	  TEST(keys_are_kept_until_they_truly_expire),
	  TEST(a_failed_attempt_is_tried_again_by_itself),
	  TEST(refused_keys_are_fetched_anew_once),
	  TEST(keys_refused_later_are_asked_for_at_once),
	  TEST(refused_keys_of_a_file_are_read_again),
	  TEST(an_open_question_can_be_dropped))
