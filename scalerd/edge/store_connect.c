/* SPDX-License-Identifier: MIT */
/*
 * Opening: what lies at the path is judged before anything is written, so that
 * a database that is not ours to touch stays as it is, to the byte.
 */
#include "scalerd/edge/store_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "sql.h"

enum verdict {
	FILE_GOOD,
	FILE_DAMAGED,
	FILE_HELD, /* good, but readers of what lay here before hold it */
	FILE_REFUSED
};

static const char *const stmt_text[STMT_COUNT] = {
    [STMT_BEGIN] = sql_store_begin,
    [STMT_COMMIT] = sql_store_commit,
    [STMT_ROLLBACK] = sql_store_rollback,
    [STMT_EPOCH] = sql_store_epoch,
    [STMT_PUT_FLEET] = sql_store_put_fleet,
    [STMT_RAISE_REV] = sql_store_raise_rev,
    [STMT_PUT_ANSWER] = sql_store_put_answer,
    [STMT_PUT_GAMESERVER] = sql_store_put_gameserver,
    [STMT_PUT_OPERATION] = sql_store_put_operation,
    [STMT_PUT_EVENT] = sql_store_put_event,
    [STMT_PUT_ALARM] = sql_store_put_alarm,
    [STMT_END_ALARM] = sql_store_end_alarm,
    [STMT_PUT_SAMPLE] = sql_store_put_sample,
    [STMT_PRUNE_EVENT_AGE] = sql_store_prune_event_age,
    [STMT_PRUNE_EVENT_COUNT] = sql_store_prune_event_count,
    [STMT_PRUNE_SAMPLE] = sql_store_prune_sample,
    [STMT_PRUNE_OPERATION] = sql_store_prune_operation,
    [STMT_PRUNE_GAMESERVER] = sql_store_prune_gameserver,
};

bool
store_is_damage(int rc)
{
	int primary = rc & 0xff;

	return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ||
	       rc == SQLITE_IOERR_CORRUPTFS;
}

/* Says what SQLite said and sorts it. All SQL here is ours and fits the
 * version: one that fails as such misses a table. */
static enum verdict
failed(const struct store *store, int rc, const char *doing, struct err *err)
{
	err_set(err, "%s: %s: %s", store->path, doing,
		store->db == NULL ? sqlite3_errstr(rc)
				  : sqlite3_errmsg(store->db));
	return store_is_damage(rc) || rc == SQLITE_ERROR ? FILE_DAMAGED
							 : FILE_REFUSED;
}

/* The first column of a query's only row is the text. */
static bool
answers(sqlite3 *db, const char *sql, const char *wanted, char *got,
	size_t size, int *rc)
{
	sqlite3_stmt *stmt;

	got[0] = '\0';
	*rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (*rc != SQLITE_OK)
		return false;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		snprintf(got, size, "%s",
			 (const char *)sqlite3_column_text(stmt, 0));
	*rc = sqlite3_finalize(stmt);
	return *rc == SQLITE_OK && strcmp(got, wanted) == 0;
}

static enum verdict
judge_content(struct store *store, struct err *err)
{
	char got[200];
	int rc;

	if (answers(store->db, sql_store_quick_check, "ok", got, sizeof(got),
		    &rc))
		return FILE_GOOD;
	if (rc != SQLITE_OK)
		return failed(store, rc, "quick_check", err);
	err_set(err, "%s: quick_check: %s", store->path, got);
	return FILE_DAMAGED;
}

bool
store_is_sound(const struct store *store, struct err *err)
{
	sqlite3 *db = NULL;
	char got[200] = "";
	int rc = sqlite3_open_v2(store->path, &db,
				 SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_EXRESCODE,
				 NULL);
	bool sound = true;

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql_store_watch_setup, NULL, NULL, NULL);
	if (rc == SQLITE_OK &&
	    !answers(db, sql_store_watch, "ok", got, sizeof(got), &rc) &&
	    (rc == SQLITE_OK || store_is_damage(rc)))
		sound = err_set(err, "%s: quick_check: %s", store->path,
				rc == SQLITE_OK ? got : sqlite3_errmsg(db));
	(void)sqlite3_close(db);
	return sound;
}

static enum verdict
judge_identity(struct store *store, struct err *err)
{
	const struct config *config = &store->config;
	const struct {
		const char *option, *wanted;
	} part[] = {
	    {"PROVIDER", store_provider_name(config)},
	    {"AWS_REGION", store_region(config)},
	    {"ECS_CLUSTER", store_cluster(config)},
	    {"FLEET_NAME", config->fleet_name},
	};
	enum verdict verdict = FILE_GOOD;
	sqlite3_stmt *stmt;
	int rc;

	rc = sqlite3_prepare_v2(store->db, sql_store_identity, -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return failed(store, rc, "identity", err);
	if (sqlite3_step(stmt) != SQLITE_ROW)
		goto out; /* finalize says whether it failed or is empty */
	for (int i = 0; i < 4 && verdict == FILE_GOOD; i++) {
		const char *has = (const char *)sqlite3_column_text(stmt, i);

		if (has != NULL && strcmp(has, part[i].wanted) == 0)
			continue;
		err_set(
		    err,
		    "%s belongs to another fleet: its %s is '%s', configured "
		    "is '%s'; correct that or name another DATABASE",
		    store->path, part[i].option, has == NULL ? "" : has,
		    part[i].wanted);
		verdict = FILE_REFUSED;
	}
out:
	rc = sqlite3_finalize(stmt);
	return rc == SQLITE_OK ? verdict : failed(store, rc, "identity", err);
}

/* Reads only. */
static enum verdict
judge(struct store *store, struct err *err)
{
	int64_t application = 0, version = 0, tables = 0;
	enum verdict verdict;
	int rc;

	rc = store_query_int(store->db, sql_store_application_id, &application);
	if (rc == SQLITE_OK)
		rc = store_query_int(store->db, sql_store_user_version,
				     &version);
	if (rc != SQLITE_OK)
		return failed(store, rc, "can't be read", err);
	if (application == STORE_APPLICATION_ID &&
	    version > sql_migration_count) {
		err_set(
		    err,
		    "%s has version %lld, this scalerd knows %d: install the "
		    "scalerd that made it, or a newer one",
		    store->path, (long long)version, sql_migration_count);
		return FILE_REFUSED;
	}
	rc = store_query_int(store->db, sql_store_table_count, &tables);
	if (application != STORE_APPLICATION_ID &&
	    (application != 0 || tables > 0)) {
		err_set(
		    err,
		    "%s is another program's database (application_id %lld): "
		    "name another DATABASE",
		    store->path, (long long)application);
		return FILE_REFUSED;
	}
	if (rc != SQLITE_OK)
		return failed(store, rc, "can't be read", err);
	if (sqlite3_db_readonly(store->db, "main") == 1) {
		err_set(err, "%s: no permission to write", store->path);
		return FILE_REFUSED;
	}
	store->fresh = tables == 0;
	if (store->fresh)
		return FILE_GOOD;
	verdict = judge_content(store, err);
	return verdict == FILE_GOOD ? judge_identity(store, err) : verdict;
}

static int
prepare(struct store *store)
{
	for (int i = 0; i < STMT_COUNT; i++) {
		int rc = sqlite3_prepare_v3(store->db, stmt_text[i], -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &store->stmt[i], NULL);

		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* From here on the file is written. */
static enum verdict
take(struct store *store, struct err *err)
{
	char mode[16];
	int rc;

	if (!answers(store->db, sql_store_wal, "wal", mode, sizeof(mode),
		     &rc)) {
		if (rc != SQLITE_OK &&
		    failed(store, rc, "journal_mode=WAL", err) != FILE_REFUSED)
			return FILE_DAMAGED;
		if ((rc & 0xff) == SQLITE_BUSY)
			return FILE_HELD;
		if (rc != SQLITE_OK)
			return FILE_REFUSED;
		err_set(err,
			"%s: its file system can't do WAL, journal_mode=%s",
			store->path, mode);
		return FILE_REFUSED;
	}
	rc = sqlite3_exec(store->db, sql_store_durable, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = store_put_in_order(store);
	if (rc == SQLITE_OK)
		rc =
		    sqlite3_exec(store->db, sql_store_strict, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = prepare(store);
	if (rc != SQLITE_OK)
		return failed(store, rc, "can't be put in order", err);
	sqlite3_busy_timeout(store->db, STORE_BUSY_TIMEOUT_MS);
	store_wal_plan(store);
	snprintf(store->path, sizeof(store->path), "%s",
		 sqlite3_db_filename(store->db, "main"));
	store_files_note(store->path, &store->files);
	return store_files_sync_dir(store->path, err) ? FILE_GOOD
						      : FILE_REFUSED;
}

static enum verdict
open_file(struct store *store, struct err *err)
{
	int keep_wal = 1;
	int rc;
	enum verdict verdict;

	rc = sqlite3_open_v2(store->path, &store->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
			     NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_file_control(store->db, "main",
					  SQLITE_FCNTL_PERSIST_WAL, &keep_wal);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(
		    store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc != SQLITE_OK)
		return failed(store, rc, "can't be opened", err);
	sqlite3_busy_timeout(store->db, STORE_OPEN_TIMEOUT_MS);
	verdict = judge(store, err);
	return verdict == FILE_GOOD ? take(store, err) : verdict;
}

static bool
is_openable(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno == ENOENT ||
		       err_set(err, "DATABASE %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, "DATABASE %s: not a file", path);
	return true;
}

/* A file that was put here under a reader's open connection can't be switched
 * to WAL for as long as that is open; a copy of it can. */
static bool
copy_held(struct store *store, struct err *err)
{
	bool ok;

	store_files_note(store->path, &store->files);
	ok = store_copy_out(store, err) == STORE_OK;
	store->files = (struct store_files){.mode = store->files.mode};
	store_disconnect(store, false);
	return ok && store_rescue_finish(store, err);
}

static bool
move_damaged(struct store *store, struct err *err)
{
	const struct store_files none = {.mode = 0};
	const struct err why = *err;
	char to[STORE_STEM_SIZE];

	store_disconnect(store, false);
	if (!store_files_clear(store->path, "damaged", &none, to, err))
		return false;
	log_error("database_damaged", LOG_TEXT("database", store->path),
		  LOG_TEXT("moved_to", to), LOG_TEXT("detail", why.msg));
	return true;
}

bool
store_connect(struct store *store, struct err *err)
{
	if (!store_rescue_finish(store, err) || !is_openable(store->path, err))
		return false;
	for (int tries = 0; tries < STORE_CONNECT_TRIES; tries++) {
		const enum verdict verdict = open_file(store, err);

		if (verdict == FILE_GOOD)
			return true;
		if (verdict == FILE_REFUSED ||
		    (verdict == FILE_HELD && !copy_held(store, err)) ||
		    (verdict == FILE_DAMAGED && !move_damaged(store, err)))
			break;
	}
	store_disconnect(store, false);
	return false;
}

void
store_disconnect(struct store *store, bool checkpoint)
{
	for (int i = 0; i < STMT_COUNT; i++) {
		(void)sqlite3_finalize(store->stmt[i]);
		store->stmt[i] = NULL;
	}
	if (store->db != NULL && checkpoint)
		(void)sqlite3_db_config(
		    store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	(void)sqlite3_close(store->db);
	store->db = NULL;
}
