/* SPDX-License-Identifier: MIT */
#include "fcgi-api/fleet.h"

#include "fcgi-api/limits.h"

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

void
fleet_judge(struct fleet_now *f, bool stale, int64_t now_boot_ms)
{
	atomic_store_explicit(&f->stale, stale, memory_order_relaxed);
	atomic_store_explicit(&f->hung, false, memory_order_relaxed);
	/* Who sees it sees what this look brought. */
	atomic_store_explicit(&f->looked_ms, now_boot_ms, memory_order_release);
}

bool
fleet_is_late(const struct fleet_now *f, int64_t now_boot_ms)
{
	return now_boot_ms - atomic_load_explicit(&f->looked_ms,
						  memory_order_acquire) >
		   REFRESH_LATE_MS &&
	       !atomic_load_explicit(&f->hung, memory_order_relaxed);
}

bool
fleet_is_stale(const struct fleet_now *f, int64_t age_ms)
{
	if (atomic_load_explicit(&f->stale, memory_order_relaxed))
		return true;
	return atomic_load_explicit(&f->hung, memory_order_relaxed) &&
	       age_ms > atomic_load_explicit(&f->stale_after_ms,
					     memory_order_relaxed);
}
