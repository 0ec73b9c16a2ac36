/* SPDX-License-Identifier: MIT */
/*
 * Who holds the lock: the one line of the lock file, and how its writer is
 * told from any other process and ended. Only lock.c uses it.
 */
#ifndef GSM_EDGE_LOCK_HOLDER_H
#define GSM_EDGE_LOCK_HOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "scalerd/edge/proc.h"

struct lock_holder {
	pid_t pid; /* 0: nobody knows */
	uint64_t start_ticks;
	char boot_id[PROC_BOOT_ID_SIZE];
	int64_t beat_ms; /* CLOCK_BOOTTIME when its loop last turned */
	char beat_utc[32];
};

/* This process, as it is to be recorded. */
NODISCARD bool lock_holder_self(struct lock_holder *self, struct err *err);

/* Writes the line, with the times of now. */
NODISCARD bool lock_holder_write(int fd, const struct lock_holder *self,
				 struct err *err);

/* Reads the line. False, and pid 0: it names no process that is alive. */
NODISCARD bool lock_holder_read(int fd, struct lock_holder *holder);

/* Whether the holder is silent for hung_after_ms and stays so while it is
 * watched (about 2 s: it may just have been suspended together with us).
 * Blocks so long. Updates *holder. */
NODISCARD bool lock_holder_hangs(int fd, struct lock_holder *holder,
				 int64_t hung_after_ms);

/* Ends the holder: SIGTERM, then SIGKILL, each with LOCK_END_WAIT_MS to obey.
 * Blocks so long. Signals nothing unless /proc shows that the process is the
 * recorded one and that it holds the lock on fd's file. */
enum { LOCK_END_WAIT_MS = 5000 };
NODISCARD bool lock_holder_end(int fd, const struct lock_holder *holder,
			       struct err *err);

#endif
