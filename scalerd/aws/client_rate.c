/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/client_rate.h"

#include <stddef.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { MILLI = 1000 };

static const struct {
	int64_t size;       /* tokens */
	int64_t per_second; /* so many millitokens a millisecond */
} buckets[] = {
    [CLIENT_BUCKET_ECS_READS] = {50, 10},       /* of 100, 20 */
    [CLIENT_BUCKET_ECS_DEFINITIONS] = {25, 10}, /* of 50, 20 */
    [CLIENT_BUCKET_ECS_CHANGES] = {50, 20},     /* of 100, 40 */
    [CLIENT_BUCKET_EC2_READS] = {50, 10},       /* of 100, 20 */
    [CLIENT_BUCKET_EC2_LAUNCHES] = {2, 1},      /* of 5, 2 */
    [CLIENT_BUCKET_EC2_CHANGES] = {25, 2},      /* of 50, 5 */
};

_Static_assert(COUNT(buckets) == CLIENT_BUCKET_COUNT, "a bucket has no size");

/* Those that have a bucket of their own. */
static const struct {
	enum client_service service;
	const char *action;
	enum client_bucket bucket;
} own[] = {
    {CLIENT_ECS, "DescribeTaskDefinition", CLIENT_BUCKET_ECS_DEFINITIONS},
    {CLIENT_EC2, "RunInstances", CLIENT_BUCKET_EC2_LAUNCHES},
};

void
client_rate_init(struct client_rate *rate, int64_t now_ms)
{
	for (size_t i = 0; i < CLIENT_BUCKET_COUNT; i++) {
		rate->bucket[i].millitokens = buckets[i].size * MILLI;
		rate->bucket[i].at_ms = now_ms;
	}
}

enum client_bucket
client_rate_bucket(const struct client_request *request)
{
	for (size_t i = 0; i < COUNT(own); i++)
		if (own[i].service == request->service &&
		    strcmp(own[i].action, request->action) == 0)
			return own[i].bucket;
	if (request->service == CLIENT_ECS)
		return request->changes ? CLIENT_BUCKET_ECS_CHANGES
					: CLIENT_BUCKET_ECS_READS;
	return request->changes ? CLIENT_BUCKET_EC2_CHANGES
				: CLIENT_BUCKET_EC2_READS;
}

static void
fill(struct client_rate *rate, enum client_bucket bucket, int64_t now_ms)
{
	const int64_t full = buckets[bucket].size * MILLI;
	const int64_t missing = full - rate->bucket[bucket].millitokens;
	const int64_t since_ms = now_ms - rate->bucket[bucket].at_ms;

	/* Compared so, no time can overflow. */
	if (since_ms >= missing / buckets[bucket].per_second + 1)
		rate->bucket[bucket].millitokens = full;
	else if (since_ms > 0)
		rate->bucket[bucket].millitokens +=
		    since_ms * buckets[bucket].per_second;
	if (rate->bucket[bucket].millitokens > full)
		rate->bucket[bucket].millitokens = full;
	rate->bucket[bucket].at_ms = now_ms;
}

int64_t
client_rate_take(struct client_rate *rate, enum client_bucket bucket,
		 int64_t now_ms)
{
	const int64_t per_ms = buckets[bucket].per_second;
	int64_t missing;

	fill(rate, bucket, now_ms);
	missing = MILLI - rate->bucket[bucket].millitokens;
	if (missing > 0)
		return (missing + per_ms - 1) / per_ms;
	rate->bucket[bucket].millitokens -= MILLI;
	return 0;
}

void
client_rate_empty(struct client_rate *rate, enum client_bucket bucket,
		  int64_t now_ms)
{
	rate->bucket[bucket].millitokens = 0;
	rate->bucket[bucket].at_ms = now_ms;
}
