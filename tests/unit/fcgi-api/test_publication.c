/* SPDX-License-Identifier: MIT */
/* Worth most under -fsanitize=thread and address. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "fcgi-api/publication.h"

enum { READERS = 8, ITEMS = 3000, NUMBERS = 18 };

static struct publication shared = {.free_item = free};
static atomic_bool over;

/* All numbers of one item are the same: a torn or freed one shows. */
struct item {
	int64_t number[NUMBERS];
};

static struct item *
make_item(int64_t number)
{
	struct item *item = malloc(sizeof(*item));
	assert_non_null(item);
	for (int i = 0; i < NUMBERS; i++)
		item->number[i] = number;
	return item;
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
		const struct item *s = publication_take(&shared, me->slot);
		if (s == NULL)
			continue;
		int64_t number = s->number[0];
		for (int i = 0; i < NUMBERS; i++)
			me->wrong += s->number[i] != number;
		me->wrong += number < last;
		last = number;
		me->taken++;
		publication_release(&shared, me->slot);
	}
	return NULL;
}

static void
readers_see_whole_items_in_order_while_they_are_replaced(void **state)
{
	struct reader_thread readers[READERS] = {0};
	(void)state;
	for (unsigned i = 0; i < READERS; i++) {
		readers[i].slot = i * (API_THREADS / READERS);
		assert_int_equal(pthread_create(&readers[i].id, NULL,
						read_all_the_time, &readers[i]),
				 0);
	}
	for (int64_t n = 1; n <= ITEMS; n++)
		publication_put(&shared, make_item(n));
	atomic_store(&over, true);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].id, NULL), 0);
		assert_int_equal(readers[i].wrong, 0);
	}
	publication_put(&shared, NULL);
}

static void
an_item_lives_until_its_last_reader_lets_go(void **state)
{
	static struct publication p = {.free_item = free};
	(void)state;
	assert_null(publication_take(&p, 0));
	publication_put(&p, make_item(1));
	const struct item *held = publication_take(&p, 0);
	assert_ptr_equal(publication_take(&p, 9), held);
	publication_put(&p, make_item(2));
	publication_release(&p, 0);
	publication_put(&p, make_item(3));
	assert_int_equal(held->number[0], 1);
	assert_int_equal(p.nretired, 1);
	publication_release(&p, 9);
	publication_put(&p, make_item(4));
	assert_int_equal(p.nretired, 0);
	publication_put(&p, NULL);
}

UNIT_MAIN(
    cmocka_unit_test(readers_see_whole_items_in_order_while_they_are_replaced),
    cmocka_unit_test(an_item_lives_until_its_last_reader_lets_go))
