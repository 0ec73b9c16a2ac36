/* SPDX-License-Identifier: MIT */
/* What is answered while the state is old, or nobody has looked at it. */
#include "tests/unit/fcgi-api/exchange_bench.h"

#include <pthread.h>
#include <semaphore.h>

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

UNIT_MAIN(TEST(without_a_ledger_the_state_is_stale_and_grants_go_on),
	  TEST(a_stale_state_is_used_and_its_age_told_with_every_answer),
	  TEST(a_fresh_state_has_no_age_header),
	  TEST(after_a_stop_the_refresher_looks_before_anything_is_granted),
	  TEST(a_refresher_that_hangs_is_waited_for_once))
