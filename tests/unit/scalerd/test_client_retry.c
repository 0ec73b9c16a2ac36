/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "scalerd/aws/client.h"
#include "scalerd/aws/client_retry.h"

enum { SECOND_MS = 1000, CALLS_MAX = 10000 };

static bool
after(struct client_retry *retry, struct client_budget *budget,
      enum aws_error_class class, uint64_t random, int64_t *pause_ms)
{
	return client_retry_after(retry, budget, class, false, random,
				  SECOND_MS, pause_ms);
}

static void
only_throttled_and_transient_errors_are_tried_again(void **state)
{
	(void)state;
	for (int i = 0; i < AWS_ERROR_CLASS_COUNT; i++) {
		struct client_budget budget = {CLIENT_BUDGET};
		struct client_retry retry = {.attempts = 1};
		int64_t pause_ms;
		const bool again = after(&retry, &budget,
					 (enum aws_error_class)i, 0, &pause_ms);

		assert_int_equal(again, i == AWS_ERROR_THROTTLED ||
					    i == AWS_ERROR_TRANSIENT);
		assert_int_equal(budget.left,
				 again ? CLIENT_BUDGET - 5 : CLIENT_BUDGET);
	}
}

static void
pauses_are_between_nothing_and_a_doubling_limit(void **state)
{
	static const int64_t most_ms[] = {1000,  2000,  4000,  8000,
					  16000, 20000, 20000, 20000};
	struct client_budget budget = {CLIENT_BUDGET};
	struct client_retry longest = {.attempts = 1};
	struct client_retry shortest = {.attempts = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(most_ms) / sizeof(most_ms[0]); i++) {
		int64_t pause_ms = -1;

		assert_true(after(&shortest, &budget, AWS_ERROR_THROTTLED, 0,
				  &pause_ms));
		assert_int_equal(pause_ms, 0);
		assert_true(after(&longest, &budget, AWS_ERROR_THROTTLED,
				  (uint64_t)most_ms[i], &pause_ms));
		assert_int_equal(pause_ms, most_ms[i]);
		assert_true(after(&shortest, &budget, AWS_ERROR_THROTTLED,
				  UINT64_MAX, &pause_ms));
		assert_in_range(pause_ms, 0, 20000);
		shortest.pauses--;
	}
}

static void
after_the_last_attempt_there_is_none(void **state)
{
	struct client_budget budget = {CLIENT_BUDGET};
	struct client_retry retry = {.attempts = CLIENT_ATTEMPTS_MAX};
	int64_t pause_ms;

	(void)state;
	assert_false(after(&retry, &budget, AWS_ERROR_TRANSIENT, 0, &pause_ms));
	assert_int_equal(budget.left, CLIENT_BUDGET);
}

static void
the_budget_ends_retries_and_success_gives_some_back(void **state)
{
	const struct client_retry clean = {.attempts = 1};
	struct client_budget budget = {CLIENT_BUDGET};
	struct client_retry retry = {.attempts = 1};
	int64_t pause_ms;
	int retries = 0;

	(void)state;
	while (retries < CALLS_MAX &&
	       client_retry_after(&retry, &budget, AWS_ERROR_TRANSIENT, true, 0,
				  SECOND_MS, &pause_ms))
		retries++;
	assert_int_equal(retries, CLIENT_BUDGET / 10);
	client_retry_success(&retry, &budget);
	assert_int_equal(budget.left, 10);
	budget.left = 4;
	assert_false(after(&retry, &budget, AWS_ERROR_TRANSIENT, 0, &pause_ms));
	client_retry_success(&clean, &budget);
	assert_true(after(&retry, &budget, AWS_ERROR_TRANSIENT, 0, &pause_ms));
	assert_int_equal(budget.left, 0);
}

static void
the_budget_never_grows_beyond_its_size(void **state)
{
	const struct client_retry clean = {.attempts = 1};
	struct client_budget budget = {CLIENT_BUDGET};

	(void)state;
	client_retry_success(&clean, &budget);
	assert_int_equal(budget.left, CLIENT_BUDGET);
}

UNIT_MAIN(cmocka_unit_test(only_throttled_and_transient_errors_are_tried_again),
	  cmocka_unit_test(pauses_are_between_nothing_and_a_doubling_limit),
	  cmocka_unit_test(after_the_last_attempt_there_is_none),
	  cmocka_unit_test(the_budget_ends_retries_and_success_gives_some_back),
	  cmocka_unit_test(the_budget_never_grows_beyond_its_size))
