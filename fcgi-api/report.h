/* SPDX-License-Identifier: MIT */
/*
 * What operators see of the fleet (/status.json, /metrics): read by the
 * refresher when somebody asks, at most every REPORT_KEEP_MS. Who asks waits
 * for it; players never do.
 */
#ifndef GSM_FCGI_API_REPORT_H
#define GSM_FCGI_API_REPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fcgi-api/fleet.h"
#include "fcgi-api/text.h"

struct report {
	struct fleet fleet;
	int64_t alarms;
	struct text status; /* members of /status.json: fleet, alarms, ... */
};

struct report_desk {
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	atomic_bool wanted; /* by somebody who waits */
	uint64_t answers;   /* attempts so far, good or not */
	int64_t read_ms;    /* CLOCK_BOOTTIME of last; -1: there is none */
	struct report last;
};

void report_init(struct report_desk *d);

/* Refresher: the answer to `wanted`, taken over; NULL: it could not be read,
 * what was read before stays. */
void report_put(struct report_desk *d, struct report *report, int64_t now_ms);

/* Refresher: frees what nobody asked for lately; it may be megabytes. */
void report_tidy(struct report_desk *d, int64_t now_ms);

/* Asks for a report and holds the desk until report_end, which must be called
 * in any case. NULL: there is none. */
const struct report *report_begin(struct report_desk *d, int64_t now_ms);
void report_end(struct report_desk *d);

#endif
