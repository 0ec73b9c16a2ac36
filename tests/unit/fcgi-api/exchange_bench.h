/* SPDX-License-Identifier: MIT */
/*
 * The bench of the exchange's tests: fcgi-api without a database and without
 * FastCGI. What the refresher would publish is given by the test, and so are
 * the requests; a test looks at the bytes of the answers.
 */
#ifndef GSM_FCGI_API_EXCHANGE_BENCH_H
#define GSM_FCGI_API_EXCHANGE_BENCH_H

#include "tests/unit/unit.h"

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

static inline const char *
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

static inline void
write_text(void *arg, const char *bytes, size_t len)
{
	struct variables *v = arg;
	text_add_bytes(&v->out, bytes, len);
}

static inline int
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

static inline int
tear_down(void **state)
{
	(void)state;
	api_free(the_api);
	free(the_api);
	(void)unlink(ledger_path);
	return rmdir(directory);
}

static inline struct ledger *
ledger(void)
{
	return ledger_map_current(&the_api->ledger);
}

static inline void
set_backup(const char *address)
{
	memcpy(the_api->backup, address, strlen(address) + 1);
}

enum { SEATS = 5, STALE_AFTER_MS = 30000 };

static inline void
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
static inline void
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
static inline char *
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

static inline void
assert_has(const char *answer, const char *part)
{
	if (strstr(answer, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, answer);
}

static inline void
assert_lacks(const char *answer, const char *part)
{
	if (strstr(answer, part) != NULL)
		fail_msg("\"%s\" in: %s", part, answer);
}

static inline void
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

static inline struct variables
get(const char *uri)
{
	return (struct variables){.method = "GET", .request_uri = uri};
}

static inline struct variables
by(const char *method, const char *uri)
{
	return (struct variables){.method = method, .request_uri = uri};
}

static inline struct variables
operators(const char *uri)
{
	return (struct variables){
	    .method = "GET", .request_uri = uri, .listener = "operators"};
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
