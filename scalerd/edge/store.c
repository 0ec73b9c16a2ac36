/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* realpath */
#include "scalerd/edge/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_path.h"
#include "scalerd/edge/store_private.h"

/* SQLite puts -wal and -shm beside the file that a link leads to. */
static bool
resolve(const char *database, char *path, struct err *err)
{
	if (realpath(database, path) != NULL)
		return true;
	if (errno != ENOENT)
		return err_set(err, "DATABASE %s: %s", database,
			       strerror(errno));
	if (!config_path_absolute(database, path, STORE_PATH_SIZE))
		return err_set(err, "DATABASE %s: not a file's path", database);
	return true;
}

bool
store_is_writer(void *self)
{
	struct store *store = self;
	bool is = false;

	if (store->db == NULL)
		return false;
	if (sqlite3_step(store->stmt[STMT_EPOCH]) == SQLITE_ROW)
		is = sqlite3_column_int64(store->stmt[STMT_EPOCH], 0) ==
		     store->epoch;
	(void)sqlite3_reset(store->stmt[STMT_EPOCH]);
	return is;
}

struct health_rule
store_health_rule(const struct store *store)
{
	return (struct health_rule){.fall = (int)store->config.health_fall,
				    .rise = (int)store->config.health_rise};
}

bool
store_open(struct store **out, struct store_port *port,
	   const struct config *config, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));

	*out = NULL;
	if (store == NULL)
		return err_set(err, "out of memory");
	/* Its statistics of memory, that nobody asks for, take a mutex at each
	 * allocation. Refused when SQLite is in use already: no harm. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	store->config = *config;
	if (!resolve(config->database, store->path, err) ||
	    !proc_boot_id(store->boot_id, err) || !store_connect(store, err)) {
		store_close(store);
		return false;
	}
	*port = (struct store_port){.self = store,
				    .load = store_load,
				    .commit = store_commit,
				    .is_writer = store_is_writer};
	*out = store;
	return true;
}

void
store_reconfigure(struct store *store, const struct config *config)
{
	store->config = *config;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	store_disconnect(store, true);
	free(store);
}
