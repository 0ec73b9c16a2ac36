/* SPDX-License-Identifier: MIT */
/* Request threads and the refresher at once, as in fcgi-api; the test stands in
 * for scalerd. Worth most under -fsanitize=thread, which `make check` does. */
#include "tests/unit/fcgi-api/database_bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fcgi-api/exchange.h"
#include "fcgi-api/refresher.h"

enum {
	REQUESTERS = 4,
	SERVERS = 3,
	ROUNDS = 20, /* commits for each gameserver */
	SEATS_MORE = 50,
	LEDGERS = 8,
	LONG_MS = 30000,
	FOREVER_MS = 1000000, /* the state is never stale by its age */
};

static struct database_bench bench;
static struct api *api;
static struct refresher refresher;
static pthread_t refresher_thread;
static atomic_bool over, ended; /* requests, the refresher */

struct requester {
	pthread_t id;
	struct exchange_thread thread;
	const char *path, *listener;
	struct text out;
	int64_t granted, refused, wrong;
};

static struct requester requester[REQUESTERS];

static void *
refresh(void *arg)
{
	(void)arg;
	while (!atomic_load(&ended)) {
		refresher_wait(&refresher);
		refresher_turn(&refresher, instant_now());
	}
	return NULL;
}

static int
set_up(void **state)
{
	char sql[128];
	(void)state;
	database_open(&bench);
	(void)snprintf(
	    sql, sizeof(sql),
	    "UPDATE fleet_state SET heartbeat_boot_ms = %lld, stale_after_ms"
	    " = %d",
	    (long long)instant_boot_ms(), FOREVER_MS);
	database_write(&bench, sql);
	api = calloc(1, sizeof(*api));
	assert_non_null(api);
	api_init(api, bench.ledger_path);
	refresher_init(&refresher, api, bench.path, "this-boot");
	atomic_store(&over, false);
	atomic_store(&ended, false);
	assert_int_equal(pthread_create(&refresher_thread, NULL, refresh, NULL),
			 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	atomic_store(&ended, true);
	assert_int_equal(pthread_join(refresher_thread, NULL), 0);
	refresher_end(&refresher);
	api_free(api);
	free(api);
	database_close(&bench);
	return 0;
}

/* ---- requests ---------------------------------------------------------- */

static const char *
get_variable(void *arg, const char *name)
{
	const struct requester *r = arg;
	if (strcmp(name, "REQUEST_METHOD") == 0)
		return "GET";
	if (strcmp(name, "PATH_INFO") == 0)
		return r->path;
	return strcmp(name, "LISTENER") == 0 ? r->listener : NULL;
}

static void
write_text(void *arg, const char *bytes, size_t len)
{
	struct requester *r = arg;
	text_add_bytes(&r->out, bytes, len);
}

/* Whether the answer has the text in it. */
static bool
ask(struct requester *r, const char *listener, const char *path,
    const char *text)
{
	const struct exchange_port port = {
	    .variable = get_variable, .write = write_text, .arg = r};
	r->listener = listener;
	r->path = path;
	exchange_run(&r->thread, &port);
	text_add_bytes(&r->out, "", 1);
	assert_true(text_ok(&r->out));
	bool found = strstr(r->out.data, text) != NULL;
	text_free(&r->out);
	return found;
}

static void
ask_for_a_seat(struct requester *r)
{
	if (ask(r, "public", "/available-gameserver/", "{\"available\": \"g"))
		r->granted++;
	else
		r->refused++;
}

static void *
ask_all_the_time(void *arg)
{
	struct requester *r = arg;
	while (!atomic_load(&over)) {
		for (int i = 0; i < 8; i++)
			ask_for_a_seat(r);
		r->wrong += !ask(r, "public", "/available-gameserver-list/",
				 "{\"server_list\": [");
		r->wrong +=
		    !ask(r, "public", "/healthz", "{\"status\": \"ok\"");
		r->wrong += !ask(r, "operators", "/metrics", "gsm_");
	}
	return NULL;
}

static void
begin_requests(void)
{
	struct err err;
	for (unsigned i = 0; i < REQUESTERS; i++) {
		struct requester *r = &requester[i];
		*r = (struct requester){0};
		assert_true(exchange_thread_init(&r->thread, api, i, &err));
		assert_int_equal(
		    pthread_create(&r->id, NULL, ask_all_the_time, r), 0);
	}
}

/* How many seats were handed out. */
static int64_t
end_requests(void)
{
	int64_t sum = 0;
	atomic_store(&over, true);
	for (int i = 0; i < REQUESTERS; i++) {
		assert_int_equal(pthread_join(requester[i].id, NULL), 0);
		assert_int_equal(requester[i].wrong, 0);
		sum += requester[i].granted;
	}
	return sum;
}

/* ---- scalerd ----------------------------------------------------------- */

static int64_t
granted(void)
{
	int64_t sum = 0;
	for (uint32_t slot = 0; slot < SERVERS; slot++)
		sum += ledger_read(bench.ledger, slot).granted;
	return sum;
}

static void
wait_a_little(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void
put(uint32_t slot, int64_t seats, const char *health)
{
	char address[32];
	(void)snprintf(address, sizeof(address), "g%u:%lld", slot,
		       (long long)seats);
	database_put(&bench, slot + 1, slot, 1, address, seats, health);
}

static void
wait_for_grants(int64_t sum)
{
	for (int i = 0; i < LONG_MS && granted() < sum; i++)
		wait_a_little();
	assert_int_equal(granted(), sum);
}

/* ---- tests ------------------------------------------------------------- */

static void
each_seat_of_each_commit_is_handed_out_once(void **state)
{
	(void)state;
	for (uint32_t slot = 0; slot < SERVERS; slot++)
		put(slot, 0, "good");
	wait_for_grants(0);
	for (int i = 0; i < LONG_MS && !atomic_load(&api->fleet.known); i++)
		wait_a_little();
	begin_requests();
	for (int64_t n = 1; n <= ROUNDS; n++) {
		for (uint32_t slot = 0; slot < SERVERS; slot++)
			put(slot, n * SEATS_MORE,
			    (n + slot) % 3 == 0 ? "suspect" : "good");
		if (n % 5 == 0) /* the next ones come while these are used */
			wait_for_grants(n * SEATS_MORE * SERVERS);
	}
	assert_int_equal(end_requests(), ROUNDS * SEATS_MORE * SERVERS);
}

/* Another ledger, with the cells of the same gameservers. */
static void
replace_ledger(int number)
{
	struct err err;
	char sql[128];
	const uint64_t epoch = DATABASE_EPOCH + (uint64_t)number;
	assert_true(ledger_create(bench.ledger_path, epoch, &err));
	ledger_close(bench.ledger);
	assert_true(ledger_open(&bench.ledger, bench.ledger_path, &err));
	(void)snprintf(sql, sizeof(sql),
		       "UPDATE fleet_state SET ledger_epoch = %lld",
		       (long long)epoch);
	database_write(&bench, sql);
	for (uint32_t slot = 0; slot < SERVERS; slot++)
		put(slot, SEATS_MORE, "good");
}

static void
requests_go_on_while_ledgers_and_lists_are_replaced(void **state)
{
	struct err err;
	(void)state;
	/* Here: cmocka handles SIGBUS itself from a test's begin on. */
	assert_true(ledger_guard(&err));
	replace_ledger(0);
	wait_for_grants(0);
	for (int i = 0; i < LONG_MS && !atomic_load(&api->fleet.known); i++)
		wait_a_little();
	begin_requests();
	for (int n = 1; n <= LEDGERS; n++) {
		if (n % 2 == 0) /* all find its pages gone */
			assert_int_equal(truncate(bench.ledger_path, 0), 0);
		wait_a_little();
		replace_ledger(n);
		wait_for_grants(SEATS_MORE * SERVERS);
	}
	assert_true(end_requests() >= LEDGERS * SEATS_MORE * SERVERS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(each_seat_of_each_commit_is_handed_out_once),
	  TEST(requests_go_on_while_ledgers_and_lists_are_replaced))
