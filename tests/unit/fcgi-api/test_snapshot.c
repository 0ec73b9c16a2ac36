/* SPDX-License-Identifier: MIT */
#include "tests/unit/fcgi-api/snapshot_bench.h"

#include <stdlib.h>

#include "fcgi-api/snapshot.h"

static void
assert_list(struct snapshot *s, const char *json)
{
	struct err err;
	assert_true(snapshot_seal(s, &err));
	assert_string_equal(s->list.data, json);
	assert_int_equal(s->list.len, strlen(json));
	snapshot_free(s);
}

static void
addresses_are_names_numbers_and_ports(void **state)
{
	static const char *const good[] = {"203.0.113.7:49153",
					   "[2001:db8::1]:8080",
					   "game-1.example.org:443", "a_b:1"};
	static const char *const bad[] = {"",           "a b:1", "a\":1",
					  "a\n:1",      "a\\:1", "<a>:1",
					  "\xc3\xa4:1", "a/b",   "a:1\r\nX: y"};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(snapshot_address_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(snapshot_address_valid(bad[i]));
}

static void
addresses_end_before_address_size(void **state)
{
	char address[ADDRESS_SIZE + 1];
	(void)state;
	memset(address, 'a', sizeof(address));
	address[ADDRESS_SIZE] = '\0';
	assert_false(snapshot_address_valid(address));
	address[ADDRESS_SIZE - 1] = '\0';
	assert_true(snapshot_address_valid(address));
}

static void
an_empty_list_is_written_as_python_writes_it(void **state)
{
	(void)state;
	assert_list(new_snapshot(), "{\"server_list\": []}");
}

static void
the_list_holds_the_good_ones_full_or_not(void **state)
{
	struct snapshot *s = new_snapshot();
	(void)state;
	add(s, GRADE_GOOD, "1.2.3.4:5", 0);
	add(s, GRADE_SUSPECT, "9.9.9.9:9", 7);
	add(s, GRADE_GOOD, "[::1]:6", -3);
	assert_list(s, "{\"server_list\": [\"1.2.3.4:5\", \"[::1]:6\"]}");
}

static void
the_list_holds_suspects_when_none_is_good(void **state)
{
	struct snapshot *s = new_snapshot();
	(void)state;
	add(s, GRADE_SUSPECT, "9.9.9.9:9", 0);
	assert_list(s, "{\"server_list\": [\"9.9.9.9:9\"]}");
}

static void
rows_that_are_no_addresses_are_counted_and_left_out(void **state)
{
	struct snapshot *s = new_snapshot();
	(void)state;
	add(s, GRADE_GOOD, "x\"y:1", 5);
	add(s, GRADE_GOOD, "1.2.3.4:5", 5);
	assert_int_equal(s->bad_addresses, 1);
	assert_list(s, "{\"server_list\": [\"1.2.3.4:5\"]}");
}

static void
sums_of_absurd_seats_stay_in_order(void **state)
{
	struct snapshot *s = new_snapshot();
	const struct servers *good = &s->servers[GRADE_GOOD];
	(void)state;
	for (int i = 0; i < 1000; i++)
		add(s, GRADE_GOOD, "1.2.3.4:5",
		    i % 2 == 0 ? INT64_MAX : INT64_MIN);
	for (size_t i = 1; i < good->len; i++)
		assert_true(good->at[i].seats_upto >=
			    good->at[i - 1].seats_upto);
	assert_true(good->at[999].seats_upto == 500 * (uint64_t)SEATS_MAX);
	snapshot_free(s);
}

static void
the_age_is_measured_with_the_boot_clock_within_a_boot(void **state)
{
	struct snapshot s = {.this_boot = true};
	const struct instant now = {.boot_ms = 5000, .utc_ms = 999};
	(void)state;
	s.fleet[FLEET_HEARTBEAT_BOOT_MS] = 4000;
	s.fleet[FLEET_HEARTBEAT_UTC_MS] = 0;
	assert_int_equal(snapshot_age_ms(&s, now), 1000);
}

static void
the_age_is_measured_with_the_wall_clock_after_a_reboot(void **state)
{
	struct snapshot s = {.this_boot = false};
	const struct instant now = {.boot_ms = 5, .utc_ms = 90000};
	(void)state;
	s.fleet[FLEET_HEARTBEAT_BOOT_MS] = 4000;
	s.fleet[FLEET_HEARTBEAT_UTC_MS] = 20000;
	assert_int_equal(snapshot_age_ms(&s, now), 70000);
}

static void
a_clock_set_back_gives_no_negative_age(void **state)
{
	struct snapshot s = {.this_boot = false};
	const struct instant now = {.boot_ms = 5, .utc_ms = 10};
	(void)state;
	s.fleet[FLEET_HEARTBEAT_UTC_MS] = 20000;
	assert_int_equal(snapshot_age_ms(&s, now), 0);
}

UNIT_MAIN(
    cmocka_unit_test(addresses_are_names_numbers_and_ports),
    cmocka_unit_test(addresses_end_before_address_size),
    cmocka_unit_test(an_empty_list_is_written_as_python_writes_it),
    cmocka_unit_test(the_list_holds_the_good_ones_full_or_not),
    cmocka_unit_test(the_list_holds_suspects_when_none_is_good),
    cmocka_unit_test(rows_that_are_no_addresses_are_counted_and_left_out),
    cmocka_unit_test(sums_of_absurd_seats_stay_in_order),
    cmocka_unit_test(the_age_is_measured_with_the_boot_clock_within_a_boot),
    cmocka_unit_test(the_age_is_measured_with_the_wall_clock_after_a_reboot),
    cmocka_unit_test(a_clock_set_back_gives_no_negative_age))
