/* SPDX-License-Identifier: MIT */
/*
 * AWS counts an account's requests in token buckets (ECS and EC2 "Request
 * throttling"). Ours are half as large and fill half as fast: others use the
 * account too. Pure: the caller says what time it is.
 */
#ifndef GSM_AWS_CLIENT_RATE_H
#define GSM_AWS_CLIENT_RATE_H

#include <stdint.h>

#include "scalerd/aws/client.h"

enum client_bucket {
	CLIENT_BUCKET_ECS_READS,
	CLIENT_BUCKET_ECS_DEFINITIONS, /* DescribeTaskDefinition */
	CLIENT_BUCKET_ECS_CHANGES,
	CLIENT_BUCKET_EC2_READS,
	CLIENT_BUCKET_EC2_LAUNCHES, /* RunInstances */
	CLIENT_BUCKET_EC2_CHANGES,
	CLIENT_BUCKET_COUNT
};

struct client_rate {
	struct {
		int64_t millitokens;
		int64_t at_ms; /* they were counted */
	} bucket[CLIENT_BUCKET_COUNT];
};

/* All full. Times are CLOCK_BOOTTIME in milliseconds. */
void client_rate_init(struct client_rate *rate, int64_t now_ms);

enum client_bucket client_rate_bucket(const struct client_request *request);

/* 0: a token was taken. Otherwise none was; how many ms until there is one. */
int64_t client_rate_take(struct client_rate *rate, enum client_bucket bucket,
			 int64_t now_ms);

/* AWS's own bucket is empty: so is ours. */
void client_rate_empty(struct client_rate *rate, enum client_bucket bucket,
		       int64_t now_ms);

#endif
