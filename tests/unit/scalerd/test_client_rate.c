/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "scalerd/aws/client_rate.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { START_MS = 5000, HOUR_MS = 3600 * 1000, TAKEN_MAX = 1000000 };

/* What AWS grants (EC2 and ECS "Request throttling"). */
static const struct {
	struct client_request request;
	int size;
	int per_second;
} limits[] = {
    {{CLIENT_ECS, "ListTasks", "", false}, 100, 20},
    {{CLIENT_ECS, "DescribeTaskDefinition", "", false}, 50, 20},
    {{CLIENT_ECS, "RunTask", "", true}, 100, 40},
    {{CLIENT_EC2, "DescribeInstances", "", false}, 100, 20},
    {{CLIENT_EC2, "RunInstances", "", true}, 5, 2},
    {{CLIENT_EC2, "TerminateInstances", "", true}, 50, 5},
};

/* How many requests get through from now to end_ms, as fast as they may. */
static int
taken_until(struct client_rate *rate, enum client_bucket bucket, int64_t now_ms,
	    int64_t end_ms)
{
	int taken = 0;

	while (now_ms <= end_ms && taken < TAKEN_MAX) {
		const int64_t wait_ms = client_rate_take(rate, bucket, now_ms);

		if (wait_ms == 0)
			taken++;
		now_ms += wait_ms;
	}
	return taken;
}

static void
no_bucket_asks_for_more_than_half_of_what_aws_grants(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		const enum client_bucket bucket =
		    client_rate_bucket(&limits[i].request);
		struct client_rate rate;
		int most = limits[i].size / 2;

		client_rate_init(&rate, START_MS);
		assert_int_equal(taken_until(&rate, bucket, START_MS, START_MS),
				 most);
		most += limits[i].per_second * 3600 / 2;
		client_rate_init(&rate, START_MS);
		assert_in_range(
		    taken_until(&rate, bucket, START_MS, START_MS + HOUR_MS),
		    most * 3 / 4, most);
	}
}

static void
a_wait_is_as_long_as_it_takes(void **state)
{
	struct client_rate rate;
	int64_t wait_ms;

	(void)state;
	client_rate_init(&rate, START_MS);
	while (client_rate_take(&rate, CLIENT_BUCKET_EC2_CHANGES, START_MS) ==
	       0)
		;
	wait_ms = client_rate_take(&rate, CLIENT_BUCKET_EC2_CHANGES, START_MS);
	assert_int_equal(wait_ms, 500);
	assert_int_equal(client_rate_take(&rate, CLIENT_BUCKET_EC2_CHANGES,
					  START_MS + wait_ms - 1),
			 1);
	assert_int_equal(client_rate_take(&rate, CLIENT_BUCKET_EC2_CHANGES,
					  START_MS + wait_ms),
			 0);
}

static void
buckets_do_not_take_from_each_other(void **state)
{
	struct client_rate rate;

	(void)state;
	client_rate_init(&rate, START_MS);
	for (int i = 0; i < CLIENT_BUCKET_COUNT; i++) {
		taken_until(&rate, (enum client_bucket)i, START_MS, START_MS);
		for (int j = i + 1; j < CLIENT_BUCKET_COUNT; j++)
			assert_int_equal(client_rate_take(&rate,
							  (enum client_bucket)j,
							  START_MS),
					 0);
		client_rate_init(&rate, START_MS);
	}
}

static void
an_emptied_bucket_fills_from_nothing(void **state)
{
	struct client_rate rate;

	(void)state;
	client_rate_init(&rate, START_MS);
	client_rate_empty(&rate, CLIENT_BUCKET_ECS_READS, START_MS);
	assert_int_equal(
	    client_rate_take(&rate, CLIENT_BUCKET_ECS_READS, START_MS), 100);
}

static void
a_bucket_is_full_after_ages_and_after_a_clock_that_went_back(void **state)
{
	struct client_rate rate;

	(void)state;
	client_rate_init(&rate, 0);
	assert_int_equal(taken_until(&rate, CLIENT_BUCKET_ECS_READS,
				     INT64_MAX - START_MS,
				     INT64_MAX - START_MS),
			 50);
	client_rate_init(&rate, START_MS);
	assert_int_equal(taken_until(&rate, CLIENT_BUCKET_ECS_READS, 0, 0), 50);
}

UNIT_MAIN(
    cmocka_unit_test(no_bucket_asks_for_more_than_half_of_what_aws_grants),
    cmocka_unit_test(a_wait_is_as_long_as_it_takes),
    cmocka_unit_test(buckets_do_not_take_from_each_other),
    cmocka_unit_test(an_emptied_bucket_fills_from_nothing),
    cmocka_unit_test(
	a_bucket_is_full_after_ages_and_after_a_clock_that_went_back))
