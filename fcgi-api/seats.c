/* SPDX-License-Identifier: MIT */
#include "fcgi-api/seats.h"

#include <string.h>

enum { SEAT_LONG_ADDRESS = 0x100 };

bool
seats_address_valid(const char *address)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789.:[]_-";
	size_t len = strspn(address, allowed);
	return len > 0 && len < ADDRESS_SIZE && address[len] == '\0';
}

/* Each load is before the loads that follow it, the last look at `sequence`
 * among them. */
static void
load_words(const _Atomic uint64_t *from, size_t words, char *to)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t word =
		    atomic_load_explicit(&from[i], memory_order_acquire);
		memcpy(to + i * sizeof(word), &word, sizeof(word));
	}
}

bool
seats_read(const struct seats *s, uint32_t slot, struct seat_row *row)
{
	if (slot >= LEDGER_SLOTS)
		return false;
	const struct seat_slot *at = &s->slot[slot];
	uint32_t sequence =
	    atomic_load_explicit(&at->sequence, memory_order_acquire);
	if (sequence % 2 != 0)
		return false;
	row->slot = slot;
	row->generation =
	    atomic_load_explicit(&at->generation, memory_order_acquire);
	row->limit = atomic_load_explicit(&at->limit, memory_order_acquire);
	row->seats = atomic_load_explicit(&at->seats, memory_order_acquire);
	uint32_t grade = atomic_load_explicit(&at->grade, memory_order_acquire);
	row->grade = (enum grade)(grade & ~(uint32_t)SEAT_LONG_ADDRESS);
	if ((grade & SEAT_LONG_ADDRESS) == 0)
		load_words(at->address, SEAT_ADDRESS_WORDS, row->address);
	else
		load_words(s->long_address[slot], ADDRESS_WORDS, row->address);
	return atomic_load_explicit(&at->sequence, memory_order_relaxed) ==
	       sequence;
}

/* Each store is after those before it, the odd `sequence` among them. */
static void
store_words(_Atomic uint64_t *to, size_t words, const char *from)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t word;
		memcpy(&word, from + i * sizeof(word), sizeof(word));
		atomic_store_explicit(&to[i], word, memory_order_release);
	}
}

void
seats_write(struct seats *s, const struct seat_row *row)
{
	struct seat_slot *at = &s->slot[row->slot];
	size_t len = strlen(row->address) + 1;
	bool is_long = len > sizeof(at->address);
	uint32_t sequence =
	    atomic_load_explicit(&at->sequence, memory_order_relaxed);
	char address[ADDRESS_SIZE] = {0};
	memcpy(address, row->address, len);
	atomic_store_explicit(&at->sequence, sequence + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&at->generation, row->generation,
			      memory_order_release);
	atomic_store_explicit(&at->limit, row->limit, memory_order_release);
	atomic_store_explicit(&at->seats, (uint32_t)row->seats,
			      memory_order_release);
	atomic_store_explicit(&at->grade,
			      (uint32_t)row->grade |
				  (is_long ? SEAT_LONG_ADDRESS : 0u),
			      memory_order_release);
	if (is_long)
		store_words(s->long_address[row->slot], ADDRESS_WORDS, address);
	else
		store_words(at->address, SEAT_ADDRESS_WORDS, address);
	atomic_store_explicit(&at->sequence, sequence + 2,
			      memory_order_release);
	atomic_store_explicit(&s->uncounted[row->slot], 0,
			      memory_order_relaxed);
	if (row->slot >= atomic_load_explicit(&s->top, memory_order_relaxed))
		atomic_store_explicit(&s->top, row->slot + 1,
				      memory_order_release);
}

void
seats_announce(struct seats *s)
{
	atomic_fetch_add_explicit(&s->version, 1, memory_order_release);
}
