/* SPDX-License-Identifier: MIT */
#include "scalerd/scaler/fleet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 16 };

struct fleet_index {
	struct member **by_mark; /* sorted by mark, then id */
	struct member **by_ref;
	size_t n;
};

/* Makes room for one more pointer. */
static bool
reserve(void ***array, size_t n, size_t *size)
{
	size_t larger = *size == 0 ? FIRST_SIZE : *size * 2;
	void **new;

	if (n < *size)
		return true;
	new = realloc(*array, larger * sizeof(*new));
	if (new == NULL)
		return false;
	*array = new;
	*size = larger;
	return true;
}

void
fleet_deinit(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->nmember; i++)
		free(fleet->member[i]);
	for (size_t i = 0; i < fleet->nintent; i++)
		free(fleet->intent[i]);
	free(fleet->member);
	free(fleet->intent);
	*fleet = (struct fleet){.next_id = 1};
}

struct member *
fleet_add(struct fleet *fleet, const struct gameserver *row)
{
	struct member *member;
	void **array = (void **)fleet->member;

	if (!reserve(&array, fleet->nmember, &fleet->member_size))
		return NULL;
	fleet->member = (struct member **)array;
	member = calloc(1, sizeof(*member));
	if (member == NULL)
		return NULL;
	member->row = *row;
	if (member->row.id == 0)
		member->row.id = fleet->next_id;
	assert(fleet->nmember == 0 ||
	       fleet->member[fleet->nmember - 1]->row.id < member->row.id);
	if (fleet->next_id <= member->row.id)
		fleet->next_id = member->row.id + 1;
	fleet->member[fleet->nmember++] = member;
	return member;
}

struct member *
fleet_find(const struct fleet *fleet, int64_t id)
{
	size_t low = 0, high = fleet->nmember;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (fleet->member[middle]->row.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < fleet->nmember && fleet->member[low]->row.id == id)
		return fleet->member[low];
	return NULL;
}

void
fleet_prune(struct fleet *fleet, int64_t ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < fleet->nmember; i++) {
		struct member *m = fleet->member[i];

		if (m->row.state == STATE_GONE && !m->dirty && !m->polling &&
		    m->entered_ms < ms)
			free(m);
		else
			fleet->member[kept++] = m;
	}
	fleet->nmember = kept;
	kept = 0;
	for (size_t i = 0; i < fleet->nintent; i++) {
		struct intent *o = fleet->intent[i];

		if (o->row.result != OP_PENDING && !o->dirty && !o->in_flight)
			free(o);
		else
			fleet->intent[kept++] = o;
	}
	fleet->nintent = kept;
}

struct intent *
fleet_add_intent(struct fleet *fleet, const struct operation *row)
{
	struct intent *intent;
	void **array = (void **)fleet->intent;

	if (!reserve(&array, fleet->nintent, &fleet->intent_size))
		return NULL;
	fleet->intent = (struct intent **)array;
	intent = calloc(1, sizeof(*intent));
	if (intent == NULL)
		return NULL;
	intent->row = *row;
	fleet->intent[fleet->nintent++] = intent;
	return intent;
}

struct intent *
fleet_find_intent(const struct fleet *fleet, const char *id)
{
	for (size_t i = 0; i < fleet->nintent; i++)
		if (strcmp(fleet->intent[i]->row.id, id) == 0)
			return fleet->intent[i];
	return NULL;
}

struct intent *
fleet_pending(const struct fleet *fleet, int64_t gameserver, enum op_kind kind)
{
	for (size_t i = 0; i < fleet->nintent; i++) {
		struct intent *o = fleet->intent[i];

		if (o->row.gameserver == gameserver && o->row.kind == kind &&
		    o->row.result == OP_PENDING)
			return o;
	}
	return NULL;
}

static const char *
mark_of(const struct member *member)
{
	return member->row.mark;
}

static const char *
ref_of(const struct member *member)
{
	return member->row.ref;
}

/* By key, then by id, so that the newest of equals is the last. */
static int
compare(const void *a, const void *b, const char *(*key)(const struct member *))
{
	const struct member *x = *(struct member *const *)a;
	const struct member *y = *(struct member *const *)b;
	int order = strcmp(key(x), key(y));

	if (order != 0)
		return order;
	return (x->row.id > y->row.id) - (x->row.id < y->row.id);
}

static int
compare_marks(const void *a, const void *b)
{
	return compare(a, b, mark_of);
}

static int
compare_refs(const void *a, const void *b)
{
	return compare(a, b, ref_of);
}

static struct member **
sorted_copy(const struct fleet *fleet, int (*order)(const void *, const void *))
{
	const size_t n = fleet->nmember;
	struct member **copy = calloc(n + 1, sizeof(struct member *));

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		copy[i] = fleet->member[i];
	qsort(copy, n, sizeof(struct member *), order);
	return copy;
}

struct fleet_index *
fleet_index_new(const struct fleet *fleet)
{
	struct fleet_index *index = calloc(1, sizeof(*index));

	if (index == NULL)
		return NULL;
	index->n = fleet->nmember;
	index->by_mark = sorted_copy(fleet, compare_marks);
	index->by_ref = sorted_copy(fleet, compare_refs);
	if (index->by_mark != NULL && index->by_ref != NULL)
		return index;
	fleet_index_free(index);
	return NULL;
}

void
fleet_index_free(struct fleet_index *index)
{
	if (index == NULL)
		return;
	free(index->by_mark);
	free(index->by_ref);
	free(index);
}

/* The last, so the newest, of those whose key is `want`. */
static struct member *
find_last(struct member *const *sorted, size_t n,
	  const char *(*key)(const struct member *), const char *want)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(key(sorted[middle]), want) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0 && strcmp(key(sorted[low - 1]), want) == 0)
		return sorted[low - 1];
	return NULL;
}

struct member *
fleet_index_find(const struct fleet_index *index, const char *mark,
		 const char *ref)
{
	if (mark[0] != '\0')
		return find_last(index->by_mark, index->n, mark_of, mark);
	if (ref[0] != '\0')
		return find_last(index->by_ref, index->n, ref_of, ref);
	return NULL;
}
