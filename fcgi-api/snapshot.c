/* SPDX-License-Identifier: MIT */
#include "fcgi-api/snapshot.h"

#include <stdlib.h>
#include <string.h>

const char *const snapshot_fleet_columns[FLEET_NUMBERS] = {
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
};

bool
snapshot_address_valid(const char *address)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789.:[]_-";
	size_t len = strspn(address, allowed);
	return len > 0 && len < ADDRESS_SIZE && address[len] == '\0';
}

struct snapshot *
snapshot_new(void)
{
	return calloc(1, sizeof(struct snapshot));
}

static bool
servers_grow(struct servers *list, struct err *err)
{
	size_t size = list->size == 0 ? 16 : list->size * 2;
	struct server *at = realloc(list->at, size * sizeof(*at));
	if (at == NULL)
		return err_set(err, "out of memory for %zu gameservers", size);
	list->at = at;
	list->size = size;
	return true;
}

bool
snapshot_add(struct snapshot *s, enum grade grade, const char *address,
	     int64_t seats, struct err *err)
{
	if (!snapshot_address_valid(address)) {
		s->bad_addresses++;
		return true;
	}
	struct servers *list = &s->servers[grade];
	if (list->len >= ROWS_MAX)
		return err_set(err, "more than %d gameservers", ROWS_MAX);
	if (list->len == list->size && !servers_grow(list, err))
		return false;
	if (seats < 0)
		seats = 0;
	if (seats > SEATS_MAX)
		seats = SEATS_MAX;
	struct server *added = &list->at[list->len];
	uint64_t before = list->len == 0 ? 0 : added[-1].seats_upto;
	added->seats_upto = before + (uint64_t)seats;
	memcpy(added->address, address, strlen(address) + 1);
	list->len++;
	return true;
}

bool
snapshot_seal(struct snapshot *s, struct err *err)
{
	const struct servers *list = &s->servers[GRADE_GOOD];
	if (list->len == 0)
		list = &s->servers[GRADE_SUSPECT];
	/* Not json-c: the bytes are those of the seed, Python's json.dumps,
	 * and a valid address needs no escape. */
	text_add(&s->list, "{\"server_list\": [");
	for (size_t i = 0; i < list->len; i++)
		text_add(&s->list, "%s\"%s\"", i == 0 ? "" : ", ",
			 list->at[i].address);
	text_add(&s->list, "]}");
	if (!text_ok(&s->list))
		return err_set(err, "out of memory for the list");
	return true;
}

int64_t
snapshot_age_ms(const struct snapshot *s, struct instant now)
{
	int64_t age = s->this_boot
			  ? now.boot_ms - s->fleet[FLEET_HEARTBEAT_BOOT_MS]
			  : now.utc_ms - s->fleet[FLEET_HEARTBEAT_UTC_MS];
	return age < 0 ? 0 : age;
}

void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	for (int grade = 0; grade < GRADE_COUNT; grade++)
		free(s->servers[grade].at);
	text_free(&s->list);
	text_free(&s->status);
	free(s);
}
