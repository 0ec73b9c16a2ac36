/* SPDX-License-Identifier: MIT */
/*
 * The layout of the file of a ledger, and a mapping of it. Used by ledger*.c
 * only. All that is read after the mapping was made is atomic: every process
 * that has the file writes to it.
 *
 * A cell of zeros has no generation and is closed: nobody can grant on it.
 */
#ifndef GSM_COMMON_LEDGER_PRIVATE_H
#define GSM_COMMON_LEDGER_PRIVATE_H

#include <stdatomic.h>
#include <stddef.h>

#include "common/ledger.h"

enum {
	LEDGER_VERSION = 1,
	LEDGER_LINE = 64,      /* bytes; what is written often has its own */
	LEDGER_PREFACE = 4096, /* bytes before the cells */
	LEDGER_MAPPINGS_MAX = 64,
	LEDGER_CELL_OPEN_BIT = LEDGER_GRANTED_BITS,
	LEDGER_CELL_GENERATION_BIT = LEDGER_CELL_OPEN_BIT + 1,
};

#define LEDGER_MAGIC UINT64_C(0x314744454c4d5347) /* "GSMLEDG1" */

/* What a file that is one begins with. */
struct ledger_head {
	_Atomic uint64_t magic;
	_Atomic uint32_t version;
	_Atomic uint32_t nslot;
	_Atomic uint64_t epoch; /* 1 .. INT64_MAX */
};

struct ledger_image {
	struct ledger_head head;
	_Alignas(LEDGER_LINE) _Atomic uint64_t shortage;
	_Alignas(LEDGER_LINE) _Atomic uint32_t news; /* a futex */
	_Alignas(LEDGER_PREFACE) _Atomic uint64_t cell[LEDGER_SLOTS];
};

_Static_assert(LEDGER_CELL_GENERATION_BIT + LEDGER_GENERATION_BITS == 64,
	       "a cell is 64 bits");
_Static_assert(offsetof(struct ledger_image, cell) == LEDGER_PREFACE,
	       "the cells begin after the preface");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	       "processes share these");

/* What the guard's handler of SIGBUS knows of a mapping. Never freed: it may
 * look at all of them while another thread closes one. */
struct ledger_watch {
	_Atomic uintptr_t base; /* 0: of none */
	atomic_bool lost;       /* a page of it became one of zeros */
};

struct ledger {
	struct ledger_image *file;
	dev_t dev;
	ino_t ino;
	struct ledger_watch *watch; /* the guard's; NULL: not watched */
};

/* The guard looks after the mapping from now on. False: it has too many. */
bool ledger_guard_add(struct ledger *ledger);
void ledger_guard_remove(struct ledger *ledger);

#endif
