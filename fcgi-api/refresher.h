/* SPDX-License-Identifier: MIT */
/*
 * Keeps the published snapshot up to date, in a thread of its own, so that a
 * request never waits for SQLite. Whatever happens to the database, the last
 * snapshot stays; the file is opened again with backoff.
 */
#ifndef GSM_FCGI_API_REFRESHER_H
#define GSM_FCGI_API_REFRESHER_H

#include <stdbool.h>
#include <stdint.h>

#include "fcgi-api/api.h"
#include "fcgi-api/reader.h"

struct refresher {
	struct api *api;
	struct reader reader;
	int64_t open_at_ms; /* CLOCK_BOOTTIME: not before */
	int64_t backoff_ms;
	int64_t opened_at_ms;
	int64_t file_check_at_ms;
	int64_t load_at_ms;
	bool failing; /* edges, for the log */
	bool stale;
	bool bad_addresses;
};

/* `database` and `boot_id` are borrowed for the refresher's life. */
void refresher_init(struct refresher *r, struct api *api, const char *database,
		    const char *boot_id);

/* One look at the database; publishes what is new. Never blocks for long
 * (DATABASE_BUSY_MS and the reading itself). */
void refresher_turn(struct refresher *r, struct instant now);

/* Turns every REFRESH_CHECK_MS until `stop_fd` is readable or closed at the
 * other end. */
void refresher_run(struct refresher *r, int stop_fd);

void refresher_end(struct refresher *r);

#endif
