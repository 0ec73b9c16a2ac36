/* SPDX-License-Identifier: MIT */
#include "scalerd/scaler/slots.h"

#include "common/ledger.h"
#include "tests/unit/unit.h"

enum { N = 4 };

static int
setup(void **state)
{
	static struct slots slots;

	*state = &slots;
	return slots_init(&slots, N) ? 0 : -1;
}

static int
teardown(void **state)
{
	slots_deinit(*state);
	return 0;
}

static void
the_lowest_free_slot_is_given(void **state)
{
	struct slots *slots = *state;

	assert_true(slots_take(slots, 1));
	assert_int_equal(slots_take_any(slots), 0);
	assert_int_equal(slots_take_any(slots), 2);
	slots_release(slots, 1);
	assert_int_equal(slots_take_any(slots), 1);
	assert_int_equal(slots_take_any(slots), 3);
}

static void
none_is_given_when_all_are_taken(void **state)
{
	struct slots *slots = *state;

	for (int i = 0; i < N; i++)
		assert_int_equal(slots_take_any(slots), i);
	assert_int_equal(slots_take_any(slots), SLOT_NONE);
	slots_release(slots, 3);
	assert_int_equal(slots_take_any(slots), 3);
}

static void
a_slot_has_one_owner(void **state)
{
	struct slots *slots = *state;

	assert_true(slots_take(slots, 2));
	assert_false(slots_take(slots, 2));
	slots_release(slots, 2);
	assert_true(slots_take(slots, 2));
}

static void
a_slot_that_is_none_is_refused(void **state)
{
	struct slots *slots = *state;

	assert_false(slots_take(slots, SLOT_NONE));
	assert_false(slots_take(slots, N));
	assert_false(slots_take(slots, INT64_MAX));
	assert_false(slots_take(slots, INT64_MIN));
}

static void
generations_grow_and_are_never_0(void **state)
{
	struct slots *slots = *state;
	const uint32_t most = (UINT32_C(1) << LEDGER_GENERATION_BITS) - 1;

	assert_int_equal(slots_next_generation(slots), 1);
	assert_int_equal(slots_next_generation(slots), 2);
	slots->generation = most - 1;
	assert_int_equal(slots_next_generation(slots), most);
	assert_int_equal(slots_next_generation(slots), 1);
}

#define SLOTS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

UNIT_MAIN(SLOTS_TEST(the_lowest_free_slot_is_given),
	  SLOTS_TEST(none_is_given_when_all_are_taken),
	  SLOTS_TEST(a_slot_has_one_owner),
	  SLOTS_TEST(a_slot_that_is_none_is_refused),
	  SLOTS_TEST(generations_grow_and_are_never_0))
