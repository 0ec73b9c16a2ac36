/* SPDX-License-Identifier: MIT */
#include "fcgi-api/refresher.h"

#include <malloc.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "common/log.h"

void
refresher_init(struct refresher *r, struct api *api, const char *database,
	       const char *boot_id)
{
	*r = (struct refresher){
	    .api = api,
	    .reader = {.path = database, .boot_id = boot_id, .version = -1},
	    .follow = {.seats = &api->seats, .ledger = &api->ledger},
	    .backoff_ms = REOPEN_MIN_MS,
	};
}

/* Gives the connection up and says when to try again. */
static void
give_up(struct refresher *r, int64_t now_ms, const struct err *err)
{
	reader_close(&r->reader);
	counters_add(&r->api->counters.read_errors);
	r->open_at_ms = now_ms + r->backoff_ms;
	r->backoff_ms *= 2;
	if (r->backoff_ms > REOPEN_MAX_MS)
		r->backoff_ms = REOPEN_MAX_MS;
	if (!r->failing)
		log_warn("database_unreadable", LOG_TEXT("error", err->msg));
	r->failing = true;
}

static void
log_edges(struct refresher *r)
{
	bool bad = r->follow.bad_addresses > 0;
	if (r->failing)
		log_info("database_readable",
			 LOG_TEXT("database", r->reader.path));
	if (bad && !r->bad_addresses)
		log_error("bad_addresses",
			  LOG_NUM("left_out", r->follow.bad_addresses));
	r->failing = false;
	r->bad_addresses = bad;
}

static int64_t
cpu_us(void)
{
	struct timespec ts = {0};
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* A big fleet that changes all the time must not cost a whole core. */
static void
pay(struct refresher *r, int64_t now_ms, int64_t began_us)
{
	int64_t pause_ms = (cpu_us() - began_us) * REFRESH_COST_SHARE / 1000;
	if (pause_ms < REFRESH_TICK_MS)
		pause_ms = REFRESH_TICK_MS;
	if (now_ms + pause_ms > r->load_at_ms)
		r->load_at_ms = now_ms + pause_ms;
}

static uint64_t
database_epoch(const struct refresher *r)
{
	return (uint64_t)r->follow.fleet.number[FLEET_LEDGER_EPOCH];
}

/* Each ledger counts its own news: of one that was mapped since none was
 * looked at. */
static void
meet_ledger(struct refresher *r)
{
	struct ledger_map *map = &r->api->ledger;
	const struct ledger *ledger = ledger_map_current(map);
	if (ledger != NULL && map->times != r->met)
		r->news = ledger_news(ledger) - 1;
	r->met = map->times;
}

/* The lists of slots with credit, by what the ledger says now. */
static void
sort_seats(struct refresher *r)
{
	struct api *api = r->api;
	atomic_store(&api->seats.crowded, false);
	r->pack = r->follow.fleet.pack;
	seats_sort(&api->seats, ledger_map_current(&api->ledger),
		   r->follow.fleet.pack);
}

/* Players have used up so much that the lists are wrong. */
static void
sort_again(struct refresher *r, int64_t now_ms)
{
	int64_t began_us = cpu_us();
	sort_seats(r);
	r->busy = true;
	pay(r, now_ms, began_us);
}

/* What a load has brought. */
static void
apply(struct refresher *r, struct instant now, const struct ledger *was)
{
	struct api *api = r->api;
	if (ledger_map_current(&api->ledger) == NULL)
		ledger_map_follow(&api->ledger, database_epoch(r));
	meet_ledger(r);
	if (r->follow.changed || r->follow.fleet.pack != r->pack ||
	    ledger_map_current(&api->ledger) != was)
		sort_seats(r);
	fleet_set(&api->fleet, &r->follow.fleet, now);
	log_edges(r);
	counters_add(&api->counters.reloads);
	r->backoff_ms = REOPEN_MIN_MS;
}

/* Reads what changed, if anything did. */
static bool
load(struct refresher *r, struct instant now, struct err *err)
{
	struct api *api = r->api;
	int64_t began_us = cpu_us();
	const struct ledger *ledger = ledger_map_current(&api->ledger);
	/* Before the load: what is announced during it is looked at again. */
	uint32_t news = ledger == NULL ? r->news : ledger_news(ledger);
	bool announced = news != r->news;
	bool changed;
	r->news = news;
	r->check_at_ms = now.boot_ms + REFRESH_CHECK_MS;
	if (!follow_load(&r->follow, &r->reader, &changed, err))
		return false;
	if (changed)
		apply(r, now, ledger);
	/* Announced without a commit that we have not seen: cells opened. */
	if (changed || announced)
		seats_announce(&api->seats);
	pay(r, now.boot_ms, began_us);
	return true;
}

static bool
open_and_load(struct refresher *r, struct instant now, struct err *err)
{
	reader_close(&r->reader);
	if (!reader_open(&r->reader, err))
		return false;
	r->opened_ms = now.boot_ms;
	return load(r, now, err);
}

/* Is it time to open the file at the path (again)? */
static bool
must_open(struct refresher *r, int64_t now_ms)
{
	if (r->reader.db == NULL)
		return now_ms >= r->open_at_ms;
	/* Stale: perhaps scalerd writes, but not to the files that we have
	 * open, because somebody removed the -wal or -shm beside them. */
	if (r->stale && now_ms >= r->opened_ms + REOPEN_STALE_MS)
		return true;
	return now_ms >= r->file_at_ms && reader_is_replaced(&r->reader);
}

/* scalerd announced something; or it can't, and it is time to look. */
static bool
must_look(struct refresher *r, int64_t now_ms)
{
	struct ledger *ledger = ledger_map_current(&r->api->ledger);
	if (r->reader.db == NULL || now_ms < r->load_at_ms)
		return false;
	return ledger == NULL || now_ms >= r->check_at_ms ||
	       ledger_news(ledger) != r->news;
}

static bool
must_sort(const struct refresher *r, int64_t now_ms)
{
	return now_ms >= r->load_at_ms && atomic_load(&r->api->seats.crowded);
}

static void
follow_ledger(struct refresher *r, int64_t now_ms)
{
	struct api *api = r->api;
	struct ledger *was = ledger_map_current(&api->ledger);
	if (now_ms < r->file_at_ms || !atomic_load(&api->fleet.known))
		return;
	(void)ledger_map_check(&api->ledger, database_epoch(r));
	/* scalerd made another, closed every cell of ours and can't commit. */
	if (r->stale)
		ledger_map_drop_replaced(&api->ledger);
	ledger_map_follow(&api->ledger, database_epoch(r));
	meet_ledger(r);
	if (ledger_map_current(&api->ledger) != was) {
		sort_seats(r);
		seats_announce(&api->seats);
	}
}

static void
refresh_list(struct refresher *r, int64_t now_ms)
{
	if (!r->follow.list_changed || now_ms < r->list_at_ms)
		return;
	struct text *list = list_make(&r->api->seats);
	r->list_at_ms = now_ms + REFRESH_LIST_MS;
	/* Out of memory: the old one stays until the next attempt. */
	if (list == NULL)
		return;
	publication_put(&r->api->list, list);
	r->follow.list_changed = false;
}

/* A burst leaves pages behind all over the heaps, each a little fuller than
 * the one before. */
static void
give_back_memory(struct refresher *r, int64_t now_ms)
{
	if (now_ms < r->trim_at_ms)
		return;
	r->trim_at_ms = now_ms + REFRESH_TRIM_MS;
	(void)malloc_trim(0);
}

/* What operators asked for. */
static bool
answer_report(struct refresher *r, int64_t now_ms, struct err *err)
{
	struct report_desk *desk = &r->api->reports;
	struct report report;
	report_tidy(desk, now_ms);
	if (!atomic_load(&desk->wanted))
		return true;
	if (r->reader.db == NULL) {
		report_put(desk, NULL, now_ms);
		return true;
	}
	bool ok = reader_report(&r->reader, &report, err);
	report_put(desk, ok ? &report : NULL, now_ms);
	return ok;
}

static bool
is_stale(struct refresher *r, int64_t now_ms, int64_t age_ms)
{
	int64_t limit_ms = atomic_load(&r->api->fleet.stale_after_ms);
	/* The machine may have slept, and scalerd with it: it gets time to say
	 * that it lives. */
	if (r->turned_ms > 0 && now_ms - r->turned_ms > limit_ms / 2)
		r->judge_at_ms = now_ms + STALE_GRACE_MS;
	return age_ms > limit_ms && (r->stale || now_ms >= r->judge_at_ms);
}

static void
watch_age(struct refresher *r, int64_t now_ms)
{
	struct fleet_now *fleet = &r->api->fleet;
	int64_t age_ms = fleet_age_ms(fleet, now_ms);
	bool stale = is_stale(r, now_ms, age_ms);
	if (stale && !r->stale)
		log_warn("state_stale", LOG_NUM("age_ms", age_ms));
	if (!stale && r->stale)
		log_info("state_fresh", LOG_NUM("age_ms", age_ms));
	r->stale = stale;
	fleet_judge(fleet, stale, now_ms);
}

void
refresher_turn(struct refresher *r, struct instant now)
{
	struct err err;
	bool ok = true;
	r->busy = false;
	/* After so long, rows may have come and gone. */
	if (now.boot_ms > r->turned_ms + REFRESH_GAP_MS)
		r->reader.rev = -1;
	if (must_open(r, now.boot_ms))
		ok = open_and_load(r, now, &err);
	else if (must_look(r, now.boot_ms))
		ok = load(r, now, &err);
	else if (must_sort(r, now.boot_ms))
		sort_again(r, now.boot_ms);
	follow_ledger(r, now.boot_ms);
	if (now.boot_ms >= r->file_at_ms)
		r->file_at_ms = now.boot_ms + REFRESH_FILE_MS;
	refresh_list(r, now.boot_ms);
	if (ok)
		ok = answer_report(r, now.boot_ms, &err);
	if (!ok)
		give_up(r, now.boot_ms, &err);
	watch_age(r, now.boot_ms);
	give_back_memory(r, now.boot_ms);
	r->turned_ms = now.boot_ms;
}

void
refresher_wait(struct refresher *r)
{
	struct ledger *ledger = ledger_map_current(&r->api->ledger);
	int wait_ms = r->busy ? REFRESH_TICK_MS : REFRESH_WAIT_MS;
	/* News of a database that is not open stay news. */
	if (ledger == NULL || r->reader.db == NULL)
		(void)poll(NULL, 0, wait_ms);
	else
		(void)ledger_wait(ledger, r->news, wait_ms);
	int64_t pause_ms = r->load_at_ms - instant_boot_ms();
	if (pause_ms > 0)
		(void)poll(NULL, 0,
			   pause_ms < REFRESH_WAIT_MS ? (int)pause_ms
						      : REFRESH_WAIT_MS);
}

void
refresher_run(struct refresher *r)
{
	for (;;) { /* as long as the process runs */
		refresher_wait(r);
		refresher_turn(r, instant_now());
	}
}

void
refresher_end(struct refresher *r)
{
	reader_close(&r->reader);
}
