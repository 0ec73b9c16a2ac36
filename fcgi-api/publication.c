/* SPDX-License-Identifier: MIT */
#include "fcgi-api/publication.h"

#include <stdbool.h>

static bool
is_held(struct publication *p, const void *item)
{
	for (size_t i = 0; i < API_THREADS; i++) {
		if (atomic_load(&p->slots[i].held) == item)
			return true;
	}
	return false;
}

static void
free_retired(struct publication *p)
{
	size_t kept = 0;
	for (size_t i = 0; i < p->nretired; i++) {
		if (is_held(p, p->retired[i]))
			p->retired[kept++] = p->retired[i];
		else
			p->free_item(p->retired[i]);
	}
	p->nretired = kept;
}

void
publication_put(struct publication *p, void *item)
{
	void *old = atomic_exchange(&p->current, item);
	/* There is room: each that was kept is held by another slot. */
	if (old != NULL)
		p->retired[p->nretired++] = old;
	free_retired(p);
}

void *
publication_take(struct publication *p, unsigned slot)
{
	void *item = atomic_load(&p->current);
	/* Goes round again only when the writer published in between, which
	 * it does a few times a second. */
	while (item != NULL) {
		atomic_store(&p->slots[slot].held, item);
		/* Still current: the writer, who swaps first and looks at the
		 * slots afterwards, can't have missed it. */
		void *now = atomic_load(&p->current);
		if (now == item)
			break;
		item = now;
	}
	return item;
}

void
publication_release(struct publication *p, unsigned slot)
{
	atomic_store_explicit(&p->slots[slot].held, NULL, memory_order_release);
}
