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
#include "fcgi-api/fleet.h"
#include "fcgi-api/report.h"
#include "fcgi-api/seats.h"

enum reader_query {
	READER_BEGIN,
	READER_END,
	READER_DATA_VERSION,
	READER_FLEET,
	READER_SLOTS,
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
	int64_t rev;     /* of the last load; -1: none, so read everything */
	int64_t epoch;   /* of the ledger, at the last load */
};

/* Opens reader->path. False: nothing is open; the file is missing, not
 * readable, not scalerd's, or in use by recovery: try again later. */
NODISCARD bool reader_open(struct reader *r, struct err *err);

/* Does nothing if nothing is open. */
void reader_close(struct reader *r);

/* Another file lies at the path now. A missing one is not another one: what
 * is open stays good until there is a successor. */
bool reader_is_replaced(const struct reader *r);

/* Where a load goes. `begin` is called once, before any row: full says that
 * all slots follow, not only those that changed since the last load. Of rows
 * with one slot the newer change comes later. An address that is too long is
 * "". */
struct reader_sink {
	void *arg;
	void (*begin)(void *arg, const struct fleet *fleet, bool full);
	void (*row)(void *arg, struct seat_row *row);
};

/* Reads what changed, in one transaction. *changed: somebody has committed
 * since the last load, else the sink was not called. False: damaged, busy, out
 * of memory; some rows may have been delivered; close the connection, and the
 * next load is a full one. */
NODISCARD bool reader_load(struct reader *r, const struct reader_sink *sink,
			   bool *changed, struct err *err);

/* Reads what operators see, in one transaction. *report is the caller's, on
 * success only. */
NODISCARD bool reader_report(struct reader *r, struct report *report,
			     struct err *err);

#endif
