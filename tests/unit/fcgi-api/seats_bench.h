/* SPDX-License-Identifier: MIT */
/* Seats and a ledger to be filled by a test, which fails where filling
 * fails. */
#ifndef GSM_TESTS_SEATS_BENCH_H
#define GSM_TESTS_SEATS_BENCH_H

#include "tests/unit/unit.h"

#include "fcgi-api/choose.h"

struct seats_bench {
	char directory[64];
	char path[96]; /* of the ledger */
	struct ledger *ledger;
	struct seats *seats;
	struct random_stream random;
};

enum { BENCH_EPOCH = 77, BENCH_SEED = 42 };

void bench_open(struct seats_bench *b);
void bench_close(struct seats_bench *b);

/* A gameserver of generation 1 in the slot, its cell open, with this limit;
 * its address is "s<slot>:1". */
void bench_add(struct seats_bench *b, uint32_t slot, enum grade grade,
	       int64_t limit);

/* As the refresher does after a load. */
void bench_sort(struct seats_bench *b, bool pack);

/* The slot that the next player gets; -1: none. */
int bench_choose(struct seats_bench *b, bool pack);
int bench_choose_stale(struct seats_bench *b, bool with_ledger);

#endif
