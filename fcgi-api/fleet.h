/* SPDX-License-Identifier: MIT */
/* What the database says of the fleet as a whole, and how old that is. */
#ifndef GSM_FCGI_API_FLEET_H
#define GSM_FCGI_API_FLEET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fcgi-api/instant.h"

/* Columns of the query api_fleet, in its order: first the numbers. */
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
	FLEET_LEDGER_EPOCH,
	FLEET_REV,
	FLEET_NUMBERS,
	FLEET_BOOT_ID = FLEET_NUMBERS,
	FLEET_ALLOCATION,
};

/* One reading of the row. */
struct fleet {
	int64_t number[FLEET_NUMBERS];
	bool this_boot; /* the heartbeat was written since the machine's boot */
	bool pack;      /* ALLOCATION=pack */
};

/* What requests need of it. Each member is read by itself; the refresher writes
 * them, but for `hung`. */
struct fleet_now {
	atomic_bool known; /* it was read at least once */
	atomic_bool pack;
	atomic_bool stale; /* the refresher's verdict at looked_ms */
	atomic_bool hung;  /* by readers: it was waited for in vain */
	_Atomic int64_t looked_ms;
	_Atomic int64_t heartbeat_ms; /* on this boot's CLOCK_BOOTTIME */
	_Atomic int64_t stale_after_ms;
};

void fleet_set(struct fleet_now *f, const struct fleet *read,
	       struct instant now);

/* Milliseconds since scalerd's heartbeat, never negative; -1: not known. */
int64_t fleet_age_ms(const struct fleet_now *f, int64_t now_boot_ms);

/* The refresher has looked: the state is stale, or is not. */
void fleet_judge(struct fleet_now *f, bool stale, int64_t now_boot_ms);

/* The refresher has not looked for so long that this process must have been
 * stopped, or the refresher hangs; false once it was waited for in vain. */
bool fleet_is_late(const struct fleet_now *f, int64_t now_boot_ms);

/* By the verdict, not by the clock: after a stop every state is old. If the
 * refresher hangs there is nothing but the clock. */
bool fleet_is_stale(const struct fleet_now *f, int64_t age_ms);

#endif
