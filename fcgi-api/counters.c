/* SPDX-License-Identifier: MIT */
#include "fcgi-api/counters.h"

#include <stddef.h>

static uint64_t
read_counter(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

void
counters_add(_Atomic uint64_t *c)
{
	/* One writer: no locked instruction needed. */
	atomic_store_explicit(c, read_counter(c) + 1, memory_order_relaxed);
}

uint64_t
counters_requests(const struct counters *c, enum route_id route,
		  enum answer_code code)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < API_THREADS; i++)
		sum += read_counter(&c->threads[i].requests[route][code]);
	return sum;
}

uint64_t
counters_grants(const struct counters *c, enum source source)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < API_THREADS; i++)
		sum += read_counter(&c->threads[i].grants[source]);
	return sum;
}

uint64_t
counters_refusals(const struct counters *c)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < API_THREADS; i++)
		sum += read_counter(&c->threads[i].refusals);
	return sum;
}

int
counters_connected(const struct counters *c)
{
	int sum = 0;
	for (size_t i = 0; i < API_THREADS; i++)
		sum += atomic_load(&c->threads[i].connected);
	return sum;
}
