/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <sys/resource.h>

#include "scalerd/edge/descriptors.h"

static void
the_soft_limit_is_raised_to_the_hard_one(void **state)
{
	struct rlimit limit;
	struct err err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 32;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(descriptors_raise(1, &err));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, limit.rlim_max);
}

static void
a_hard_limit_that_is_too_low_is_told(void **state)
{
	struct rlimit limit;
	struct err err;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max > INT32_MAX)
		skip();
	assert_false(descriptors_raise((int64_t)limit.rlim_max, &err));
	assert_non_null(strstr(err.msg, "MAX_SERVERS="));
	assert_non_null(strstr(err.msg, "LimitNOFILE"));
}

static void
kept_connections_fit_into_three_quarters(void **state)
{
	(void)state;
	assert_true(descriptors_needed(10000) * 3 / 4 >= 10000);
	assert_true(descriptors_needed(49000) <= 65536); /* scalerd.service */
}

UNIT_MAIN(cmocka_unit_test(the_soft_limit_is_raised_to_the_hard_one),
	  cmocka_unit_test(a_hard_limit_that_is_too_low_is_told),
	  cmocka_unit_test(kept_connections_fit_into_three_quarters))
