/* SPDX-License-Identifier: MIT */
/*
 * One scalerd per database: a flock(2) on DATABASE.lock, which also says who
 * holds it and when its loop last turned.
 *
 * The kernel lets go of the lock when the holder dies, and not before a child
 * that it was just spawning has executed its program (flock(2): duplicates
 * share the lock), so that a restarted scalerd sees that child's mark.
 */
#ifndef GSM_EDGE_LOCK_H
#define GSM_EDGE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct lock;

enum lock_result {
	LOCK_TAKEN,  /* it is ours */
	LOCK_HELD,   /* by a living holder; err says who and since when */
	LOCK_FAILED, /* can't be tried; err says why */
};

/* Tries for a short, bounded time (a holder that just died may still have a
 * child about to exec). */
enum lock_result lock_take(struct lock **lock, const char *database,
			   struct err *err);

/* As lock_take, for `scalerd --ensure`: a holder whose loop has not turned for
 * hung_after_ms is ended (SIGTERM, then SIGKILL) and replaced; only a process
 * that /proc shows to be the recorded holder is ever signalled. */
enum lock_result lock_ensure(struct lock **lock, const char *database,
			     int64_t hung_after_ms, struct err *err);

/* Notes in the file that the loop turned, and looks whether the path still
 * leads to the file that is locked; a removed lock file is made and locked
 * anew. False: another process has it; this one must end. */
NODISCARD bool lock_beat(struct lock *lock, struct err *err);

/* Lets go; the file stays. Accepts NULL. */
void lock_release(struct lock *lock);

#endif
