/* SPDX-License-Identifier: MIT */
/*
 * What this process counted since it started. Each request thread counts in a
 * place of its own; /metrics adds them up.
 */
#ifndef GSM_FCGI_API_COUNTERS_H
#define GSM_FCGI_API_COUNTERS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fcgi-api/answer.h"
#include "fcgi-api/limits.h"
#include "fcgi-api/route.h"

struct counters_thread {
	alignas(64) _Atomic uint64_t requests[ROUTE_COUNT][ANSWER_CODES];
	_Atomic uint64_t grants[SOURCE_COUNT];
	_Atomic uint64_t refusals; /* no gameserver had a seat */
	atomic_bool connected;     /* serves a connection now */
};

struct counters {
	struct counters_thread threads[API_THREADS];
	_Atomic uint64_t reloads;     /* loads of the database */
	_Atomic uint64_t read_errors; /* of the database */
};

/* Adds one. Only one thread may add to a counter. */
void counters_add(_Atomic uint64_t *c);

/* Sums over the threads. */
uint64_t counters_requests(const struct counters *c, enum route_id route,
			   enum answer_code code);
uint64_t counters_grants(const struct counters *c, enum source source);
uint64_t counters_refusals(const struct counters *c);
int counters_connected(const struct counters *c);

#endif
