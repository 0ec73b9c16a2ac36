/* SPDX-License-Identifier: MIT */
/*
 * What the files of the store share. SQLite's result codes stay inside; its
 * extended ones are on, so `rc & 0xff` is the primary code.
 */
#ifndef GSM_EDGE_STORE_PRIVATE_H
#define GSM_EDGE_STORE_PRIVATE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "scalerd/core/health.h"
#include "scalerd/edge/proc.h"
#include "scalerd/edge/store.h"
#include "scalerd/edge/store_files.h"

/* The statements that every commit uses: prepared once. */
enum store_stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_EPOCH,
	STMT_PUT_FLEET,
	STMT_RAISE_REV,
	STMT_PUT_ANSWER,
	STMT_PUT_GAMESERVER,
	STMT_PUT_OPERATION,
	STMT_PUT_EVENT,
	STMT_PUT_ALARM,
	STMT_END_ALARM,
	STMT_PUT_SAMPLE,
	STMT_PRUNE_EVENT_AGE,
	STMT_PRUNE_EVENT_COUNT,
	STMT_PRUNE_SAMPLE,
	STMT_PRUNE_OPERATION,
	STMT_PRUNE_GAMESERVER,
	STMT_COUNT
};

struct store {
	struct config config;
	char path[STORE_PATH_SIZE]; /* absolute, symbolic links resolved */
	char boot_id[PROC_BOOT_ID_SIZE];
	sqlite3 *db; /* NULL: closed, because writing it anew failed midway */
	sqlite3_stmt *stmt[STMT_COUNT];
	struct store_files files; /* those that db has open */
	bool fresh;               /* the last store_connect began it anew */
	int64_t epoch;
	int wal_pages;        /* in the WAL after the last commit */
	int64_t wal_due_ms;   /* not begun anew before */
	int64_t wal_pause_ms; /* the last one, 0: it was not in vain */
	uint64_t commits;
	int64_t checked_ms; /* CLOCK_BOOTTIME of the last look; 0: none */
	int resets;
};

/* store_connect.c */

/* Opens and puts in order what lies at the path; finishes a rescue that was
 * cut short first. False: db is NULL, err says why, nothing was changed. */
NODISCARD bool store_connect(struct store *store, struct err *err);

/* Reads the file through a connection without a cache. False: damaged. What
 * can't be read just now (a lock, no memory) is not damage. */
NODISCARD bool store_is_sound(const struct store *store, struct err *err);

/* Closes db. Never touches a file by its name; `checkpoint` copies the WAL
 * into the database. */
void store_disconnect(struct store *store, bool checkpoint);

bool store_is_damage(int rc); /* the file's content is at fault */

/* store_wal.c */

/* Takes over from SQLite when the WAL is copied back. */
void store_wal_plan(struct store *store);
/* After a commit, when the WAL is long enough. */
void store_wal_shorten(struct store *store);

/* store_schema.c */

/* One transaction: migrations, views, identity, writer's epoch. */
int store_put_in_order(struct store *store);
/* The first column of the first row; 0 if there is none. */
int store_query_int(sqlite3 *db, const char *sql, int64_t *value);
const char *store_provider_name(const struct config *config);
/* Of the identity: "" when the provider has no such thing. */
const char *store_region(const struct config *config);
const char *store_cluster(const struct config *config);

/* store_rescue.c */

/* Writes PATH.rescue from the open handle. STORE_RESET: it can't be read. */
enum store_result store_copy_out(struct store *store, struct err *err);
/* Writes the database anew from the open handle because the path does not
 * lead to it any more. STORE_OK: go on with the commit. */
enum store_result store_rescue(struct store *store, struct err *err);
/* Moves what lies at the path aside and begins anew. STORE_RESET when done. */
enum store_result store_reset(struct store *store, const char *why,
			      struct err *err);
/* Puts the finished copy of a rescue, if there is one, in its place. */
NODISCARD bool store_rescue_finish(struct store *store, struct err *err);

/* store_load.c, store_commit.c: the port's functions. */

bool store_load(void *self, int64_t utc_ms, const struct store_rows *rows,
		struct err *err);
enum store_result store_commit(void *self, const struct batch *batch,
			       struct err *err);
bool store_is_writer(void *self);

struct health_rule store_health_rule(const struct store *store);

#endif
