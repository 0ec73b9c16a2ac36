/* SPDX-License-Identifier: MIT */
#include "tests/unit/fcgi-api/snapshot_bench.h"

#include <stdlib.h>

#include "fcgi-api/choose.h"

enum { DRAWS = 100000, SEED = 42 };

static void
no_state_gives_no_address(void **state)
{
	struct random_stream random = {SEED};
	(void)state;
	assert_null(choose_address(NULL, &random));
}

static void
an_empty_fleet_gives_no_address(void **state)
{
	struct random_stream random = {SEED};
	struct snapshot *s = new_snapshot();
	(void)state;
	assert_null(choose_address(s, &random));
	snapshot_free(s);
}

static void
full_gameservers_are_never_chosen(void **state)
{
	struct random_stream random = {SEED};
	struct snapshot *s = new_snapshot();
	(void)state;
	add(s, GRADE_GOOD, "a:1", 0);
	add(s, GRADE_GOOD, "b:1", -4);
	assert_null(choose_address(s, &random));
	add(s, GRADE_GOOD, "c:1", 1);
	add(s, GRADE_GOOD, "d:1", 0);
	for (int i = 0; i < 1000; i++)
		assert_string_equal(choose_address(s, &random), "c:1");
	snapshot_free(s);
}

static void
suspects_are_chosen_only_when_no_good_one_has_seats(void **state)
{
	struct random_stream random = {SEED};
	struct snapshot *s = new_snapshot();
	(void)state;
	add(s, GRADE_SUSPECT, "s:1", 1000000);
	add(s, GRADE_GOOD, "g:1", 0);
	assert_string_equal(choose_address(s, &random), "s:1");
	add(s, GRADE_GOOD, "h:1", 1);
	for (int i = 0; i < 1000; i++)
		assert_string_equal(choose_address(s, &random), "h:1");
	snapshot_free(s);
}

static void
the_chance_is_in_proportion_to_free_seats(void **state)
{
	static const int64_t seats[] = {1, 0, 10, 39, 50};
	struct random_stream random = {SEED};
	struct snapshot *s = new_snapshot();
	int64_t chosen[5] = {0};
	(void)state;
	for (int i = 0; i < 5; i++) {
		char address[] = {(char)('0' + i), ':', '1', '\0'};
		add(s, GRADE_GOOD, address, seats[i]);
	}
	for (int i = 0; i < DRAWS; i++)
		chosen[choose_address(s, &random)[0] - '0']++;
	for (int i = 0; i < 5; i++) {
		int64_t expected = DRAWS * seats[i] / 100;
		/* Six standard deviations are below 1000 everywhere. */
		assert_in_range(chosen[i],
				expected < 1000 ? 0 : expected - 1000,
				seats[i] == 0 ? 0 : expected + 1000);
	}
	assert_in_range(chosen[0], 800, 1200);
	snapshot_free(s);
}

static void
random_numbers_stay_below_any_bound(void **state)
{
	static const uint64_t bounds[] = {
	    1, 2, 3, 1000, (1ull << 63) + 1, UINT64_MAX};
	struct random_stream random = {SEED};
	(void)state;
	for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++) {
		for (int i = 0; i < 1000; i++)
			assert_true(random_below(&random, bounds[b]) <
				    bounds[b]);
	}
}

static void
random_numbers_have_no_favourites_at_an_awkward_bound(void **state)
{
	/* draw % bound without rejection would give the lower half 2/3. */
	const uint64_t bound = (1ull << 63) + (1ull << 62);
	struct random_stream random = {SEED};
	int low = 0;
	(void)state;
	for (int i = 0; i < DRAWS; i++)
		low += random_below(&random, bound) < bound / 2;
	assert_in_range(low, DRAWS / 2 - 1000, DRAWS / 2 + 1000);
}

UNIT_MAIN(
    cmocka_unit_test(no_state_gives_no_address),
    cmocka_unit_test(an_empty_fleet_gives_no_address),
    cmocka_unit_test(full_gameservers_are_never_chosen),
    cmocka_unit_test(suspects_are_chosen_only_when_no_good_one_has_seats),
    cmocka_unit_test(the_chance_is_in_proportion_to_free_seats),
    cmocka_unit_test(random_numbers_stay_below_any_bound),
    cmocka_unit_test(random_numbers_have_no_favourites_at_an_awkward_bound))
