/* SPDX-License-Identifier: MIT */
/* The lists of slots that have credit; the refresher's. */
#include "fcgi-api/seats.h"

#include <string.h>

enum {
	DIGIT_BITS = 11, /* of the radix sort; two digits of it */
	DIGITS = 1 << DIGIT_BITS,
	CREDIT_MAX = (1 << 2 * DIGIT_BITS) - 1, /* more is not told apart */
};

/* What the slot may have to give by its limit: a cell that is closed, or not
 * assigned yet, may be open a moment later. */
static uint32_t
credit_of(const struct seat_slot *at, const struct ledger *ledger,
	  uint32_t slot)
{
	int64_t credit = atomic_load_explicit(&at->limit, memory_order_relaxed);
	if (ledger != NULL) {
		struct ledger_cell cell = ledger_read(ledger, slot);
		if (cell.generation ==
		    atomic_load_explicit(&at->generation, memory_order_relaxed))
			credit -= cell.granted;
	}
	if (credit < 0)
		return 0;
	return credit > CREDIT_MAX ? CREDIT_MAX : (uint32_t)credit;
}

/* The slots of a grade that have credit, in s->order[0]. */
static uint32_t
collect(struct seats *s, enum grade grade, const struct ledger *ledger,
	uint32_t top)
{
	uint32_t len = 0;
	for (uint32_t slot = 0; slot < top; slot++) {
		const struct seat_slot *at = &s->slot[slot];
		/* The low byte is the grade (SEAT_LONG_ADDRESS). */
		if ((uint8_t)atomic_load_explicit(
			&at->grade, memory_order_relaxed) != grade)
			continue;
		uint32_t credit = credit_of(at, ledger, slot);
		if (credit > 0)
			s->order[0][len++] = (struct seat_order){slot, credit};
	}
	return len;
}

/* One pass of a radix sort; equal digits keep their order. */
static void
sort_digit(const struct seat_order *from, struct seat_order *to, uint32_t len,
	   int shift)
{
	uint32_t place[DIGITS] = {0};
	uint32_t sum = 0;
	for (uint32_t i = 0; i < len; i++)
		place[from[i].credit >> shift & (DIGITS - 1)]++;
	for (int digit = 0; digit < DIGITS; digit++) {
		uint32_t count = place[digit];
		place[digit] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < len; i++)
		to[place[from[i].credit >> shift & (DIGITS - 1)]++] = from[i];
}

/* Readers see the old list, the new one, or some of each. */
static void
store_list(struct seat_list *list, const struct seat_order *order, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		/* Most stay: a line that is not written stays with all. */
		if (atomic_load_explicit(&list->at[i], memory_order_relaxed) !=
		    order[i].slot)
			atomic_store_explicit(&list->at[i], order[i].slot,
					      memory_order_relaxed);
	}
	atomic_store_explicit(&list->len, len, memory_order_release);
}

static void
measure(struct seats *s, uint32_t top)
{
	uint32_t most = 0;
	for (uint32_t slot = 0; slot < top; slot++) {
		uint32_t seats = atomic_load_explicit(&s->slot[slot].seats,
						      memory_order_relaxed);
		most = seats > most ? seats : most;
	}
	atomic_store_explicit(&s->most, most, memory_order_relaxed);
}

void
seats_sort(struct seats *s, const struct ledger *ledger, bool pack)
{
	uint32_t top = atomic_load_explicit(&s->top, memory_order_relaxed);
	for (int grade = GRADE_GOOD; grade < GRADE_COUNT; grade++) {
		uint32_t len = collect(s, (enum grade)grade, ledger, top);
		if (pack) {
			sort_digit(s->order[0], s->order[1], len, 0);
			sort_digit(s->order[1], s->order[0], len, DIGIT_BITS);
		}
		store_list(&s->list[grade], s->order[0], len);
	}
	measure(s, top);
	/* Cursors of the lists before count no more. */
	atomic_fetch_add_explicit(&s->sort, 1, memory_order_release);
}
