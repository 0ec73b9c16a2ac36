/* SPDX-License-Identifier: MIT */
/*
 * The fleet in memory: each row of the database with what only this process
 * knows about it, and the operations that are not finished.
 *
 * Rows are owned here and stay where they are until they are removed; ids only
 * grow, so the members are always sorted by id. Times in ms are
 * CLOCK_BOOTTIME.
 */
#ifndef GSM_SCALER_FLEET_H
#define GSM_SCALER_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scalerd/core/credit.h"
#include "scalerd/core/model.h"

enum { QUIET_NOT_YET = -1 };

struct member {
	struct gameserver row;
	bool dirty;    /* differs from the store */
	bool answered; /* likewise, but only by what an answer changes */

	int64_t entered_ms;  /* when it came into its state, as far as this
				process knows */
	int64_t deadline_ms; /* launching, starting */
	int64_t quiet_ms;    /* standby: no grant since, QUIET_NOT_YET until
				the store has it */
	bool proven;         /* the last good answer is a proof of emptiness */
	int64_t proof_answers; /* such answers in a row */
	int64_t asked_ms;      /* the last good answer's question */
	int64_t last_asked_ms; /* the last question's, 0 none */
	int64_t silent_ms;     /* polled in vain for so long */
	int64_t next_poll_ms;
	bool polling;   /* a question is open */
	int64_t rounds; /* answers since start or clock jump */
	int64_t answered_written_ms;
	bool seen;  /* while a list is matched: it is in it */
	int absent; /* complete lists in a row without it */
	int64_t absent_since_ms;
	bool shares_host;

	/* seats.c */
	bool seated;     /* row.slot and its cell are this one's */
	bool open;       /* of the cell, when it was last read or set; */
	int64_t granted; /* likewise */
	struct credit credit;
};

struct intent {
	struct operation row;
	bool dirty;
	bool resumed;    /* from before this process: look before replaying */
	bool in_flight;  /* a call is out */
	int64_t next_ms; /* the next call is due */
};

struct fleet {
	struct member **member; /* sorted by row.id */
	size_t nmember, member_size;
	struct intent **intent;
	size_t nintent, intent_size;
	int64_t next_id;
};

void fleet_deinit(struct fleet *fleet);

/* Appends a row; its id must be greater than all others, 0 gives it the next
 * one. NULL: out of memory. */
struct member *fleet_add(struct fleet *fleet, const struct gameserver *row);
struct member *fleet_find(const struct fleet *fleet, int64_t id);
/* Drops gone rows that are written and entered that state before `ms`, and
 * finished operations that are written. */
void fleet_prune(struct fleet *fleet, int64_t ms);

/* NULL: out of memory. */
struct intent *fleet_add_intent(struct fleet *fleet,
				const struct operation *row);
struct intent *fleet_find_intent(const struct fleet *fleet, const char *id);
/* The pending operation of that kind on a gameserver, or NULL. */
struct intent *fleet_pending(const struct fleet *fleet, int64_t gameserver,
			     enum op_kind kind);

/* Members by mark and by ref, for matching a list in O(n log n). The index
 * holds good until a member is added or removed. NULL: out of memory. */
struct fleet_index;
struct fleet_index *fleet_index_new(const struct fleet *fleet);
void fleet_index_free(struct fleet_index *index);
/* The member with that mark (the newest, if it was taken up again), or, mark
 * "" , the one with that ref; NULL if there is none. */
struct member *fleet_index_find(const struct fleet_index *index,
				const char *mark, const char *ref);

#endif
