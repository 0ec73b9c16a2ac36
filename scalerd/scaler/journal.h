/* SPDX-License-Identifier: MIT */
/*
 * What happened and what is wrong: events and alarms on their way to the log
 * at once and to the store with the next commit.
 */
#ifndef GSM_SCALER_JOURNAL_H
#define GSM_SCALER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scalerd/scaler/ports.h"

enum {
	JOURNAL_EVENTS_MAX =
	    4096, /* waiting for a commit; the oldest go first */
	JOURNAL_ALARMS_MAX = 1024, /* raised at one time */
};

struct journal;

struct journal *journal_new(void); /* NULL: out of memory */
void journal_free(struct journal *journal);

/* One fact. Copied; kind, from, to and reason are static texts. Also one line
 * of the log at info level: event=<kind>. */
void journal_event(struct journal *journal, const struct event *event);

/* Raises an alarm (message says what to look at) or, with message NULL, ends
 * it. Only the edges are logged and written; the first message stays. */
void journal_alarm(struct journal *journal, const char *name,
		   int64_t gameserver, int64_t utc_ms, const char *message);

/* An alarm that the store had when this process started. */
void journal_load_alarm(struct journal *journal, const struct alarm *alarm);

bool journal_is_empty(const struct journal *journal);
/* Points the batch at what waits. */
void journal_fill(const struct journal *journal, struct batch *batch);
/* What the last journal_fill showed is durable. */
void journal_committed(struct journal *journal);
/* The store lost its past: the raised alarms are to be written again. */
void journal_rewrite(struct journal *journal);

#endif
