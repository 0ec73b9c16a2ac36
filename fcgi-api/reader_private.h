/* SPDX-License-Identifier: MIT */
/* What reader.c and reader_report.c share. */
#ifndef GSM_FCGI_API_READER_PRIVATE_H
#define GSM_FCGI_API_READER_PRIVATE_H

#include "fcgi-api/reader.h"

/* err: what SQLite says. */
bool reader_fail(const struct reader *r, struct err *err);

/* Runs a query that gives at most one number. */
NODISCARD bool reader_run(struct reader *r, enum reader_query query,
			  int64_t *number, struct err *err);

/* The row of the fleet. */
NODISCARD bool reader_fleet(struct reader *r, struct fleet *fleet,
			    struct err *err);

/* "" for NULL; valid until the next step. */
const char *reader_text(sqlite3_stmt *q, int column);

/* Ends a transaction that failed. */
void reader_abandon(struct reader *r);

#endif
