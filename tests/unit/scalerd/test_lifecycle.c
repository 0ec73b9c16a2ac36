/* SPDX-License-Identifier: MIT */
#include "scalerd/core/lifecycle.h"

#include "tests/unit/unit.h"

static void
only_the_moves_of_the_design_are_allowed(void **state)
{
	static const bool allowed[STATE_COUNT][STATE_COUNT] = {
	    [STATE_LAUNCHING] = {[STATE_STARTING] = true,
				 [STATE_STOPPING] = true,
				 [STATE_GONE] = true},
	    [STATE_STARTING] = {[STATE_AVAILABLE] = true,
				[STATE_STOPPING] = true,
				[STATE_GONE] = true},
	    [STATE_AVAILABLE] = {[STATE_STANDBY] = true,
				 [STATE_STOPPING] = true,
				 [STATE_GONE] = true},
	    [STATE_STANDBY] = {[STATE_AVAILABLE] = true,
			       [STATE_STOPPING] = true,
			       [STATE_GONE] = true},
	    [STATE_STOPPING] = {[STATE_GONE] = true},
	};

	(void)state;
	for (int from = 0; from < STATE_COUNT; from++)
		for (int to = 0; to < STATE_COUNT; to++)
			assert_int_equal(
			    state_may_become((enum state)from, (enum state)to),
			    allowed[from][to]);
}

static void
gone_is_for_ever(void **state)
{
	(void)state;
	for (int to = 0; to < STATE_COUNT; to++)
		assert_false(state_may_become(STATE_GONE, (enum state)to));
}

static void
stopping_never_serves_again(void **state)
{
	(void)state;
	for (int to = 0; to < STATE_COUNT; to++)
		assert_int_equal(
		    state_may_become(STATE_STOPPING, (enum state)to),
		    to == STATE_GONE);
}

static void
every_state_reaches_gone(void **state)
{
	bool reaches[STATE_COUNT] = {[STATE_GONE] = true};

	(void)state;
	for (int round = 0; round < STATE_COUNT; round++)
		for (int from = 0; from < STATE_COUNT; from++)
			for (int to = 0; to < STATE_COUNT; to++)
				reaches[from] |=
				    reaches[to] &&
				    state_may_become((enum state)from,
						     (enum state)to);
	for (int from = 0; from < STATE_COUNT; from++)
		assert_true(reaches[from]);
}

static void
every_name_is_read_back(void **state)
{
	enum state s;
	enum reason r;
	enum origin o;

	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		assert_true(state_parse(state_name((enum state)i), &s));
		assert_int_equal(s, i);
	}
	for (int i = 0; i < REASON_COUNT; i++) {
		assert_true(reason_parse(reason_name((enum reason)i), &r));
		assert_int_equal(r, i);
	}
	for (int i = 0; i < ORIGIN_COUNT; i++) {
		assert_true(origin_parse(origin_name((enum origin)i), &o));
		assert_int_equal(o, i);
	}
}

static void
an_unknown_name_is_refused_and_changes_nothing(void **state)
{
	enum state s = STATE_STANDBY;
	enum reason r = REASON_DEAD;
	enum origin o = ORIGIN_ADOPTED;

	(void)state;
	assert_false(state_parse("Standby", &s));
	assert_false(reason_parse("", &r));
	assert_false(origin_parse("launched ", &o));
	assert_int_equal(s, STATE_STANDBY);
	assert_int_equal(r, REASON_DEAD);
	assert_int_equal(o, ORIGIN_ADOPTED);
}

UNIT_MAIN(cmocka_unit_test(only_the_moves_of_the_design_are_allowed),
	  cmocka_unit_test(gone_is_for_ever),
	  cmocka_unit_test(stopping_never_serves_again),
	  cmocka_unit_test(every_state_reaches_gone),
	  cmocka_unit_test(every_name_is_read_back),
	  cmocka_unit_test(an_unknown_name_is_refused_and_changes_nothing))
