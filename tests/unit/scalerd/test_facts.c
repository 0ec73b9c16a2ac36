/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "scalerd/aws/facts.h"

enum { MANY = 10000, NAME_ROOM = 64 };

static int
open_facts(void **state)
{
	*state = facts_new();
	return *state ? 0 : -1;
}

static int
close_facts(void **state)
{
	facts_free(*state);
	return 0;
}

static void
what_is_named_is_known_by_name_alone(void **state)
{
	struct facts *facts = *state;
	const struct facts_task *task = facts_task(facts, "arn:task/1");

	assert_non_null(task);
	assert_string_equal(task->arn, "arn:task/1");
	assert_int_equal(task->known, FACTS_NAMED);
	assert_string_equal(task->last, "");
	assert_int_equal(facts_count(facts, FACTS_TASK), 1);
	assert_int_equal(facts_count(facts, FACTS_HOST), 0);
}

static void
a_name_stands_for_one_thing(void **state)
{
	struct facts *facts = *state;

	facts_machine(facts, "i-1")->hosts_asked = true;
	assert_true(facts_machine(facts, "i-1")->hosts_asked);
	assert_false(facts_machine(facts, "i-12")->hosts_asked);
	assert_int_equal(facts_count(facts, FACTS_MACHINE), 2);
}

static void
the_same_name_of_another_kind_is_another_thing(void **state)
{
	struct facts *facts = *state;

	facts_task(facts, "arn:x")->known = FACTS_SEEN;
	assert_non_null(facts_find_task(facts, "arn:x"));
	assert_null(facts_find_host(facts, "arn:x"));
	assert_int_equal(facts_host(facts, "arn:x")->known, FACTS_NAMED);
}

static void
only_what_was_seen_is_found(void **state)
{
	struct facts *facts = *state;

	assert_null(facts_find_eni(facts, "eni-1"));
	facts_eni(facts, "eni-1");
	for (enum facts_known k = FACTS_NAMED; k <= FACTS_SEEN; k++) {
		facts_set_known(facts, FACTS_ENI, 0, k);
		assert_int_equal(facts_known(facts, FACTS_ENI, 0), k);
		assert_int_equal(facts_find_eni(facts, "eni-1") != NULL,
				 k == FACTS_SEEN);
	}
}

static bool
takes(struct facts *facts, enum facts_kind kind, const char *name)
{
	switch (kind) {
	case FACTS_TASK:
		return facts_task(facts, name) != NULL;
	case FACTS_HOST:
		return facts_host(facts, name) != NULL;
	case FACTS_MACHINE:
		return facts_machine(facts, name) != NULL;
	default:
		return facts_eni(facts, name) != NULL;
	}
}

static void
assert_longest(struct facts *facts, enum facts_kind kind, size_t size)
{
	char name[REF_SIZE + 1];

	memset(name, 'x', sizeof(name));
	name[size] = '\0';
	assert_false(takes(facts, kind, name));
	name[size - 1] = '\0';
	assert_true(takes(facts, kind, name));
	assert_int_equal(facts_count(facts, kind), 1);
	assert_string_equal(facts_name(facts, kind, 0), name);
}

static void
a_name_that_is_too_long_is_refused(void **state)
{
	assert_longest(*state, FACTS_TASK, REF_SIZE);
	assert_longest(*state, FACTS_HOST, REF_SIZE);
	assert_longest(*state, FACTS_MACHINE, FACTS_ID_SIZE);
	assert_longest(*state, FACTS_ENI, FACTS_ID_SIZE);
}

static void
an_empty_name_is_refused(void **state)
{
	assert_null(facts_task(*state, ""));
	assert_null(facts_machine(*state, ""));
	assert_null(facts_find_task(*state, ""));
}

static void
thousands_keep_their_order_their_names_and_what_is_known(void **state)
{
	struct facts *facts = *state;
	char name[NAME_ROOM];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "arn:host/%d", i);
		facts_host(facts, name)->tasks = i;
		facts_set_known(facts, FACTS_HOST, (size_t)i, FACTS_SEEN);
	}
	assert_int_equal(facts_count(facts, FACTS_HOST), MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "arn:host/%d", i);
		assert_string_equal(facts_name(facts, FACTS_HOST, (size_t)i),
				    name);
		assert_int_equal(facts_host_at(facts, (size_t)i)->tasks, i);
		assert_ptr_equal(facts_find_host(facts, name),
				 facts_host_at(facts, (size_t)i));
		assert_ptr_equal(facts_host(facts, name),
				 facts_host_at(facts, (size_t)i));
	}
	assert_null(facts_find_host(facts, "arn:host/10000"));
}

static void
more_than_there_may_be_are_refused(void **state)
{
	struct facts *facts = *state;
	char name[NAME_ROOM];

	for (int i = 0; i < FACTS_MAX; i++) {
		snprintf(name, sizeof(name), "eni-%d", i);
		assert_non_null(facts_eni(facts, name));
	}
	assert_null(facts_eni(facts, "eni-more"));
	assert_non_null(facts_eni(facts, "eni-0"));
	assert_int_equal(facts_count(facts, FACTS_ENI), FACTS_MAX);
}

static void
what_is_cleared_is_forgotten(void **state)
{
	struct facts *facts = *state;

	facts_clear(facts);
	facts_task(facts, "arn:task/1")->known = FACTS_SEEN;
	facts_eni(facts, "eni-1")->known = FACTS_SEEN;
	facts_clear(facts);
	assert_int_equal(facts_count(facts, FACTS_TASK), 0);
	assert_int_equal(facts_count(facts, FACTS_ENI), 0);
	assert_null(facts_find_task(facts, "arn:task/1"));
	assert_int_equal(facts_task(facts, "arn:task/1")->known, FACTS_NAMED);
	assert_int_equal(facts_count(facts, FACTS_TASK), 1);
}

#define FACTS_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, open_facts, close_facts)

UNIT_MAIN(FACTS_TEST(what_is_named_is_known_by_name_alone),
	  FACTS_TEST(a_name_stands_for_one_thing),
	  FACTS_TEST(the_same_name_of_another_kind_is_another_thing),
	  FACTS_TEST(only_what_was_seen_is_found),
	  FACTS_TEST(a_name_that_is_too_long_is_refused),
	  FACTS_TEST(an_empty_name_is_refused),
	  FACTS_TEST(thousands_keep_their_order_their_names_and_what_is_known),
	  FACTS_TEST(more_than_there_may_be_are_refused),
	  FACTS_TEST(what_is_cleared_is_forgotten))
