/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "fcgi-api/random.h"

enum { DRAWS = 100000, SEED = 42 };

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
    cmocka_unit_test(random_numbers_stay_below_any_bound),
    cmocka_unit_test(random_numbers_have_no_favourites_at_an_awkward_bound))
