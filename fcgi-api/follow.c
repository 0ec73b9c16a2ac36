/* SPDX-License-Identifier: MIT */
#include "fcgi-api/follow.h"

#include <string.h>

enum { GENERATIONS = 1 << LEDGER_GENERATION_BITS };

static bool
get_bit(const uint8_t *bits, uint32_t at)
{
	return (bits[at / 8] >> at % 8 & 1) != 0;
}

static void
set_bit(uint8_t *bits, uint32_t at, bool value)
{
	uint8_t mask = (uint8_t)(1u << at % 8);
	bits[at / 8] = (uint8_t)(value ? bits[at / 8] | mask
				       : bits[at / 8] & (uint8_t)~mask);
}

/* Generations wrap: the shorter way round says which is older. */
static bool
is_older(uint32_t generation, uint32_t than)
{
	return (generation - than) % GENERATIONS >= GENERATIONS / 2;
}

static void
begin(void *arg, const struct fleet *fleet, bool full)
{
	struct follow *f = arg;
	f->fleet = *fleet;
	f->full = full;
	f->changed = full;
	(void)ledger_map_check(f->ledger,
			       (uint64_t)fleet->number[FLEET_LEDGER_EPOCH]);
	if (full)
		memset(f->seen, 0, sizeof(f->seen));
}

static void
judge_address(struct follow *f, struct seat_row *row)
{
	bool valid = seats_address_valid(row->address);
	bool bad = !valid && row->grade != GRADE_NONE;
	if (!valid) {
		row->grade = GRADE_NONE;
		row->address[0] = '\0';
	}
	f->bad_addresses += bad - get_bit(f->bad, row->slot);
	set_bit(f->bad, row->slot, bad);
}

static void
put(struct follow *f, struct seat_row *row, const struct seat_row *was)
{
	bool other_address = strcmp(was->address, row->address) != 0;
	judge_address(f, row);
	if (row->grade != was->grade ||
	    (row->grade != GRADE_NONE && other_address))
		f->list_changed = true;
	seats_write(f->seats, row);
}

static void
follow_row(void *arg, struct seat_row *row)
{
	struct follow *f = arg;
	struct seat_row was;
	/* In a full load the rows count, not what was there before. */
	bool first = f->full && !get_bit(f->seen, row->slot);
	/* The only writer is this thread: it is always whole. */
	if (!seats_read(f->seats, row->slot, &was) ||
	    (!first && was.generation != 0 &&
	     is_older(row->generation, was.generation)))
		return;
	set_bit(f->seen, row->slot, true);
	f->changed = true;
	put(f, row, &was);
}

/* The slots that the full load did not have. */
static void
sweep(struct follow *f)
{
	uint32_t top = atomic_load(&f->seats->top);
	for (uint32_t slot = 0; slot < top; slot++) {
		struct seat_row was;
		struct seat_row none = {.slot = slot, .grade = GRADE_NONE};
		if (!get_bit(f->seen, slot) &&
		    seats_read(f->seats, slot, &was) && was.grade != GRADE_NONE)
			put(f, &none, &was);
	}
}

bool
follow_load(struct follow *f, struct reader *r, bool *changed, struct err *err)
{
	const struct reader_sink sink = {
	    .arg = f, .begin = begin, .row = follow_row};
	if (!reader_load(r, &sink, changed, err))
		return false;
	if (*changed && f->full)
		sweep(f);
	return true;
}
