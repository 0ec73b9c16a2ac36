/* SPDX-License-Identifier: MIT */
#include "fcgi-api/choose.h"

#include <stddef.h>

enum { DRAWS_MAX = 64 };

/* Free seats by the last news, less what was granted since. */
static int64_t
free_seats(const struct choice *c)
{
	const struct seat_row *row = &c->row;
	if (c->ledger != NULL)
		return seats_credit(c->seats, c->ledger, row->slot);
	return row->seats -
	       (int64_t)atomic_load_explicit(&c->seats->uncounted[row->slot],
					     memory_order_relaxed);
}

/* The seat of the row that was read, whatever its limit says. */
static bool
take(struct choice *c)
{
	uint32_t slot = c->row.slot;
	if (c->ledger == NULL) {
		if (c->grant)
			atomic_fetch_add_explicit(&c->seats->uncounted[slot], 1,
						  memory_order_relaxed);
		return true;
	}
	if (c->grant)
		return ledger_grant_stale(c->ledger, slot, c->row.generation) ==
		       LEDGER_GRANTED;
	struct ledger_cell cell = ledger_read(c->ledger, slot);
	return !cell.closed && cell.generation == c->row.generation;
}

/* A slot is taken with a chance in proportion to its free seats. */
static bool
draw(struct choice *c, enum grade grade, uint32_t top)
{
	uint32_t most =
	    atomic_load_explicit(&c->seats->most, memory_order_relaxed);
	for (int i = 0; i < DRAWS_MAX && most > 0; i++) {
		uint32_t slot = (uint32_t)random_below(c->random, top);
		if (!seats_read(c->seats, slot, &c->row) ||
		    c->row.grade != grade)
			continue;
		if ((int64_t)random_below(c->random, most) < free_seats(c) &&
		    take(c))
			return true;
	}
	return false;
}

/* The first from a random place on with at least so many free seats. */
static bool
scan(struct choice *c, enum grade grade, uint32_t top, int64_t least)
{
	uint32_t at = (uint32_t)random_below(c->random, top);
	for (uint32_t i = 0; i < top; i++) {
		if (seats_read(c->seats, at, &c->row) &&
		    c->row.grade == grade && free_seats(c) >= least && take(c))
			return true;
		at = at + 1 == top ? 0 : at + 1;
	}
	return false;
}

bool
choose_stale(struct choice *c)
{
	uint32_t top =
	    atomic_load_explicit(&c->seats->top, memory_order_acquire);
	if (top == 0)
		return false;
	for (int grade = GRADE_GOOD; grade < GRADE_COUNT; grade++) {
		if (draw(c, (enum grade)grade, top) ||
		    scan(c, (enum grade)grade, top, 1) ||
		    scan(c, (enum grade)grade, top, INT64_MIN))
			return true;
	}
	return false;
}
