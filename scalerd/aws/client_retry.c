/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/client_retry.h"

#include "scalerd/aws/client.h"

enum {
	COST = 5,
	COST_AFTER_TIMEOUT = 10,
	GIVEN_BACK = 1, /* by a call that needed no retry */
	PAUSE_MAX_S = 20,
};

bool
client_retry_after(struct client_retry *retry, struct client_budget *budget,
		   enum aws_error_class class, bool timed_out, uint64_t random,
		   int64_t second_ms, int64_t *pause_ms)
{
	const int cost = timed_out ? COST_AFTER_TIMEOUT : COST;
	int64_t most_s = 1;

	if ((class != AWS_ERROR_THROTTLED && class != AWS_ERROR_TRANSIENT) ||
	    retry->attempts >= CLIENT_ATTEMPTS_MAX || budget->left < cost)
		return false;
	budget->left -= cost;
	retry->spent = cost;
	for (int i = 0; i < retry->pauses && most_s < PAUSE_MAX_S; i++)
		most_s *= 2;
	if (most_s > PAUSE_MAX_S)
		most_s = PAUSE_MAX_S;
	retry->pauses++;
	*pause_ms = (int64_t)(random % (uint64_t)(most_s * second_ms + 1));
	return true;
}

void
client_retry_success(const struct client_retry *retry,
		     struct client_budget *budget)
{
	budget->left += retry->spent > 0 ? retry->spent : GIVEN_BACK;
	if (budget->left > CLIENT_BUDGET)
		budget->left = CLIENT_BUDGET;
}
