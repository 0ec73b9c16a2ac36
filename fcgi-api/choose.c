/* SPDX-License-Identifier: MIT */
#include "fcgi-api/choose.h"

#include <stddef.h>

enum {
	CANDIDATES = 4, /* two or three herd */
	/* More are looked at if the best has so little: that may be gone
	 * already, to somebody who came without a grant. */
	CREDIT_LITTLE = 2,
	CANDIDATES_MORE = 12,
	ROUNDS_MAX = 4,  /* of candidates, while others are faster */
	SCANS_MAX = 3,   /* while a slot is being written */
	CROWDED_MIN = 8, /* slots that a search may meet without credit */
};

enum scan { SCAN_TAKEN, SCAN_NOTHING, SCAN_UNSURE };

/* The slot's seat, if its row is of this grade. */
static enum scan
take(struct choice *c, enum grade grade, uint32_t slot)
{
	if (!seats_read(c->seats, slot, &c->row))
		return SCAN_UNSURE;
	if (c->row.grade != grade)
		return SCAN_NOTHING;
	bool taken;
	if (c->grant)
		taken = ledger_grant(c->ledger, slot, c->row.generation,
				     c->row.limit) == LEDGER_GRANTED;
	else
		taken = seats_credit(c->seats, c->ledger, slot) > 0;
	return taken ? SCAN_TAKEN : SCAN_NOTHING;
}

/* A random number below `below`, of 32 random bits: the bias is below one in
 * LEDGER_SLOTS, which is nothing beside the choice among four. */
static uint32_t
scale(uint64_t bits, uint32_t below)
{
	return (uint32_t)((bits & UINT32_MAX) * below >> 32);
}

struct best {
	uint32_t slot;
	int64_t credit;
};

/* Of so many random ones of the list. */
static inline void
look_at(const struct choice *c, const struct seat_list *list, uint32_t len,
	int candidates, struct best *best)
{
	uint64_t bits = 0;
	for (int i = 0; i < candidates; i++) {
		bits = i % 2 == 0 ? random_next(c->random) : bits >> 32;
		uint32_t slot = atomic_load_explicit(
		    &list->at[scale(bits, len)], memory_order_relaxed);
		int64_t credit = seats_credit(c->seats, c->ledger, slot);
		if (credit > best->credit)
			*best = (struct best){slot, credit};
	}
}

static bool
take_emptiest(struct choice *c, enum grade grade)
{
	const struct seat_list *list = &c->seats->list[grade];
	for (int round = 0; round < ROUNDS_MAX; round++) {
		uint32_t len =
		    atomic_load_explicit(&list->len, memory_order_acquire);
		struct best best = {0, 0};
		if (len == 0)
			return false;
		look_at(c, list, len, CANDIDATES, &best);
		if (best.credit <= CREDIT_LITTLE)
			look_at(c, list, len, CANDIDATES_MORE, &best);
		if (best.credit == 0)
			return false;
		if (take(c, grade, best.slot) == SCAN_TAKEN)
			return true;
	}
	return false;
}

/* Remembers that the places before `place` are exhausted, unless the list was
 * sorted anew. */
static void
move_cursor(struct seat_list *list, uint64_t was, uint32_t sort, uint32_t place)
{
	uint64_t cursor = (uint64_t)sort << 32 | place;
	if (cursor != was)
		(void)atomic_compare_exchange_strong_explicit(
		    &list->cursor, &was, cursor, memory_order_relaxed,
		    memory_order_relaxed);
}

static bool
take_fullest(struct choice *c, enum grade grade)
{
	struct seat_list *list = &c->seats->list[grade];
	uint64_t cursor =
	    atomic_load_explicit(&list->cursor, memory_order_relaxed);
	uint32_t sort =
	    atomic_load_explicit(&c->seats->sort, memory_order_acquire);
	uint32_t len = atomic_load_explicit(&list->len, memory_order_acquire);
	uint32_t first = cursor >> 32 == sort ? (uint32_t)cursor : 0;
	bool taken = false;
	for (uint32_t i = first; i < len && !taken; i++) {
		uint32_t slot =
		    atomic_load_explicit(&list->at[i], memory_order_relaxed);
		if (seats_credit(c->seats, c->ledger, slot) > 0)
			taken = take(c, grade, slot) == SCAN_TAKEN;
		else if (first == i)
			first = i + 1;
	}
	move_cursor(list, cursor, sort, first);
	return taken;
}

/* Looks at all slots of the list, or at all slots if list is NULL, from a
 * random place on. */
static enum scan
scan(struct choice *c, enum grade grade, const struct seat_list *list)
{
	enum scan result = SCAN_NOTHING;
	uint32_t len = atomic_load_explicit(
	    list == NULL ? &c->seats->top : &list->len, memory_order_acquire);
	uint32_t at = scale(random_next(c->random), len);
	for (uint32_t i = 0; i < len && result != SCAN_TAKEN; i++) {
		uint32_t slot =
		    list == NULL ? at
				 : atomic_load_explicit(&list->at[at],
							memory_order_relaxed);
		if (seats_credit(c->seats, c->ledger, slot) > 0) {
			enum scan one = take(c, grade, slot);
			if (one != SCAN_NOTHING)
				result = one;
		}
		at = at + 1 == len ? 0 : at + 1;
		if (i == CROWDED_MIN)
			atomic_store_explicit(&c->seats->crowded, true,
					      memory_order_relaxed);
	}
	return result;
}

/* The slow way, before a refusal: slots don't move, so that none is missed. */
static bool
search(struct choice *c, enum grade grade, uint64_t version)
{
	struct seat_list *list = &c->seats->list[grade];
	if (scan(c, grade, list) == SCAN_TAKEN)
		return true;
	enum scan result = SCAN_UNSURE;
	for (int i = 0; i < SCANS_MAX && result == SCAN_UNSURE; i++)
		result = scan(c, grade, NULL);
	if (result == SCAN_NOTHING)
		atomic_store_explicit(&list->exhausted, version,
				      memory_order_relaxed);
	return result == SCAN_TAKEN;
}

bool
choose_by_credit(struct choice *c)
{
	uint64_t version =
	    atomic_load_explicit(&c->seats->version, memory_order_acquire);
	for (int grade = GRADE_GOOD; grade < GRADE_COUNT; grade++) {
		struct seat_list *list = &c->seats->list[grade];
		if (atomic_load_explicit(&list->exhausted,
					 memory_order_relaxed) == version)
			continue;
		if (c->pack ? take_fullest(c, (enum grade)grade)
			    : take_emptiest(c, (enum grade)grade))
			return true;
		if (search(c, (enum grade)grade, version))
			return true;
	}
	return false;
}
