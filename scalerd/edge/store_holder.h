/* SPDX-License-Identifier: MIT */
/* Who keeps the database locked, for the message about it. */
#ifndef GSM_EDGE_STORE_HOLDER_H
#define GSM_EDGE_STORE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Writes "pid 123 (sqlite3)" for the other process that holds the writer's
 * lock in the -shm file with that inode. False: not known. */
bool store_holder_name(ino_t shm, char *name, size_t size);

#endif
