/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* syscall */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/ledger_private.h"

enum {
	LEDGER_GRANT_TRIES = 1000, /* each that fails is another's that did not
				    */
	MS_PER_S = 1000,
	NS_PER_MS = 1000000,
};

#define OPEN_BIT       (UINT64_C(1) << LEDGER_CELL_OPEN_BIT)
#define GRANTED_MAX    ((INT64_C(1) << LEDGER_GRANTED_BITS) - 1)
#define GENERATION_MAX ((UINT32_C(1) << LEDGER_GENERATION_BITS) - 1)

static struct ledger_cell
unpack(uint64_t word)
{
	return (struct ledger_cell){
	    .generation = (uint32_t)(word >> LEDGER_CELL_GENERATION_BIT),
	    .closed = !(word & OPEN_BIT),
	    .granted = (int64_t)(word & (uint64_t)GRANTED_MAX),
	};
}

/* ---- handlers ---------------------------------------------------------- */

/* Whether a seat may be granted on a cell that holds `word`. */
static enum ledger_grant
judge(uint64_t word, uint32_t generation, int64_t limit)
{
	const struct ledger_cell cell = unpack(word);

	if (cell.generation != generation || generation == 0)
		return LEDGER_OTHER;
	if (cell.closed)
		return LEDGER_CLOSED;
	return cell.granted < limit ? LEDGER_GRANTED : LEDGER_EXHAUSTED;
}

enum ledger_grant
ledger_grant(struct ledger *ledger, uint32_t slot, uint32_t generation,
	     int64_t limit)
{
	_Atomic uint64_t *cell;
	uint64_t word;

	if (slot >= LEDGER_SLOTS)
		return LEDGER_OTHER;
	/* The count must not run over into the flags. */
	if (limit > GRANTED_MAX)
		limit = GRANTED_MAX;
	cell = &ledger->file->cell[slot];
	word = atomic_load_explicit(cell, memory_order_relaxed);
	for (int i = 0; i < LEDGER_GRANT_TRIES; i++) {
		const enum ledger_grant result = judge(word, generation, limit);

		if (result != LEDGER_GRANTED ||
		    atomic_compare_exchange_weak_explicit(cell, &word, word + 1,
							  memory_order_acq_rel,
							  memory_order_relaxed))
			return result;
	}
	return LEDGER_EXHAUSTED;
}

enum ledger_grant
ledger_grant_stale(struct ledger *ledger, uint32_t slot, uint32_t generation)
{
	return ledger_grant(ledger, slot, generation, INT64_MAX);
}

void
ledger_count_shortage(struct ledger *ledger)
{
	atomic_fetch_add_explicit(&ledger->file->shortage, 1,
				  memory_order_relaxed);
}

/* ---- scalerd ----------------------------------------------------------- */

struct ledger_cell
ledger_read(const struct ledger *ledger, uint32_t slot)
{
	if (slot >= LEDGER_SLOTS)
		return (struct ledger_cell){0};
	return unpack(atomic_load_explicit(&ledger->file->cell[slot],
					   memory_order_acquire));
}

void
ledger_assign(struct ledger *ledger, uint32_t slot, uint32_t generation)
{
	if (slot < LEDGER_SLOTS)
		atomic_store_explicit(&ledger->file->cell[slot],
				      (uint64_t)(generation & GENERATION_MAX)
					  << LEDGER_CELL_GENERATION_BIT,
				      memory_order_release);
}

struct ledger_cell
ledger_set_closed(struct ledger *ledger, uint32_t slot, bool closed)
{
	_Atomic uint64_t *cell;

	if (slot >= LEDGER_SLOTS)
		return (struct ledger_cell){0};
	cell = &ledger->file->cell[slot];
	if (closed)
		return unpack(atomic_fetch_and_explicit(cell, ~OPEN_BIT,
							memory_order_acq_rel) &
			      ~OPEN_BIT);
	return unpack(
	    atomic_fetch_or_explicit(cell, OPEN_BIT, memory_order_acq_rel) |
	    OPEN_BIT);
}

uint64_t
ledger_shortage(const struct ledger *ledger)
{
	return atomic_load_explicit(&ledger->file->shortage,
				    memory_order_relaxed);
}

/* ---- news -------------------------------------------------------------- */

void
ledger_announce(struct ledger *ledger)
{
	atomic_fetch_add_explicit(&ledger->file->news, 1, memory_order_release);
	(void)syscall(SYS_futex, &ledger->file->news, FUTEX_WAKE, INT_MAX, NULL,
		      NULL, 0);
}

uint32_t
ledger_news(const struct ledger *ledger)
{
	return atomic_load_explicit(&ledger->file->news, memory_order_acquire);
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * MS_PER_S * NS_PER_MS + now.tv_nsec;
}

bool
ledger_wait(const struct ledger *ledger, uint32_t seen, int64_t timeout_ms)
{
	const int64_t end_ns = now_ns() + timeout_ms * NS_PER_MS;

	/* Again after a signal, or when the page went: reading it in
	 * ledger_news brings one of zeros. */
	while (ledger_news(ledger) == seen) {
		const int64_t left_ns = end_ns - now_ns();
		const struct timespec left = {
		    .tv_sec = left_ns / (MS_PER_S * NS_PER_MS),
		    .tv_nsec = left_ns % (MS_PER_S * NS_PER_MS)};

		if (left_ns <= 0)
			return false;
		(void)syscall(SYS_futex, &ledger->file->news, FUTEX_WAIT, seen,
			      &left, NULL, 0);
	}
	return true;
}
