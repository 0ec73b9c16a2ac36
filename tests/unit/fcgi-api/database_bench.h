/* SPDX-License-Identifier: MIT */
/* A database with scalerd's own tables and views, a writer, and a ledger
 * beside it; a test that can't have them fails. */
#ifndef GSM_TESTS_DATABASE_BENCH_H
#define GSM_TESTS_DATABASE_BENCH_H

#include "tests/unit/unit.h"

#include <stdbool.h>

#include <sqlite3.h>

#include "common/ledger.h"

enum { DATABASE_EPOCH = 77 };

struct database_bench {
	char directory[64];
	char path[96];
	char other[96]; /* where a successor may be made */
	char ledger_path[96];
	sqlite3 *writer;
	struct ledger *ledger; /* scalerd's mapping */
	int64_t rev;
};

void database_open(struct database_bench *b);
void database_close(struct database_bench *b);

/* Another one at `path`: a fleet, heartbeat 77 of "this-boot", stale after 5 s,
 * 42 seats free, one alarm, no gameserver. */
sqlite3 *database_make(const char *path);

void database_write(struct database_bench *b, const char *sql);

/* A commit with one gameserver, new or changed; its cell is open if it has a
 * grade ("good", "suspect", else "bad"). seats are the limit too. */
void database_put(struct database_bench *b, int64_t id, uint32_t slot,
		  uint32_t generation, const char *address, int64_t seats,
		  const char *health);

/* A commit that changes a gameserver ("seats = 3") and raises the rev. */
void database_change(struct database_bench *b, int64_t id, const char *set);

#endif
