/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/fcgi-api/database_bench.h"

#include <stdlib.h>
#include <unistd.h>

#include "sql.h"

static const char fleet[] =
    "PRAGMA journal_mode = WAL;"
    "INSERT INTO fleet_state (id, provider, region, cluster, fleet_name,"
    " heartbeat_boot_ms, boot_id, stale_after_ms, free, last_action,"
    " ledger_epoch) VALUES (1, 'local', '', '', 'test', 77, 'this-boot', 5000,"
    " 42, 'a \"b\" </c>', 77);"
    "INSERT INTO alarm VALUES ('panic', 0, 5, 'all are down');";

static void
run(sqlite3 *db, const char *sql)
{
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", message, sql);
}

sqlite3 *
database_make(const char *path)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (int i = 0; i < sql_migration_count; i++)
		run(db, sql_migrations[i].text);
	run(db, sql_views);
	run(db, fleet);
	return db;
}

void
database_open(struct database_bench *b)
{
	struct err err;
	memset(b, 0, sizeof(*b));
	(void)snprintf(b->directory, sizeof(b->directory),
		       "/tmp/gsm-reader-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	(void)snprintf(b->path, sizeof(b->path), "%s/state.db", b->directory);
	(void)snprintf(b->other, sizeof(b->other), "%s/new.db", b->directory);
	(void)snprintf(b->ledger_path, sizeof(b->ledger_path), "%s/ledger",
		       b->directory);
	b->writer = database_make(b->path);
	assert_true(ledger_create(b->ledger_path, DATABASE_EPOCH, &err));
	assert_true(ledger_open(&b->ledger, b->ledger_path, &err));
}

void
database_close(struct database_bench *b)
{
	static const char *const names[] = {
	    "state.db",   "state.db-wal", "state.db-shm", "new.db",
	    "new.db-wal", "new.db-shm",   "ledger"};
	ledger_close(b->ledger);
	(void)sqlite3_close(b->writer);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", b->directory,
			       names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(b->directory), 0);
}

void
database_write(struct database_bench *b, const char *sql)
{
	run(b->writer, sql);
}

/* In one commit with the rev that it raises. */
static void
write_change(struct database_bench *b, const char *sql)
{
	char all[1024];
	(void)snprintf(all, sizeof(all),
		       "BEGIN; %s; UPDATE fleet_state SET rev = %lld; COMMIT;",
		       sql, (long long)b->rev);
	run(b->writer, all);
	ledger_announce(b->ledger);
}

void
database_put(struct database_bench *b, int64_t id, uint32_t slot,
	     uint32_t generation, const char *address, int64_t seats,
	     const char *health)
{
	char sql[768];
	b->rev++;
	(void)snprintf(
	    sql, sizeof(sql),
	    "INSERT OR REPLACE INTO gameserver (id, state, reason,"
	    " since_utc_ms, origin, ours, mark, ref, instance, ip, port,"
	    " address, health, score, heard, seats, most_seats,"
	    " ready_to_close, answered_utc_ms, host_leaving, slot,"
	    " generation, grant_limit, rev) VALUES (%lld, 'available', 'none',"
	    " 0, 'launched', 1, '', '', '', '', 1, '%s', '%s', 0, 1, %lld,"
	    " 0, 0, 0, 0, %u, %u, %lld, %lld)",
	    (long long)id, address, health, (long long)seats, slot, generation,
	    (long long)seats, (long long)b->rev);
	if (ledger_read(b->ledger, slot).generation != generation)
		ledger_assign(b->ledger, slot, generation);
	write_change(b, sql);
	(void)ledger_set_closed(b->ledger, slot, strcmp(health, "bad") == 0);
	ledger_announce(b->ledger);
}

void
database_change(struct database_bench *b, int64_t id, const char *set)
{
	char sql[512];
	b->rev++;
	(void)snprintf(sql, sizeof(sql),
		       "UPDATE gameserver SET rev = %lld, %s WHERE id = %lld",
		       (long long)b->rev, set, (long long)id);
	write_change(b, sql);
}
