/* SPDX-License-Identifier: MIT */
/* Worth most under -fsanitize=thread and address. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "fcgi-api/publication.h"

enum { READERS = 8, SNAPSHOTS = 3000 };

static struct publication shared;
static atomic_bool over;

/* All numbers of one snapshot are the same: a torn or freed one shows. */
static struct snapshot *
make_snapshot(int64_t number)
{
	struct snapshot *s = snapshot_new();
	assert_non_null(s);
	for (int i = 0; i < FLEET_NUMBERS; i++)
		s->fleet[i] = number;
	return s;
}

struct reader_thread {
	pthread_t id;
	unsigned slot;
	int64_t wrong;
	int64_t taken;
};

static void *
read_all_the_time(void *arg)
{
	struct reader_thread *me = arg;
	int64_t last = 0;
	while (!atomic_load(&over)) {
		const struct snapshot *s = publication_take(&shared, me->slot);
		if (s == NULL)
			continue;
		int64_t number = s->fleet[0];
		for (int i = 0; i < FLEET_NUMBERS; i++)
			me->wrong += s->fleet[i] != number;
		me->wrong += number < last;
		last = number;
		me->taken++;
		publication_release(&shared, me->slot);
	}
	return NULL;
}

static void
readers_see_whole_snapshots_in_order_while_they_are_replaced(void **state)
{
	struct reader_thread readers[READERS] = {0};
	(void)state;
	for (unsigned i = 0; i < READERS; i++) {
		readers[i].slot = i * (API_THREADS / READERS);
		assert_int_equal(pthread_create(&readers[i].id, NULL,
						read_all_the_time, &readers[i]),
				 0);
	}
	for (int64_t n = 1; n <= SNAPSHOTS; n++)
		publication_put(&shared, make_snapshot(n));
	atomic_store(&over, true);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].id, NULL), 0);
		assert_int_equal(readers[i].wrong, 0);
	}
	publication_free(&shared);
}

static size_t
count_retired(const struct publication *p)
{
	size_t n = 0;
	for (const struct snapshot *s = p->retired; s != NULL;
	     s = s->next_retired)
		n++;
	return n;
}

static void
a_snapshot_lives_until_its_last_reader_lets_go(void **state)
{
	static struct publication p;
	(void)state;
	assert_null(publication_take(&p, 0));
	publication_put(&p, make_snapshot(1));
	const struct snapshot *held = publication_take(&p, 0);
	assert_ptr_equal(publication_take(&p, 9), held);
	publication_put(&p, make_snapshot(2));
	publication_release(&p, 0);
	publication_put(&p, make_snapshot(3));
	assert_int_equal(held->fleet[0], 1);
	assert_int_equal(count_retired(&p), 1);
	publication_release(&p, 9);
	publication_put(&p, make_snapshot(4));
	assert_int_equal(count_retired(&p), 0);
	publication_free(&p);
}

UNIT_MAIN(cmocka_unit_test(
	      readers_see_whole_snapshots_in_order_while_they_are_replaced),
	  cmocka_unit_test(a_snapshot_lives_until_its_last_reader_lets_go))
