/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/log.h"
#include "scalerd/scaler/journal.h"

static int
setup(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	*state = journal_new();
	return *state == NULL;
}

static int
teardown(void **state)
{
	journal_free(*state);
	return 0;
}

static void
the_newest_events_stay_in_order(void **state)
{
	enum { MORE = 3 * JOURNAL_EVENTS_MAX + 7 };
	struct batch batch = {0};

	for (int i = 0; i < MORE; i++)
		journal_event(
		    *state, &(struct event){.gameserver = i, .kind = "health"});
	journal_fill(*state, &batch);
	assert_int_equal(batch.nevent, JOURNAL_EVENTS_MAX);
	for (size_t i = 0; i < batch.nevent; i++)
		assert_int_equal(batch.event[i].gameserver,
				 MORE - JOURNAL_EVENTS_MAX + (int64_t)i);
	journal_committed(*state);
	assert_true(journal_is_empty(*state));
}

/* Raises and ends alarms of many gameservers in an order that is not theirs. */
static void
each_edge_of_an_alarm_is_told_once(void **state)
{
	enum { MANY = 97, STEP = 31 };
	struct batch batch = {0};

	for (int i = 0; i < 2 * MANY; i++)
		journal_alarm(*state, ALARM_DRAIN_DEADLINE, i * STEP % MANY, 1,
			      "late");
	journal_fill(*state, &batch);
	assert_int_equal(batch.nalarm, MANY);
	assert_int_equal(batch.nevent, MANY);
	journal_committed(*state);
	for (int i = 0; i < MANY; i++) {
		journal_alarm(*state, ALARM_STOP_FAILING, i, 2, NULL);
		journal_alarm(*state, ALARM_DRAIN_DEADLINE, i, 2, "late");
	}
	assert_true(journal_is_empty(*state));
	for (int i = 0; i < 2 * MANY; i++)
		journal_alarm(*state, ALARM_DRAIN_DEADLINE, i * STEP % MANY, 3,
			      NULL);
	journal_fill(*state, &batch);
	assert_int_equal(batch.nalarm, MANY);
	for (size_t i = 0; i < batch.nalarm; i++)
		assert_false(batch.alarm[i].raised);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

UNIT_MAIN(TEST(the_newest_events_stay_in_order),
	  TEST(each_edge_of_an_alarm_is_told_once))
