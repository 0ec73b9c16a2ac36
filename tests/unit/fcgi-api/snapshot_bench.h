/* SPDX-License-Identifier: MIT */
/* A snapshot to be filled by a test, which fails where filling fails. */
#ifndef GSM_TESTS_SNAPSHOT_BENCH_H
#define GSM_TESTS_SNAPSHOT_BENCH_H

#include "tests/unit/unit.h"

#include "fcgi-api/snapshot.h"

static inline struct snapshot *
new_snapshot(void)
{
	struct snapshot *s = snapshot_new();
	assert_non_null(s);
	return s;
}

static inline void
add(struct snapshot *s, enum grade grade, const char *address, int64_t seats)
{
	struct err err;
	assert_true(snapshot_add(s, grade, address, seats, &err));
}

#endif
