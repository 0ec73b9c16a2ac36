/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 16 };

/* What the kinds have in common, by where it stands in each. */
struct shape {
	size_t size;
	size_t name_at;
	size_t name_size;
	size_t known_at;
};

#define SHAPE(type, name)                                                      \
	{                                                                      \
		sizeof(struct type), offsetof(struct type, name),              \
		    sizeof(((struct type *)0)->name),                          \
		    offsetof(struct type, known)                               \
	}

static const struct shape shapes[FACTS_KIND_COUNT] = {
    [FACTS_TASK] = SHAPE(facts_task, arn),
    [FACTS_HOST] = SHAPE(facts_host, arn),
    [FACTS_MACHINE] = SHAPE(facts_machine, id),
    [FACTS_ENI] = SHAPE(facts_eni, id),
};

/* All of a kind, and where each name is: a table of 2 * room slots, of which
 * each holds a place + 1, or 0. */
struct list {
	unsigned char *items;
	size_t *slots;
	size_t n;
	size_t room; /* a power of two */
};

struct facts {
	struct list lists[FACTS_KIND_COUNT];
};

struct facts *
facts_new(void)
{
	return calloc(1, sizeof(struct facts));
}

void
facts_free(struct facts *facts)
{
	if (!facts)
		return;
	for (size_t kind = 0; kind < FACTS_KIND_COUNT; kind++) {
		free(facts->lists[kind].items);
		free(facts->lists[kind].slots);
	}
	free(facts);
}

void
facts_clear(struct facts *facts)
{
	for (size_t kind = 0; kind < FACTS_KIND_COUNT; kind++) {
		struct list *list = &facts->lists[kind];

		if (list->slots)
			memset(list->slots, 0,
			       2 * list->room * sizeof(list->slots[0]));
		list->n = 0;
	}
}

static void *
item_at(const struct facts *facts, enum facts_kind kind, size_t i)
{
	const struct list *list = &facts->lists[kind];

	assert(i < list->n);
	return list->items + i * shapes[kind].size;
}

static char *
name_at(const struct facts *facts, enum facts_kind kind, size_t i)
{
	return (char *)item_at(facts, kind, i) + shapes[kind].name_at;
}

static enum facts_known *
known_at(const struct facts *facts, enum facts_kind kind, size_t i)
{
	unsigned char *item = item_at(facts, kind, i);

	return (void *)(item + shapes[kind].known_at);
}

/* FNV-1a. */
static size_t
hash(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32);
}

/* The slot that holds the name, or else the free one where it belongs: at least
 * half of the slots are free. */
static size_t *
find_slot(const struct facts *facts, enum facts_kind kind, const char *name)
{
	const struct list *list = &facts->lists[kind];
	const size_t mask = 2 * list->room - 1;
	size_t at = hash(name) & mask;

	while (list->slots[at] != 0 &&
	       strcmp(name_at(facts, kind, list->slots[at] - 1), name) != 0)
		at = (at + 1) & mask;
	return &list->slots[at];
}

static bool
grow(struct facts *facts, enum facts_kind kind)
{
	struct list *list = &facts->lists[kind];
	const size_t room = list->room > 0 ? 2 * list->room : ROOM_MIN;
	unsigned char *items;
	size_t *slots;

	if (room > FACTS_MAX)
		return false;
	slots = calloc(2 * room, sizeof(slots[0]));
	if (!slots)
		return false;
	items = realloc(list->items, room * shapes[kind].size);
	if (!items) {
		free(slots);
		return false;
	}
	free(list->slots);
	list->items = items;
	list->slots = slots;
	list->room = room;
	for (size_t i = 0; i < list->n; i++)
		*find_slot(facts, kind, name_at(facts, kind, i)) = i + 1;
	return true;
}

static void *
add(struct facts *facts, enum facts_kind kind, const char *name, size_t len)
{
	struct list *list = &facts->lists[kind];
	size_t i;

	if (list->n == list->room && !grow(facts, kind))
		return NULL;
	i = list->n++;
	memset(item_at(facts, kind, i), 0, shapes[kind].size);
	memcpy(name_at(facts, kind, i), name, len + 1);
	*find_slot(facts, kind, name) = i + 1;
	return item_at(facts, kind, i);
}

static void *
find(const struct facts *facts, enum facts_kind kind, const char *name)
{
	size_t place;

	if (facts->lists[kind].room == 0)
		return NULL;
	place = *find_slot(facts, kind, name);
	return place > 0 ? item_at(facts, kind, place - 1) : NULL;
}

static void *
find_or_add(struct facts *facts, enum facts_kind kind, const char *name)
{
	const size_t len = strlen(name);
	void *item;

	if (len == 0 || len >= shapes[kind].name_size)
		return NULL;
	item = find(facts, kind, name);
	return item ? item : add(facts, kind, name, len);
}

struct facts_task *
facts_task(struct facts *facts, const char *arn)
{
	return find_or_add(facts, FACTS_TASK, arn);
}

struct facts_host *
facts_host(struct facts *facts, const char *arn)
{
	return find_or_add(facts, FACTS_HOST, arn);
}

struct facts_machine *
facts_machine(struct facts *facts, const char *id)
{
	return find_or_add(facts, FACTS_MACHINE, id);
}

struct facts_eni *
facts_eni(struct facts *facts, const char *id)
{
	return find_or_add(facts, FACTS_ENI, id);
}

const struct facts_task *
facts_find_task(const struct facts *facts, const char *arn)
{
	const struct facts_task *task = find(facts, FACTS_TASK, arn);

	return task && task->known == FACTS_SEEN ? task : NULL;
}

const struct facts_host *
facts_find_host(const struct facts *facts, const char *arn)
{
	const struct facts_host *host = find(facts, FACTS_HOST, arn);

	return host && host->known == FACTS_SEEN ? host : NULL;
}

const struct facts_machine *
facts_find_machine(const struct facts *facts, const char *id)
{
	const struct facts_machine *machine = find(facts, FACTS_MACHINE, id);

	return machine && machine->known == FACTS_SEEN ? machine : NULL;
}

const struct facts_eni *
facts_find_eni(const struct facts *facts, const char *id)
{
	const struct facts_eni *eni = find(facts, FACTS_ENI, id);

	return eni && eni->known == FACTS_SEEN ? eni : NULL;
}

size_t
facts_count(const struct facts *facts, enum facts_kind kind)
{
	return facts->lists[kind].n;
}

const struct facts_task *
facts_task_at(const struct facts *facts, size_t i)
{
	return item_at(facts, FACTS_TASK, i);
}

const struct facts_host *
facts_host_at(const struct facts *facts, size_t i)
{
	return item_at(facts, FACTS_HOST, i);
}

const struct facts_machine *
facts_machine_at(const struct facts *facts, size_t i)
{
	return item_at(facts, FACTS_MACHINE, i);
}

const char *
facts_name(const struct facts *facts, enum facts_kind kind, size_t i)
{
	return name_at(facts, kind, i);
}

enum facts_known
facts_known(const struct facts *facts, enum facts_kind kind, size_t i)
{
	return *known_at(facts, kind, i);
}

void
facts_set_known(struct facts *facts, enum facts_kind kind, size_t i,
		enum facts_known known)
{
	*known_at(facts, kind, i) = known;
}
