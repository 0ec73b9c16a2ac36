/* SPDX-License-Identifier: MIT */
/* A ledger in a directory of its own, gone with the test. */
#ifndef GSM_COMMON_LEDGER_BENCH_H
#define GSM_COMMON_LEDGER_BENCH_H

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ledger.h"

enum {
	EPOCH = 4711,
	GENERATION = 7,
	GENERATION_MAX = (1 << LEDGER_GENERATION_BITS) - 1,
	PREFACE = 4096, /* bytes before the cells */
	FILE_SIZE = PREFACE + LEDGER_SLOTS * 8,
};

#define GRANTED_MAX ((INT64_C(1) << LEDGER_GRANTED_BITS) - 1)

struct fixture {
	char dir[32];
	char path[64];
	struct ledger *ledger;
};

static inline int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/ledger.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/ledger", f->dir);
	assert_true(ledger_create(f->path, EPOCH, &err));
	assert_true(ledger_open(&f->ledger, f->path, &err));
	*state = f;
	return 0;
}

static inline int
tear_down(void **state)
{
	struct fixture *f = *state;

	ledger_close(f->ledger);
	if (unlink(f->path) < 0)
		rmdir(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* nothing else was left there */
	free(f);
	return 0;
}

static inline void
give(struct ledger *ledger, uint32_t slot)
{
	ledger_assign(ledger, slot, GENERATION);
	ledger_set_closed(ledger, slot, false);
}

static inline void
assert_cell(const struct ledger *ledger, uint32_t slot, uint32_t generation,
	    bool closed, int64_t granted)
{
	const struct ledger_cell cell = ledger_read(ledger, slot);

	assert_int_equal(cell.generation, generation);
	assert_int_equal(cell.closed, closed);
	assert_int_equal(cell.granted, granted);
}

/* Writes to the file as any process that has it can. */
static inline void
scribble(const char *path, off_t at, const void *bytes, size_t size)
{
	const int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, at), size);
	close(fd);
}

#define LEDGER_TEST(name)                                                      \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
