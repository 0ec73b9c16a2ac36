/* SPDX-License-Identifier: MIT */
/* Requests, routes and the bytes of answers, without a database. */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "fcgi-api/exchange.h"

enum { EPOCH = 77 };

static struct api *the_api;
static struct exchange_thread thread;
static char directory[64];
static char ledger_path[96];

struct variables {
	const char *method;
	const char *path_info;
	const char *request_uri;
	const char *listener;
	struct text out;
};

static const char *
get_variable(void *arg, const char *name)
{
	const struct variables *v = arg;
	const struct {
		const char *name;
		const char *value;
	} table[] = {
	    {"REQUEST_METHOD", v->method},
	    {"PATH_INFO", v->path_info},
	    {"REQUEST_URI", v->request_uri},
	    {"LISTENER", v->listener},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(name, table[i].name) == 0)
			return table[i].value;
	}
	return NULL;
}

static void
write_text(void *arg, const char *bytes, size_t len)
{
	struct variables *v = arg;
	text_add_bytes(&v->out, bytes, len);
}

static int
set_up(void **state)
{
	struct err err;
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/gsm-api-XXXXXX");
	assert_non_null(mkdtemp(directory));
	(void)snprintf(ledger_path, sizeof(ledger_path), "%s/ledger",
		       directory);
	the_api = calloc(1, sizeof(*the_api));
	assert_non_null(the_api);
	api_init(the_api, ledger_path);
	assert_true(ledger_create(ledger_path, EPOCH, &err));
	ledger_map_follow(&the_api->ledger, EPOCH);
	fleet_judge(&the_api->fleet, false, instant_boot_ms());
	return exchange_thread_init(&thread, the_api, 3, &err) ? 0 : 1;
}

static int
tear_down(void **state)
{
	(void)state;
	api_free(the_api);
	free(the_api);
	(void)unlink(ledger_path);
	return rmdir(directory);
}

static struct ledger *
ledger(void)
{
	return ledger_map_current(&the_api->ledger);
}

static void
set_backup(const char *address)
{
	memcpy(the_api->backup, address, strlen(address) + 1);
}

enum { SEATS = 5, STALE_AFTER_MS = 30000 };

static void
put_gameserver(uint32_t slot, enum grade grade, const char *address)
{
	struct seat_row row = {.slot = slot,
			       .generation = 1,
			       .grade = address == NULL ? GRADE_NONE : grade,
			       .limit = SEATS,
			       .seats = SEATS};
	if (address != NULL)
		memcpy(row.address, address, strlen(address) + 1);
	seats_write(&the_api->seats, &row);
	ledger_assign(ledger(), slot, 1);
	(void)ledger_set_closed(ledger(), slot, false);
}

/* A state with these gameservers (five seats each), `age_ms` old, as the
 * refresher makes it, who has just looked. */
static void
publish(const char *good, const char *suspect, int64_t age_ms)
{
	struct instant now = instant_now();
	struct fleet fleet = {.this_boot = true};
	struct report report = {.fleet = fleet};
	fleet.number[FLEET_HEARTBEAT_BOOT_MS] = now.boot_ms - age_ms;
	fleet.number[FLEET_STALE_AFTER_MS] = STALE_AFTER_MS;
	put_gameserver(0, GRADE_GOOD, good);
	put_gameserver(1, GRADE_SUSPECT, suspect);
	seats_sort(&the_api->seats, ledger(), false);
	seats_announce(&the_api->seats);
	fleet_set(&the_api->fleet, &fleet, now);
	publication_put(&the_api->list, list_make(&the_api->seats));
	text_add(&report.status, "\"fleet\":{}}");
	report_put(&the_api->reports, &report, now.boot_ms);
	fleet_judge(&the_api->fleet, age_ms > STALE_AFTER_MS, now.boot_ms);
}

/* The whole answer; the caller's. */
static char *
ask_as(struct variables v)
{
	const struct exchange_port port = {
	    .variable = get_variable,
	    .write = write_text,
	    .arg = &v,
	};
	exchange_run(&thread, &port);
	assert_true(text_ok(&v.out));
	return v.out.data;
}

static void
assert_has(const char *answer, const char *part)
{
	if (strstr(answer, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, answer);
}

static void
assert_lacks(const char *answer, const char *part)
{
	if (strstr(answer, part) != NULL)
		fail_msg("\"%s\" in: %s", part, answer);
}

static void
expect(struct variables v, const char *status, const char *body)
{
	char *answer = ask_as(v);
	assert_true(strncmp(answer, "Status: ", 8) == 0);
	assert_true(strncmp(answer + 8, status, strlen(status)) == 0);
	const char *end = strstr(answer, "\r\n\r\n");
	assert_non_null(end);
	assert_string_equal(end + 4, body);
	assert_has(answer, "\r\nAccess-Control-Allow-Origin: *\r\n");
	assert_has(answer, "\r\nCache-Control: no-store\r\n");
	assert_has(answer,
		   "\r\nAccess-Control-Expose-Headers: X-Gameserver-Source, "
		   "X-Gameserver-State-Age, Retry-After\r\n");
	free(answer);
}

static struct variables
get(const char *uri)
{
	return (struct variables){.method = "GET", .request_uri = uri};
}

static struct variables
by(const char *method, const char *uri)
{
	return (struct variables){.method = method, .request_uri = uri};
}

static struct variables
operators(const char *uri)
{
	return (struct variables){
	    .method = "GET", .request_uri = uri, .listener = "operators"};
}

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
without_a_ledger_the_state_is_stale_and_grants_go_on(void **state)
{
	(void)state;
	publish("a:1", NULL, 2500);
	assert_false(ledger_map_check(&the_api->ledger, EPOCH + 1));
	for (int i = 0; i < 3 * SEATS; i++) {
		char *answer = ask_as(get("/available-gameserver/"));
		assert_has(answer, "\r\nX-Gameserver-State-Age: 2\r\n");
		assert_has(answer, "{\"available\": \"a:1\"}");
		free(answer);
	}
	expect(operators("/readyz"), "503 ",
	       "{\"error\": \"the seat ledger is not usable\"}");
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

static void
a_stale_state_is_used_and_its_age_told_with_every_answer(void **state)
{
	static const char *const uris[] = {"/available-gameserver/",
					   "/available-gameserver-list/",
					   "/healthz", "/nowhere"};
	(void)state;
	publish("a:1", NULL, 41500);
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		char *answer = ask_as(get(uris[i]));
		assert_has(answer, "\r\nX-Gameserver-State-Age: 41\r\n");
		free(answer);
	}
	expect(get("/available-gameserver/"), "200 OK",
	       "{\"available\": \"a:1\"}");
}

static void
a_fresh_state_has_no_age_header(void **state)
{
	(void)state;
	publish("a:1", NULL, 20000);
	char *answer = ask_as(get("/available-gameserver/"));
	assert_lacks(answer, "\r\nX-Gameserver-State-Age:");
	free(answer);
}

/* As if the process had been stopped: the heartbeat that it knows has an age
 * that nobody has judged. */
static void
stop_for(int64_t ms)
{
	int64_t then_ms = instant_boot_ms() - ms;
	atomic_store(&the_api->fleet.heartbeat_ms, then_ms);
	fleet_judge(&the_api->fleet, false, then_ms);
}

static sem_t asked;

static void *
ask_for_a_gameserver(void *arg)
{
	(void)arg;
	assert_int_equal(sem_post(&asked), 0);
	return ask_as(get("/available-gameserver/"));
}

static void
after_a_stop_the_refresher_looks_before_anything_is_granted(void **state)
{
	pthread_t thread_id;
	void *answer;
	(void)state;
	set_backup("127.0.0.1:8888");
	publish("a:1", NULL, 0);
	stop_for(60000);
	assert_int_equal(sem_init(&asked, 0, 0), 0);
	assert_int_equal(
	    pthread_create(&thread_id, NULL, ask_for_a_gameserver, NULL), 0);
	assert_int_equal(sem_wait(&asked), 0);
	/* Walk-ins have taken all seats meanwhile. */
	publish(NULL, NULL, 0);
	assert_int_equal(pthread_join(thread_id, &answer), 0);
	assert_has(answer, "127.0.0.1:8888");
	assert_lacks(answer, "\r\nX-Gameserver-State-Age:");
	free(answer);
	assert_int_equal(ledger_read(ledger(), 0).granted, 0);
}

static void
a_refresher_that_hangs_is_waited_for_once(void **state)
{
	(void)state;
	publish("a:1", NULL, 0);
	stop_for(3000);
	char *answer = ask_as(get("/available-gameserver/"));
	assert_lacks(answer, "\r\nX-Gameserver-State-Age:");
	free(answer);
	assert_true(atomic_load(&the_api->fleet.hung));
	/* It goes on to hang. */
	atomic_store(&the_api->fleet.heartbeat_ms, instant_boot_ms() - 41500);
	assert_false(fleet_is_late(&the_api->fleet, instant_boot_ms()));
	answer = ask_as(get("/available-gameserver/"));
	assert_has(answer, "\r\nX-Gameserver-State-Age: 41\r\n");
	free(answer);
	publish("a:1", NULL, 0);
	assert_false(atomic_load(&the_api->fleet.hung));
	answer = ask_as(get("/available-gameserver/"));
	assert_lacks(answer, "\r\nX-Gameserver-State-Age:");
	free(answer);
}

static void
healthz_is_ok_while_anything_can_be_answered(void **state)
{
	(void)state;
	char *answer = ask_as(get("/healthz"));
	assert_has(answer, "Status: 503 ");
	free(answer);
	set_backup("127.0.0.1:8888");
	expect(get("/healthz"), "200 OK",
	       "{\"status\": \"ok\", \"state_age_seconds\": null}");
	publish(NULL, NULL, 3600000);
	answer = ask_as(get("/healthz"));
	assert_has(answer, "Status: 200 OK\r\n");
	assert_has(answer, "{\"status\": \"ok\", \"state_age_seconds\": 3600.");
	free(answer);
}

static void
operators_paths_do_not_exist_on_the_public_listener(void **state)
{
	static const char *const uris[] = {"/readyz", "/metrics",
					   "/status.json"};
	(void)state;
	publish("a:1", NULL, 0);
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		struct variables v = get(uris[i]);
		expect(v, "404 ", "{\"error\": \"not found\"}");
		v.listener = "public";
		expect(v, "404 ", "{\"error\": \"not found\"}");
		v.listener = "operators ";
		expect(v, "404 ", "{\"error\": \"not found\"}");
		char *answer = ask_as(operators(uris[i]));
		assert_has(answer, "Status: 200 OK\r\n");
		free(answer);
	}
}

static void
readyz_refuses_without_state_and_with_a_stale_one(void **state)
{
	(void)state;
	expect(operators("/readyz"), "503 ",
	       "{\"error\": \"the state was never read\"}");
	publish("a:1", NULL, 31000);
	expect(operators("/readyz"), "503 ",
	       "{\"error\": \"the state is stale\"}");
	publish("a:1", NULL, 1000);
	expect(operators("/readyz"), "200 OK",
	       "{\"status\": \"ready\", \"state_age_seconds\": 1.0}");
}

static void
metrics_count_requests_and_grants(void **state)
{
	(void)state;
	publish("a:1", NULL, 0);
	free(ask_as(get("/available-gameserver/")));
	free(ask_as(get("/available-gameserver/")));
	free(ask_as(get("/nowhere")));
	char *answer = ask_as(operators("/metrics"));
	assert_has(answer, "Content-Type: text/plain; version=0.0.4");
	assert_has(answer,
		   "\ngsm_requests_total{path=\"/available-gameserver/\","
		   "code=\"200\"} 2\n");
	assert_has(answer,
		   "\ngsm_requests_total{path=\"other\",code=\"404\"} 1\n");
	assert_has(answer, "\ngsm_grants_total{source=\"fleet\"} 2\n");
	assert_has(answer, "\ngsm_refusals_total 0\n");
	assert_has(answer, "\ngsm_state_stale 0\n");
	assert_has(answer, "\ngsm_ledger_usable 1\n");
	free(answer);
}

static void
status_begins_with_the_age_of_the_state(void **state)
{
	(void)state;
	expect(operators("/status.json"), "200 OK",
	       "{\"state_age_seconds\":null,\"stale\":true,\"fleet\":null,"
	       "\"alarms\":[],\"gameservers\":[]}");
	publish("a:1", NULL, 0);
	expect(operators("/status.json"), "200 OK",
	       "{\"state_age_seconds\":0.0,\"stale\":false,\"fleet\":{}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
	  TEST(without_a_ledger_the_state_is_stale_and_grants_go_on),
	  TEST(suspects_are_granted_before_the_backup),
	  TEST(a_stale_state_is_used_and_its_age_told_with_every_answer),
	  TEST(a_fresh_state_has_no_age_header),
	  TEST(after_a_stop_the_refresher_looks_before_anything_is_granted),
	  TEST(a_refresher_that_hangs_is_waited_for_once),
	  TEST(healthz_is_ok_while_anything_can_be_answered),
	  TEST(operators_paths_do_not_exist_on_the_public_listener),
	  TEST(readyz_refuses_without_state_and_with_a_stale_one),
	  TEST(metrics_count_requests_and_grants),
	  TEST(status_begins_with_the_age_of_the_state))
