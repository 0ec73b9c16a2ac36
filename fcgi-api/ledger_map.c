/* SPDX-License-Identifier: MIT */
#include "fcgi-api/ledger_map.h"

#include <stdlib.h>

#include "common/log.h"

static void
free_mapping(void *item)
{
	struct mapping *mapping = item;
	ledger_close(mapping->ledger);
	free(mapping);
}

void
ledger_map_init(struct ledger_map *m, const char *path)
{
	m->published.free_item = free_mapping;
	m->path = path;
}

static struct mapping *
current(struct ledger_map *m)
{
	return atomic_load(&m->published.current);
}

struct ledger *
ledger_map_current(struct ledger_map *m)
{
	struct mapping *mapping = current(m);
	return mapping == NULL ? NULL : mapping->ledger;
}

static bool
is_good(const struct mapping *mapping)
{
	return ledger_epoch(mapping->ledger) == mapping->epoch;
}

bool
ledger_map_check(struct ledger_map *m, uint64_t epoch)
{
	struct mapping *mapping = current(m);
	if (mapping != NULL && mapping->epoch == epoch && is_good(mapping))
		return true;
	if (mapping != NULL)
		publication_put(&m->published, NULL);
	return false;
}

void
ledger_map_drop_replaced(struct ledger_map *m)
{
	struct ledger *now = ledger_map_current(m);

	if (now != NULL && ledger_is_replaced(now, m->path))
		publication_put(&m->published, NULL);
}

/* Maps the file if it is of this epoch. */
static bool
map(struct ledger_map *m, uint64_t epoch, struct err *err)
{
	struct mapping *mapping = calloc(1, sizeof(*mapping));
	if (mapping == NULL)
		return err_set(err, "out of memory");
	if (!ledger_open(&mapping->ledger, m->path, err)) {
		free(mapping);
		return false;
	}
	mapping->epoch = epoch;
	if (epoch != 0 && is_good(mapping)) {
		publication_put(&m->published, mapping);
		m->times++;
		return true;
	}
	free_mapping(mapping);
	return err_set(err, "%s: not the ledger of this database", m->path);
}

void
ledger_map_follow(struct ledger_map *m, uint64_t epoch)
{
	struct err err = {0};
	struct ledger *now = ledger_map_current(m);
	bool ok = now != NULL && !ledger_is_replaced(now, m->path);
	if (!ok)
		ok = map(m, epoch, &err);
	/* What is mapped stays good while it has the database's epoch. */
	ok = ok || now != NULL;
	if (!ok && !m->failing)
		log_warn("ledger_unusable", LOG_TEXT("error", err.msg));
	if (ok && m->failing)
		log_info("ledger_usable", LOG_TEXT("ledger", m->path));
	m->failing = !ok;
}

struct ledger *
ledger_map_take(struct ledger_map *m, unsigned slot)
{
	struct mapping *mapping = publication_take(&m->published, slot);
	return mapping != NULL && is_good(mapping) ? mapping->ledger : NULL;
}

void
ledger_map_release(struct ledger_map *m, unsigned slot)
{
	publication_release(&m->published, slot);
}
