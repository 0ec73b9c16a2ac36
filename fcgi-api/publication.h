/* SPDX-License-Identifier: MIT */
/*
 * One thing that never changes, many readers, no lock: the refresher swaps one
 * pointer, and a reader says in a slot of its own which thing it looks at (a
 * hazard pointer). A replaced one is freed once no slot names it.
 *
 * One writer thread; each reader uses one slot, one thing at a time.
 */
#ifndef GSM_FCGI_API_PUBLICATION_H
#define GSM_FCGI_API_PUBLICATION_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>

#include "fcgi-api/limits.h"

struct publication_slot {
	alignas(64) _Atomic(void *) held; /* its own cache line */
};

struct publication {
	void (*free_item)(void *item);  /* set before the first use */
	_Atomic(void *) current;        /* NULL: nothing yet */
	void *retired[API_THREADS + 1]; /* the writer's: freed soon */
	size_t nretired;
	struct publication_slot slots[API_THREADS];
};

/* Writer: makes item (owned from here on) the current one; NULL: none. At most
 * one retired item per slot outlives the call. */
void publication_put(struct publication *p, void *item);

/* Reader: the current one, or NULL; stays as it is until released. */
void *publication_take(struct publication *p, unsigned slot);
void publication_release(struct publication *p, unsigned slot);

#endif
