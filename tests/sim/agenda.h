/* SPDX-License-Identifier: MIT */
/*
 * What is going to happen in the simulated world, in the order of its time;
 * of two moments at one time the one that was planned first comes first.
 */
#ifndef GSM_SIM_AGENDA_H
#define GSM_SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AGENDA_MAX = 4096 };

enum moment_kind {
	MOMENT_PHASE,       /* the next part of the history */
	MOMENT_FAULT,       /* the next fault */
	MOMENT_FAULT_OVER,  /* `what`: enum fault */
	MOMENT_ARRIVAL,     /* a player asks the API */
	MOMENT_JOIN,        /* `what`: the player, `serial` */
	MOMENT_LEAVE,       /* likewise */
	MOMENT_ANSWER,      /* `what`: the question */
	MOMENT_LISTED,      /* the provider's list is there */
	MOMENT_CALL_ACTS,   /* `what`: the call */
	MOMENT_CALL_ANSWER, /* likewise */
	MOMENT_VM_ENDS,     /* `what`: the machine */
	MOMENT_VM_RECOVERS, /* likewise */
	MOMENT_START,       /* scalerd is started again */
	MOMENT_COUNT
};

struct moment {
	int64_t at_ms;
	uint64_t order; /* the agenda's own */
	enum moment_kind kind;
	size_t what;
	uint64_t serial;
};

struct agenda {
	struct moment heap[AGENDA_MAX];
	size_t n;
	uint64_t next_order;
};

/* False: full. */
bool agenda_add(struct agenda *agenda, int64_t at_ms, enum moment_kind kind,
		size_t what, uint64_t serial);
/* INT64_MAX: nothing is planned. */
int64_t agenda_next_ms(const struct agenda *agenda);
/* Only when something is planned. */
struct moment agenda_take(struct agenda *agenda);

#endif
