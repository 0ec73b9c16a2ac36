/* SPDX-License-Identifier: MIT */
/*
 * The database, read only: it is opened so that nothing can be written,
 * created or taken for immutable, and read in short transactions. Used by one
 * thread at a time.
 */
#ifndef GSM_FCGI_API_READER_H
#define GSM_FCGI_API_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "common/err.h"
#include "fcgi-api/snapshot.h"

enum reader_query {
	READER_BEGIN,
	READER_END,
	READER_DATA_VERSION,
	READER_FLEET,
	READER_GAMESERVERS,
	READER_STATUS,
	READER_ALARMS,
	READER_QUERIES,
};

struct reader {
	const char *path;    /* borrowed */
	const char *boot_id; /* borrowed; of this boot, "" if unknown */
	sqlite3 *db;         /* NULL: closed */
	sqlite3_stmt *queries[READER_QUERIES];
	dev_t device; /* of the file that is open */
	ino_t inode;
	int64_t version; /* PRAGMA data_version of the last load; -1: none */
};

/* Opens reader->path. False: nothing is open; the file is missing, not
 * readable, not scalerd's, or in use by recovery: try again later. */
NODISCARD bool reader_open(struct reader *r, struct err *err);

/* Does nothing if nothing is open. */
void reader_close(struct reader *r);

/* Another file lies at the path now. A missing one is not another one: what
 * is open stays good until there is a successor. */
bool reader_is_replaced(const struct reader *r);

/* Somebody has committed since the last load. */
NODISCARD bool reader_has_changed(struct reader *r, bool *changed,
				  struct err *err);

/* Reads everything in one transaction. *s is a sealed snapshot, the caller's,
 * on success only. False: damaged, busy, out of memory; the connection is
 * best closed. */
NODISCARD bool reader_load(struct reader *r, struct snapshot **s,
			   struct err *err);

#endif
