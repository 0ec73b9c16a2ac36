/* SPDX-License-Identifier: MIT */
/* What fcgi-api says of itself: healthz, readyz, metrics, status. */
#include "tests/unit/fcgi-api/exchange_bench.h"

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

UNIT_MAIN(TEST(healthz_is_ok_while_anything_can_be_answered),
	  TEST(operators_paths_do_not_exist_on_the_public_listener),
	  TEST(readyz_refuses_without_state_and_with_a_stale_one),
	  TEST(metrics_count_requests_and_grants),
	  TEST(status_begins_with_the_age_of_the_state))
