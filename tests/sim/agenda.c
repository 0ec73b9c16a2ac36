/* SPDX-License-Identifier: MIT */
#include "tests/sim/agenda.h"

#include <assert.h>

static bool
earlier(const struct moment *a, const struct moment *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void
swap(struct moment *a, struct moment *b)
{
	struct moment t = *a;

	*a = *b;
	*b = t;
}

bool
agenda_add(struct agenda *agenda, int64_t at_ms, enum moment_kind kind,
	   size_t what, uint64_t serial)
{
	size_t i = agenda->n;

	if (i == AGENDA_MAX)
		return false;
	agenda->heap[i] = (struct moment){
	    .at_ms = at_ms,
	    .order = agenda->next_order++,
	    .kind = kind,
	    .what = what,
	    .serial = serial,
	};
	agenda->n++;
	while (i > 0 && earlier(&agenda->heap[i], &agenda->heap[(i - 1) / 2])) {
		swap(&agenda->heap[i], &agenda->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	return true;
}

int64_t
agenda_next_ms(const struct agenda *agenda)
{
	return agenda->n == 0 ? INT64_MAX : agenda->heap[0].at_ms;
}

struct moment
agenda_take(struct agenda *agenda)
{
	struct moment first = agenda->heap[0];
	size_t i = 0;

	assert(agenda->n > 0);
	agenda->heap[0] = agenda->heap[--agenda->n];
	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++)
			if (c < agenda->n &&
			    earlier(&agenda->heap[c], &agenda->heap[least]))
				least = c;
		if (least == i)
			return first;
		swap(&agenda->heap[i], &agenda->heap[least]);
		i = least;
	}
}
