/* SPDX-License-Identifier: MIT */
#include "fcgi-api/refresher.h"

#include <poll.h>

#include "common/log.h"

void
refresher_init(struct refresher *r, struct api *api, const char *database,
	       const char *boot_id)
{
	*r = (struct refresher){
	    .api = api,
	    .reader = {.path = database, .boot_id = boot_id, .version = -1},
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
log_edges(struct refresher *r, const struct snapshot *s)
{
	if (r->failing)
		log_info("database_readable",
			 LOG_TEXT("database", r->reader.path));
	if (s->bad_addresses > 0 && !r->bad_addresses)
		log_error("bad_addresses",
			  LOG_NUM("left_out", s->bad_addresses));
	r->failing = false;
	r->bad_addresses = s->bad_addresses > 0;
}

static bool
load(struct refresher *r, int64_t now_ms, struct err *err)
{
	struct snapshot *s;
	int64_t began_ms = instant_now().boot_ms;
	if (!reader_load(&r->reader, &s, err))
		return false;
	log_edges(r, s);
	publication_put(&r->api->state, s);
	counters_add(&r->api->counters.reloads);
	/* A big fleet that changes all the time must not cost a whole core. */
	int64_t cost_ms = instant_now().boot_ms - began_ms;
	r->load_at_ms = now_ms + cost_ms * REFRESH_COST_SHARE;
	r->backoff_ms = REOPEN_MIN_MS;
	return true;
}

static bool
open_and_load(struct refresher *r, int64_t now_ms, struct err *err)
{
	reader_close(&r->reader);
	if (!reader_open(&r->reader, err))
		return false;
	r->opened_at_ms = now_ms;
	r->file_check_at_ms = now_ms + REFRESH_FILE_MS;
	return load(r, now_ms, err);
}

/* Is it time to open the file at the path (again)? */
static bool
must_open(struct refresher *r, int64_t now_ms)
{
	if (r->reader.db == NULL)
		return now_ms >= r->open_at_ms;
	/* Stale: perhaps scalerd writes, but not to the files that we have
	 * open, because somebody removed the -wal or -shm beside them. */
	if (r->stale && now_ms >= r->opened_at_ms + REOPEN_STALE_MS)
		return true;
	if (now_ms < r->file_check_at_ms)
		return false;
	r->file_check_at_ms = now_ms + REFRESH_FILE_MS;
	return reader_is_replaced(&r->reader);
}

static void
watch_age(struct refresher *r, struct instant now)
{
	/* Its only writer is this thread: no slot needed. */
	const struct snapshot *s = atomic_load(&r->api->state.current);
	if (s == NULL)
		return;
	int64_t age_ms = snapshot_age_ms(s, now);
	bool stale = age_ms > s->fleet[FLEET_STALE_AFTER_MS];
	if (stale && !r->stale)
		log_warn("state_stale", LOG_NUM("age_ms", age_ms));
	if (!stale && r->stale)
		log_info("state_fresh", LOG_NUM("age_ms", age_ms));
	r->stale = stale;
}

void
refresher_turn(struct refresher *r, struct instant now)
{
	struct err err;
	bool changed = false;
	bool ok = true;
	if (must_open(r, now.boot_ms))
		ok = open_and_load(r, now.boot_ms, &err);
	else if (r->reader.db != NULL && now.boot_ms >= r->load_at_ms)
		ok = reader_has_changed(&r->reader, &changed, &err);
	if (ok && changed)
		ok = load(r, now.boot_ms, &err);
	if (!ok)
		give_up(r, now.boot_ms, &err);
	watch_age(r, now);
}

void
refresher_run(struct refresher *r, int stop_fd)
{
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
	while (poll(&stop, 1, REFRESH_CHECK_MS) <= 0)
		refresher_turn(r, instant_now());
}

void
refresher_end(struct refresher *r)
{
	reader_close(&r->reader);
}
