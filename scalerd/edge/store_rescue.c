/* SPDX-License-Identifier: MIT */
/*
 * When the path no longer leads to the database that is open, its content is
 * still there for as long as it is open:
 *
 *	PATH.rescuing   being written, worthless until it is whole
 *	PATH.rescue     whole and durable; whoever opens PATH next puts it there
 *
 * so that a kill between any two steps loses nothing that is PATH.rescue.
 */
#include "scalerd/edge/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "sql.h"

static void
name_with(char *name, const struct store *store, const char *suffix)
{
	snprintf(name, STORE_NAME_SIZE, "%s%s", store->path, suffix);
}

static int
vacuum_into(sqlite3 *db, const char *name)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql_store_vacuum_into, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	(void)sqlite3_step(stmt);
	return sqlite3_finalize(stmt);
}

/* Durable, and with the mode that the database had. */
static bool
finish_copy(const char *name, mode_t mode, struct err *err)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	ok = fchmod(fd, mode) == 0 && fsync(fd) == 0;
	if (!ok)
		err_set(err, "%s: %s", name, strerror(errno));
	close(fd);
	return ok;
}

enum store_result
store_copy_out(struct store *store, struct err *err)
{
	char part[STORE_NAME_SIZE], whole[STORE_NAME_SIZE];
	int rc;

	name_with(part, store, ".rescuing");
	name_with(whole, store, ".rescue");
	if (unlink(part) != 0 && errno != ENOENT) {
		err_set(err, "can't remove %s: %s", part, strerror(errno));
		return STORE_BUSY;
	}
	rc = vacuum_into(store->db, part);
	if (rc != SQLITE_OK) {
		err_set(err, "%s is gone and can't be written anew: %s",
			store->path, sqlite3_errmsg(store->db));
		(void)unlink(part); /* the next try removes it or says why */
		return store_is_damage(rc) ? STORE_RESET : STORE_BUSY;
	}
	if (!finish_copy(part, store->files.mode, err))
		return STORE_BUSY;
	if (rename(part, whole) != 0) {
		err_set(err, "%s: %s", whole, strerror(errno));
		return STORE_BUSY;
	}
	return store_files_sync_dir(store->path, err) ? STORE_OK : STORE_BUSY;
}

bool
store_rescue_finish(struct store *store, struct err *err)
{
	char part[STORE_NAME_SIZE], whole[STORE_NAME_SIZE];
	char to[STORE_STEM_SIZE];
	struct stat st;

	name_with(part, store, ".rescuing");
	name_with(whole, store, ".rescue");
	if (unlink(part) != 0 && errno != ENOENT)
		return err_set(err, "can't remove %s: %s", part,
			       strerror(errno));
	if (stat(whole, &st) != 0)
		return errno == ENOENT ||
		       err_set(err, "%s: %s", whole, strerror(errno));
	if (!store_files_clear(store->path, "replaced", &store->files, to, err))
		return false;
	if (rename(whole, store->path) != 0)
		return err_set(err, "can't rename %s to %s: %s", whole,
			       store->path, strerror(errno));
	if (!store_files_sync_dir(store->path, err))
		return false;
	log_warn("database_rescued", LOG_TEXT("database", store->path),
		 LOG_TEXT("replaced_moved_to", to));
	return true;
}

enum store_result
store_reset(struct store *store, const char *why, struct err *err)
{
	const struct store_files none = {.mode = 0};
	const struct err cause = *err;
	char to[STORE_STEM_SIZE];

	if (++store->resets > STORE_RESETS_MAX)
		return STORE_BROKEN;
	if (!store_files_clear(store->path, why, &none, to, err))
		return STORE_BUSY;
	log_error("database_damaged", LOG_TEXT("database", store->path),
		  LOG_TEXT("moved_to", to), LOG_TEXT("detail", cause.msg));
	store_disconnect(store, false);
	if (!store_connect(store, err))
		return STORE_BUSY;
	*err = cause;
	return STORE_RESET;
}

enum store_result
store_rescue(struct store *store, struct err *err)
{
	enum store_result result;
	int64_t epoch;

	/* One that was overtaken first must not put its copy in place. */
	if (store_query_int(store->db, sql_store_epoch, &epoch) == SQLITE_OK &&
	    epoch != store->epoch) {
		err_set(err, "another scalerd took %s over", store->path);
		return STORE_LOST;
	}
	result = store_copy_out(store, err);
	if (result == STORE_RESET)
		return store_reset(store, "replaced", err);
	if (result != STORE_OK)
		return result;
	store_disconnect(store, false);
	if (!store_connect(store, err))
		return STORE_BUSY;
	return store->fresh ? STORE_RESET : STORE_OK;
}
