/* SPDX-License-Identifier: MIT */
#include "fcgi-api/publication.h"

#include <stdbool.h>
#include <stddef.h>

static bool
is_held(struct publication *p, const struct snapshot *s)
{
	for (size_t i = 0; i < API_THREADS; i++) {
		if (atomic_load(&p->slots[i].held) == s)
			return true;
	}
	return false;
}

static void
free_retired(struct publication *p)
{
	struct snapshot **at = &p->retired;
	while (*at != NULL) {
		struct snapshot *s = *at;
		if (is_held(p, s)) {
			at = &s->next_retired;
			continue;
		}
		*at = s->next_retired;
		snapshot_free(s);
	}
}

void
publication_put(struct publication *p, struct snapshot *s)
{
	struct snapshot *old = atomic_exchange(&p->current, s);
	if (old != NULL) {
		old->next_retired = p->retired;
		p->retired = old;
	}
	free_retired(p);
}

const struct snapshot *
publication_take(struct publication *p, unsigned slot)
{
	struct snapshot *s = atomic_load(&p->current);
	/* Goes round again only when the writer published in between, which
	 * it does a few times a second. */
	for (;;) {
		atomic_store(&p->slots[slot].held, s);
		/* Still current: the writer, who swaps first and looks at the
		 * slots afterwards, can't have missed it. */
		struct snapshot *now = atomic_load(&p->current);
		if (now == s)
			return s;
		s = now;
	}
}

void
publication_release(struct publication *p, unsigned slot)
{
	atomic_store(&p->slots[slot].held, NULL);
}

void
publication_free(struct publication *p)
{
	publication_put(p, NULL);
}
