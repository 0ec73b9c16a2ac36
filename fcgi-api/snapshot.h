/* SPDX-License-Identifier: MIT */
/*
 * The fleet as it was read from the database at one moment. Built by one
 * thread, sealed, and never changed again: any number of threads read it.
 */
#ifndef GSM_FCGI_API_SNAPSHOT_H
#define GSM_FCGI_API_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "fcgi-api/instant.h"
#include "fcgi-api/limits.h"
#include "fcgi-api/text.h"

enum grade { GRADE_GOOD, GRADE_SUSPECT, GRADE_COUNT };

struct server {
	uint64_t seats_upto; /* free seats of this one and all before it */
	char address[ADDRESS_SIZE];
};

struct servers {
	struct server *at; /* owned */
	size_t len;
	size_t size;
};

/* The numbers of api_v1_fleet, in the order of snapshot_fleet_columns. */
enum fleet_number {
	FLEET_HEARTBEAT_UTC_MS,
	FLEET_HEARTBEAT_BOOT_MS,
	FLEET_STALE_AFTER_MS,
	FLEET_FREE,
	FLEET_COMING,
	FLEET_LAUNCHING,
	FLEET_STARTING,
	FLEET_AVAILABLE,
	FLEET_STANDBY,
	FLEET_STOPPING,
	FLEET_UPSCALE_MARGIN,
	FLEET_DOWNSCALE_MARGIN,
	FLEET_SERVER_CAPACITY,
	FLEET_MIN_SERVERS,
	FLEET_MAX_SERVERS,
	FLEET_PANIC,
	FLEET_NUMBERS,
};
extern const char *const snapshot_fleet_columns[FLEET_NUMBERS];

struct snapshot {
	struct servers servers[GRADE_COUNT];
	int64_t fleet[FLEET_NUMBERS];
	bool this_boot; /* the heartbeat was written since the machine's boot */
	int64_t alarms;
	int64_t bad_addresses; /* rows left out: not an address */
	struct text list;      /* body of /available-gameserver-list/ */
	struct text status;    /* members of /status.json: fleet, alarms, ... */
	struct snapshot *next_retired; /* publication's */
};

/* [A-Za-z0-9.:[]_-]+, shorter than ADDRESS_SIZE: safe inside JSON as it is. */
bool snapshot_address_valid(const char *address);

/* An empty one; NULL: out of memory. */
struct snapshot *snapshot_new(void);

/* Adds a gameserver; seats below 0 count as none. An address that is not
 * valid is counted and left out. False: out of memory, or ROWS_MAX reached. */
NODISCARD bool snapshot_add(struct snapshot *s, enum grade grade,
			    const char *address, int64_t seats,
			    struct err *err);

/* Builds the list's body: the good ones, or the suspects if none is good. */
NODISCARD bool snapshot_seal(struct snapshot *s, struct err *err);

/* Milliseconds since scalerd's heartbeat, never negative. */
int64_t snapshot_age_ms(const struct snapshot *s, struct instant now);

void snapshot_free(struct snapshot *s);

#endif
