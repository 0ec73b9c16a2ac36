/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/store_private.h"

#include <assert.h>

#include "sql.h"

int
store_query_int(sqlite3 *db, const char *sql, int64_t *value)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	*value = 0;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*value = sqlite3_column_int64(stmt, 0);
	return sqlite3_finalize(stmt);
}

const char *
store_provider_name(const struct config *config)
{
	return config->provider == CONFIG_PROVIDER_ECS ? "ecs" : "local";
}

const char *
store_region(const struct config *config)
{
	return config->provider == CONFIG_PROVIDER_ECS ? config->aws_region
						       : "";
}

const char *
store_cluster(const struct config *config)
{
	return config->provider == CONFIG_PROVIDER_ECS ? config->ecs_cluster
						       : "";
}

static int
exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* All of them: one that a migration leaves behind could not be read. */
static int
drop_views(sqlite3 *db)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql_store_drop_views, -1, &stmt, NULL);
	char *script = NULL;

	if (rc != SQLITE_OK)
		return rc;
	if (sqlite3_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		script = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
	rc = sqlite3_finalize(stmt);
	if (rc == SQLITE_OK && script != NULL)
		rc = exec(db, script);
	sqlite3_free(script);
	return rc;
}

static int
migrate(sqlite3 *db, bool *migrated)
{
	int64_t version;
	int rc = store_query_int(db, sql_store_user_version, &version);

	*migrated = rc == SQLITE_OK && version < sql_migration_count;
	if (*migrated)
		rc = drop_views(db);
	while (rc == SQLITE_OK && version < sql_migration_count) {
		const struct sql_migration *next = &sql_migrations[version];
		int64_t was = version;

		rc = exec(db, next->text);
		if (rc == SQLITE_OK)
			rc = store_query_int(db, sql_store_user_version,
					     &version);
		assert(rc != SQLITE_OK || version == was + 1);
	}
	return rc;
}

static int
set_identity(sqlite3 *db, const struct config *config)
{
	sqlite3_stmt *stmt;
	int rc =
	    sqlite3_prepare_v2(db, sql_store_set_identity, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_text(stmt, 1, store_provider_name(config), -1,
			  SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, store_region(config), -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, store_cluster(config), -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, config->fleet_name, -1, SQLITE_STATIC);
	(void)sqlite3_step(stmt);
	return sqlite3_finalize(stmt);
}

/* FNV-1a, as SQLite's signed 64 bits. */
static int64_t
hash(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (int64_t)h;
}

static int
set_views_hash(sqlite3 *db, int64_t value)
{
	sqlite3_stmt *stmt;
	int rc =
	    sqlite3_prepare_v2(db, sql_store_set_views_hash, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(stmt, 1, value);
	(void)sqlite3_step(stmt);
	return sqlite3_finalize(stmt);
}

/* Only when they changed: each change makes every reader parse the schema
 * again. */
static int
renew_views(sqlite3 *db, bool migrated)
{
	int64_t has, wants = hash(sql_views);
	int rc = store_query_int(db, sql_store_views_hash, &has);

	if (rc != SQLITE_OK || (!migrated && has == wants))
		return rc;
	rc = drop_views(db);
	if (rc == SQLITE_OK)
		rc = exec(db, sql_views);
	return rc == SQLITE_OK ? set_views_hash(db, wants) : rc;
}

int
store_put_in_order(struct store *store)
{
	bool migrated;
	int rc = exec(store->db, sql_store_begin);

	if (rc == SQLITE_OK)
		rc = migrate(store->db, &migrated);
	if (rc == SQLITE_OK)
		rc = set_identity(store->db, &store->config);
	if (rc == SQLITE_OK)
		rc = renew_views(store->db, migrated);
	if (rc == SQLITE_OK)
		rc = store_query_int(store->db, sql_store_take_over,
				     &store->epoch);
	return rc == SQLITE_OK ? exec(store->db, sql_store_commit) : rc;
}
