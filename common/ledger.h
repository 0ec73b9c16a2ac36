/* SPDX-License-Identifier: MIT */
/*
 * The seat ledger: a small file on tmpfs, mapped by scalerd and by every
 * process of fcgi-api, with one atomic 64-bit cell for each slot. Handlers
 * count the seats that they grant in it; scalerd opens and closes cells and
 * reads the counts. It can be lost at any time without harm: then a new one
 * with another epoch takes its place, and until a handler has mapped it its
 * state is stale (docs/design.md section 6).
 *
 * Nobody trusts its content: whatever the bytes are, no function reads or
 * writes outside the mapping, loops for ever or ends the process. A file that
 * is cut while it is mapped reads as zeros from then on (ledger_guard).
 *
 * Flow control by credit: a handler may raise `granted` of a cell while the
 * generation is the one that it read from the database, the cell is not
 * closed, and granted < grant_limit.
 */
#ifndef GSM_COMMON_LEDGER_H
#define GSM_COMMON_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

enum {
	LEDGER_SLOTS = 65536,        /* cells; a fleet has fewer gameservers */
	LEDGER_GENERATION_BITS = 23, /* wraps; 0 is no generation */
	LEDGER_GRANTED_BITS = 40,
};

/* What one cell holds. */
struct ledger_cell {
	uint32_t generation; /* of the slot: which gameserver has it; 1 .. */
	bool closed;         /* nobody may grant on it */
	int64_t granted;     /* since the generation began; only grows */
};

enum ledger_grant {
	LEDGER_GRANTED,
	LEDGER_EXHAUSTED, /* granted has reached the limit */
	LEDGER_CLOSED,
	LEDGER_OTHER, /* the slot is another gameserver's by now */
};

struct ledger; /* one mapping */

/* Makes a complete new file at `path` (under another name first, then
 * renamed): every cell closed, generation 0. Mode 0660, the directory's group.
 * scalerd's. */
NODISCARD bool ledger_create(const char *path, uint64_t epoch, struct err *err);

/* Maps the file at `path`. False: it is missing, or not a ledger: another
 * size, magic or version; err says which. */
NODISCARD bool ledger_open(struct ledger **ledger, const char *path,
			   struct err *err);
void ledger_close(struct ledger *ledger); /* accepts NULL */

/* Installs a handler of SIGBUS for the process: a page of a mapped ledger that
 * is not there any more becomes one of zeros, and that ledger's epoch is 0 from
 * then on. Once, before the first open; no thread may block SIGBUS. */
NODISCARD bool ledger_guard(struct err *err);

/* The epoch in the file: 0 when its content is gone. */
uint64_t ledger_epoch(const struct ledger *ledger);
/* Another file (or none) lies at the path by now. */
bool ledger_is_replaced(const struct ledger *ledger, const char *path);

/* ---- handlers ---- */

/* One seat on `slot`, if the rule above allows it. Wait-free but for other
 * grants on the same cell at the same instant (bounded retries; then
 * EXHAUSTED). A slot out of range is OTHER. */
enum ledger_grant ledger_grant(struct ledger *ledger, uint32_t slot,
			       uint32_t generation, int64_t limit);
/* The same without a limit: while the state is stale. */
enum ledger_grant ledger_grant_stale(struct ledger *ledger, uint32_t slot,
				     uint32_t generation);
/* A request that no gameserver of the fleet could serve. */
void ledger_count_shortage(struct ledger *ledger);

/* The number of the last change that scalerd announced, and waiting for
 * another one than `seen`: true when there is, false after timeout_ms. */
uint32_t ledger_news(const struct ledger *ledger);
bool ledger_wait(const struct ledger *ledger, uint32_t seen,
		 int64_t timeout_ms);

/* ---- scalerd ---- */

/* Zeros for a slot out of range. */
struct ledger_cell ledger_read(const struct ledger *ledger, uint32_t slot);
/* A new gameserver has the slot: closed, nothing granted. */
void ledger_assign(struct ledger *ledger, uint32_t slot, uint32_t generation);
/* Opens or closes; grants at the same instant are not lost. Returns the cell
 * as it is afterwards: after closing, `granted` is final. */
struct ledger_cell ledger_set_closed(struct ledger *ledger, uint32_t slot,
				     bool closed);
/* Requests that found no seat, ever. */
uint64_t ledger_shortage(const struct ledger *ledger);
/* After a commit: raises ledger_news and wakes those who wait. */
void ledger_announce(struct ledger *ledger);

#endif
