/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/fcgi-api/seats_bench.h"

#include <stdlib.h>
#include <unistd.h>

void
bench_open(struct seats_bench *b)
{
	struct err err;
	memset(b, 0, sizeof(*b));
	(void)snprintf(b->directory, sizeof(b->directory),
		       "/tmp/gsm-seats-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	(void)snprintf(b->path, sizeof(b->path), "%s/ledger", b->directory);
	assert_true(ledger_create(b->path, BENCH_EPOCH, &err));
	assert_true(ledger_open(&b->ledger, b->path, &err));
	b->seats = calloc(1, sizeof(*b->seats));
	assert_non_null(b->seats);
	b->random.state = BENCH_SEED;
}

void
bench_close(struct seats_bench *b)
{
	ledger_close(b->ledger);
	free(b->seats);
	(void)unlink(b->path);
	assert_int_equal(rmdir(b->directory), 0);
}

void
bench_add(struct seats_bench *b, uint32_t slot, enum grade grade, int64_t limit)
{
	struct seat_row row = {
	    .slot = slot,
	    .generation = 1,
	    .grade = grade,
	    .limit = limit,
	    .seats = limit,
	};
	(void)snprintf(row.address, sizeof(row.address), "s%u:1", slot);
	seats_write(b->seats, &row);
	ledger_assign(b->ledger, slot, 1);
	(void)ledger_set_closed(b->ledger, slot, false);
}

void
bench_sort(struct seats_bench *b, bool pack)
{
	seats_sort(b->seats, b->ledger, pack);
	seats_announce(b->seats);
}

int
bench_choose(struct seats_bench *b, bool pack)
{
	struct choice choice = {
	    .seats = b->seats,
	    .ledger = b->ledger,
	    .random = &b->random,
	    .pack = pack,
	    .grant = true,
	};
	return choose_by_credit(&choice) ? (int)choice.row.slot : -1;
}

int
bench_choose_stale(struct seats_bench *b, bool with_ledger)
{
	struct choice choice = {
	    .seats = b->seats,
	    .ledger = with_ledger ? b->ledger : NULL,
	    .random = &b->random,
	    .grant = true,
	};
	return choose_stale(&choice) ? (int)choice.row.slot : -1;
}
