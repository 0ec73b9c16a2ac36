/* SPDX-License-Identifier: MIT */
/*
 * The gameservers by their slot of the seat ledger, as all request threads see
 * them: one array, changed in place by one writer, the refresher, while any
 * number of threads read. Readers take no lock, never wait and never see a
 * torn row: one that meets a slot being written goes to another.
 *
 * Each slot is a sequence lock. All of it is atomic: a reader loads with
 * acquire and the writer stores with release, so that no fence is needed.
 *
 * The rows are as old as the last refresh. What makes a grant exact is the
 * ledger (common/ledger.h), asked with a row's generation and limit.
 */
#ifndef GSM_FCGI_API_SEATS_H
#define GSM_FCGI_API_SEATS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/ledger.h"
#include "fcgi-api/limits.h"

enum grade { GRADE_NONE, GRADE_GOOD, GRADE_SUSPECT, GRADE_COUNT };

enum {
	SEAT_ADDRESS_WORDS = 5, /* inside the slot: up to 39 characters */
	ADDRESS_WORDS = ADDRESS_SIZE / 8,
};

/* One slot: what was read of it, or is to be written. */
struct seat_row {
	uint32_t slot;
	uint32_t generation;
	enum grade grade; /* GRADE_NONE: no player may be sent there */
	int64_t limit;    /* granted may reach it */
	int64_t seats; /* free, as the gameserver last said; 0 .. SEATS_MAX */
	char address[ADDRESS_SIZE];
};

struct seat_slot {
	alignas(64) _Atomic uint32_t sequence; /* odd: being written */
	_Atomic uint32_t generation;
	_Atomic int64_t limit;
	_Atomic uint32_t seats;
	_Atomic uint32_t grade; /* enum grade, and SEAT_LONG_ADDRESS */
	_Atomic uint64_t address[SEAT_ADDRESS_WORDS];
};

/* The slots of one grade that had credit at the last sort; hints, no more. */
struct seat_list {
	_Atomic uint32_t len;
	_Atomic uint64_t cursor;    /* pack: number of the sort, place in at */
	_Atomic uint64_t exhausted; /* the version that had no credit left */
	_Atomic uint32_t at[LEDGER_SLOTS];
};

struct seats {
	struct seat_slot slot[LEDGER_SLOTS];
	struct seat_list list[GRADE_COUNT];
	_Atomic uint64_t version; /* raised when there may be new credit */
	_Atomic uint32_t sort;    /* number of the last one */
	_Atomic uint32_t top;     /* no slot from here on is in use */
	_Atomic uint32_t most;    /* the greatest seats of any slot */
	atomic_bool crowded;      /* by readers: many hints are wrong by now */
	/* Granted by this process without a ledger since the row changed. */
	_Atomic uint32_t uncounted[LEDGER_SLOTS];
	_Atomic uint64_t long_address[LEDGER_SLOTS][ADDRESS_WORDS];
	/* The writer's, to sort in. */
	struct seat_order {
		uint32_t slot, credit;
	} order[2][LEDGER_SLOTS];
};

/* [A-Za-z0-9.:[]_-]+, shorter than ADDRESS_SIZE: safe inside JSON as it is. */
bool seats_address_valid(const char *address);

/* ---- any thread ---- */

/* False: the slot is being written, or not one; row is undefined then. */
NODISCARD bool seats_read(const struct seats *s, uint32_t slot,
			  struct seat_row *row);

/* Seats that the slot's cell still has by the limit of its row; 0 as well if
 * the cell is closed or of another generation. Two reads that may not fit
 * together: good enough to compare slots. */
static inline int64_t
seats_credit(const struct seats *s, const struct ledger *ledger, uint32_t slot)
{
	const struct seat_slot *at = &s->slot[slot];
	struct ledger_cell cell = ledger_read(ledger, slot);
	if (cell.closed ||
	    cell.generation !=
		atomic_load_explicit(&at->generation, memory_order_relaxed))
		return 0;
	int64_t limit = atomic_load_explicit(&at->limit, memory_order_relaxed);
	return limit > cell.granted ? limit - cell.granted : 0;
}

/* ---- the writer ---- */

/* row->slot is below LEDGER_SLOTS and row->address valid. */
void seats_write(struct seats *s, const struct seat_row *row);

/* Makes the lists anew: the slots with credit, with `pack` those with the
 * least first. `ledger` may be NULL. */
void seats_sort(struct seats *s, const struct ledger *ledger, bool pack);

/* Limits or cells may have changed: nobody is exhausted any more. */
void seats_announce(struct seats *s);

#endif
