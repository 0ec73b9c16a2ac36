/* SPDX-License-Identifier: MIT */
/*
 * One snapshot, many readers, no lock: the refresher swaps one pointer, and a
 * reader says in a slot of its own which snapshot it looks at (a hazard
 * pointer). A replaced snapshot is freed once no slot names it.
 *
 * One writer thread; each reader uses one slot, one snapshot at a time.
 */
#ifndef GSM_FCGI_API_PUBLICATION_H
#define GSM_FCGI_API_PUBLICATION_H

#include <stdalign.h>
#include <stdatomic.h>

#include "fcgi-api/limits.h"
#include "fcgi-api/snapshot.h"

struct publication_slot {
	alignas(64) _Atomic(struct snapshot *) held; /* its own cache line */
};

struct publication {
	_Atomic(struct snapshot *) current; /* NULL: nothing was read yet */
	struct snapshot *retired;           /* the writer's: freed soon */
	struct publication_slot slots[API_THREADS];
};

/* Writer: makes s (owned from here on) the current snapshot. At most one
 * retired snapshot per slot outlives the call. */
void publication_put(struct publication *p, struct snapshot *s);

/* Reader: the current snapshot, or NULL; stays as it is until released. */
const struct snapshot *publication_take(struct publication *p, unsigned slot);
void publication_release(struct publication *p, unsigned slot);

/* Frees everything. No reader may hold a snapshot any more. */
void publication_free(struct publication *p);

#endif
