/* SPDX-License-Identifier: MIT */
#include "fcgi-api/fleet.h"

const char *const fleet_columns[FLEET_NUMBERS] = {
    [FLEET_HEARTBEAT_UTC_MS] = "heartbeat_utc_ms",
    [FLEET_HEARTBEAT_BOOT_MS] = "heartbeat_boot_ms",
    [FLEET_STALE_AFTER_MS] = "stale_after_ms",
    [FLEET_FREE] = "free",
    [FLEET_COMING] = "coming",
    [FLEET_LAUNCHING] = "launching",
    [FLEET_STARTING] = "starting",
    [FLEET_AVAILABLE] = "available",
    [FLEET_STANDBY] = "standby",
    [FLEET_STOPPING] = "stopping",
    [FLEET_UPSCALE_MARGIN] = "upscale_margin",
    [FLEET_DOWNSCALE_MARGIN] = "downscale_margin",
    [FLEET_SERVER_CAPACITY] = "server_capacity",
    [FLEET_MIN_SERVERS] = "min_servers",
    [FLEET_MAX_SERVERS] = "max_servers",
    [FLEET_PANIC] = "panic",
    [FLEET_LEDGER_EPOCH] = "ledger_epoch",
    [FLEET_REV] = "rev",
};

void
fleet_set(struct fleet_now *f, const struct fleet *read, struct instant now)
{
	const int64_t *number = read->number;
	/* Of another boot: by the wall clock, once. */
	int64_t heartbeat_ms =
	    read->this_boot
		? number[FLEET_HEARTBEAT_BOOT_MS]
		: now.boot_ms - (now.utc_ms - number[FLEET_HEARTBEAT_UTC_MS]);
	atomic_store(&f->heartbeat_ms, heartbeat_ms);
	atomic_store(&f->stale_after_ms, number[FLEET_STALE_AFTER_MS]);
	atomic_store(&f->pack, read->pack);
	atomic_store(&f->known, true);
}

int64_t
fleet_age_ms(const struct fleet_now *f, int64_t now_boot_ms)
{
	if (!atomic_load_explicit(&f->known, memory_order_acquire))
		return -1;
	int64_t age = now_boot_ms - atomic_load_explicit(&f->heartbeat_ms,
							 memory_order_relaxed);
	return age < 0 ? 0 : age;
}
