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

enum alarm_kind {
	ALARM_LAUNCH_FAILING,    /* several launches in a row failed */
	ALARM_LIST_FAILING,      /* the provider's list fails */
	ALARM_PANIC,             /* most of the fleet fails at once */
	ALARM_SECOND_MANAGER,    /* somebody else launches with our mark */
	ALARM_LIMITED,           /* MAX_SERVERS, LAUNCHES_PER_HOUR reached */
	ALARM_DEAD_WITH_PLAYERS, /* bad, and had players when last heard */
	ALARM_DRAIN_DEADLINE,    /* standby for longer than DRAIN_DEADLINE */
	ALARM_STOP_FAILING,      /* a stop does not come through */
	ALARM_COMMIT_FAILING,    /* the database can't be written */
	ALARM_ORPHAN, /* marked, but no row knew it, and it does not run */
	ALARM_COUNT
};

const char *alarm_name(enum alarm_kind kind);
bool alarm_parse(const char *name, enum alarm_kind *kind);

struct journal;

struct journal *journal_new(void); /* NULL: out of memory */
void journal_free(struct journal *journal);

/* One fact. Copied; kind, from, to and reason are static texts. Also one line
 * of the log at info level: event=<kind>. */
void journal_event(struct journal *journal, const struct event *event);

/* Raises an alarm (message says what to look at) or, with message NULL, ends
 * it. Only the edges are logged and written; the first message stays. */
void journal_alarm(struct journal *journal, enum alarm_kind kind,
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
