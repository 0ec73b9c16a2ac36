/* SPDX-License-Identifier: MIT */
/* Requests, routes and the bytes of answers; and who is granted what. */
#include "tests/unit/fcgi-api/exchange_bench.h"

static void
an_available_gameserver_is_written_as_the_seed_wrote_it(void **state)
{
	(void)state;
	publish("203.0.113.7:49153", NULL, 0);
	expect(get("/available-gameserver/"), "200 OK",
	       "{\"available\": \"203.0.113.7:49153\"}");
	expect(get("/available-gameserver-list/"), "200 OK",
	       "{\"server_list\": [\"203.0.113.7:49153\"]}");
}

static void
slash_and_query_change_nothing(void **state)
{
	static const char *const same[] = {"/available-gameserver",
					   "/available-gameserver/?a=/b",
					   "/available-gameserver?x"};
	(void)state;
	publish("a:1", NULL, 0);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		expect(get(same[i]), "200 OK", "{\"available\": \"a:1\"}");
	expect(get("/healthz/"), "200 OK",
	       "{\"status\": \"ok\", \"state_age_seconds\": 0.0}");
}

static void
path_info_comes_before_the_request_uri(void **state)
{
	(void)state;
	publish("a:1", NULL, 0);
	expect(
	    (struct variables){.method = "GET",
			       .path_info = "/available-gameserver/",
			       .request_uri =
				   "/cgi-bin/fcgi-api/available-gameserver/"},
	    "200 OK", "{\"available\": \"a:1\"}");
}

static void
odd_paths_are_not_found_and_not_repeated(void **state)
{
	static const char *const odd[] = {
	    "",
	    "/",
	    "//",
	    "?",
	    "/available",
	    "/available-gameserver//",
	    "/available-gameserver/x",
	    "/Available-Gameserver/",
	    "available-gameserver/",
	    "/available-gameserver/\xff\"<script>",
	    "/../etc/passwd",
	    "/%61vailable-gameserver/",
	    "/other"};
	(void)state;
	publish("a:1", NULL, 0);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		expect(get(odd[i]), "404 ", "{\"error\": \"not found\"}");
	expect((struct variables){.method = "GET"}, "404 ",
	       "{\"error\": \"not found\"}");
}

static void
an_overlong_path_is_not_found(void **state)
{
	size_t len = 1000000;
	char *path = malloc(len + 1);
	(void)state;
	assert_non_null(path);
	memset(path, '/', len);
	path[len] = '\0';
	expect(get(path), "404 ", "{\"error\": \"not found\"}");
	free(path);
}

static void
other_methods_are_refused_and_told_which_are_allowed(void **state)
{
	static const char *const others[] = {"POST", "PUT", "DELETE", "get",
					     "GETX", "",    NULL};
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct variables v = by(others[i], "/healthz");
		expect(v, "405 ", "{\"error\": \"method not allowed\"}");
		char *answer = ask_as(v);
		assert_has(answer, "\r\nAllow: GET, HEAD, OPTIONS\r\n");
		free(answer);
	}
	expect(by("POST", "/nowhere"), "404 ", "{\"error\": \"not found\"}");
}

static void
options_is_answered_for_every_path_that_exists(void **state)
{
	(void)state;
	expect(by("OPTIONS", "/available-gameserver/"), "204 ", "");
	char *answer = ask_as(by("OPTIONS", "/available-gameserver"));
	assert_has(answer, "\r\nAllow: GET, HEAD, OPTIONS\r\n");
	assert_has(answer,
		   "\r\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n");
	assert_has(answer, "\r\nAccess-Control-Allow-Headers: *\r\n");
	assert_has(answer, "\r\nAccess-Control-Max-Age: ");
	free(answer);
	expect(by("OPTIONS", "/x"), "404 ", "{\"error\": \"not found\"}");
}

static void
head_is_get_without_body_and_grants_nothing(void **state)
{
	(void)state;
	publish("a:1", NULL, 0);
	struct variables v = by("HEAD", "/available-gameserver/");
	expect(v, "200 OK", "");
	char *head = ask_as(v);
	char *full = ask_as(get("/available-gameserver/"));
	assert_true(strncmp(head, full, strlen(head)) == 0);
	assert_has(head, "\r\nContent-Length: 20\r\n");
	free(head);
	free(full);
	assert_int_equal(counters_grants(&the_api->counters, SOURCE_FLEET), 1);
	assert_int_equal(ledger_read(ledger(), 0).granted, 1);
	assert_int_equal(
	    counters_requests(&the_api->counters, ROUTE_AVAILABLE, ANSWER_OK),
	    3);
}

static void
no_seat_gives_the_backup_and_says_so(void **state)
{
	(void)state;
	set_backup("127.0.0.1:8888");
	expect(get("/available-gameserver/"), "200 OK",
	       "{\"available\": \"127.0.0.1:8888\"}");
	publish(NULL, NULL, 0);
	char *answer = ask_as(get("/available-gameserver/"));
	assert_has(answer, "\r\nX-Gameserver-Source: backup\r\n");
	free(answer);
	assert_int_equal(counters_grants(&the_api->counters, SOURCE_BACKUP), 2);
	publish("a:1", NULL, 0);
	answer = ask_as(get("/available-gameserver/"));
	assert_has(answer, "\r\nX-Gameserver-Source: fleet\r\n");
	free(answer);
}

static void
no_seat_and_no_backup_gives_503_with_retry_after(void **state)
{
	(void)state;
	publish(NULL, NULL, 0);
	struct variables v = get("/available-gameserver/");
	expect(v, "503 ", "{\"error\": \"no gameserver available\"}");
	char *answer = ask_as(v);
	assert_has(answer, "\r\nRetry-After: 2\r\n");
	assert_lacks(answer, "\r\nX-Gameserver-Source:");
	free(answer);
}

static void
shortage_is_counted_in_the_ledger_but_not_for_head(void **state)
{
	(void)state;
	publish(NULL, NULL, 0);
	free(ask_as(get("/available-gameserver/")));
	set_backup("127.0.0.1:8888");
	free(ask_as(get("/available-gameserver/")));
	free(ask_as(by("HEAD", "/available-gameserver/")));
	assert_true(ledger_shortage(ledger()) == 2);
	assert_int_equal(counters_refusals(&the_api->counters), 2);
}

static void
no_more_seats_are_granted_than_there_are(void **state)
{
	(void)state;
	set_backup("127.0.0.1:8888");
	publish("a:1", NULL, 0);
	for (int i = 0; i < SEATS; i++)
		expect(get("/available-gameserver/"), "200 OK",
		       "{\"available\": \"a:1\"}");
	expect(get("/available-gameserver/"), "200 OK",
	       "{\"available\": \"127.0.0.1:8888\"}");
	/* What scalerd has not said for long binds no more. */
	publish("a:1", NULL, 31000);
	(void)ledger_set_closed(ledger(), 1, true);
	for (int i = 0; i < 3 * SEATS; i++)
		expect(get("/available-gameserver/"), "200 OK",
		       "{\"available\": \"a:1\"}");
}

static void
suspects_are_granted_before_the_backup(void **state)
{
	(void)state;
	set_backup("127.0.0.1:8888");
	publish(NULL, "s:1", 0);
	expect(get("/available-gameserver/"), "200 OK",
	       "{\"available\": \"s:1\"}");
}

UNIT_MAIN(TEST(an_available_gameserver_is_written_as_the_seed_wrote_it),
	  TEST(slash_and_query_change_nothing),
	  TEST(path_info_comes_before_the_request_uri),
	  TEST(odd_paths_are_not_found_and_not_repeated),
	  TEST(an_overlong_path_is_not_found),
	  TEST(other_methods_are_refused_and_told_which_are_allowed),
	  TEST(options_is_answered_for_every_path_that_exists),
	  TEST(head_is_get_without_body_and_grants_nothing),
	  TEST(no_seat_gives_the_backup_and_says_so),
	  TEST(no_seat_and_no_backup_gives_503_with_retry_after),
	  TEST(shortage_is_counted_in_the_ledger_but_not_for_head),
	  TEST(no_more_seats_are_granted_than_there_are),
	  TEST(suspects_are_granted_before_the_backup))
