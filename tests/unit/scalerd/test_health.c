/* SPDX-License-Identifier: MIT */
#include "scalerd/core/health.h"

#include "tests/unit/unit.h"

enum { RULE_MAX = 5, ANSWERS = 12, BEYOND = 200 };

/* The rules in words: what a reader would write down. */
struct model {
	enum health health;
	int failures;  /* in a row; unknown and suspect */
	int successes; /* in a row; bad */
};

static void
model_answer(struct model *model, bool good, struct health_rule rule)
{
	if (good && model->health == HEALTH_BAD) {
		if (++model->successes >= rule.rise)
			*model = (struct model){.health = HEALTH_GOOD};
	} else if (good) {
		*model = (struct model){.health = HEALTH_GOOD};
	} else if (model->health == HEALTH_BAD) {
		model->successes = 0;
	} else if (++model->failures >= rule.fall) {
		*model = (struct model){.health = HEALTH_BAD};
	} else if (model->health == HEALTH_GOOD) {
		model->health = HEALTH_SUSPECT;
	}
}

static void
check_all_answers(int score, struct model model, struct health_rule rule)
{
	for (unsigned int answers = 0; answers < 1U << ANSWERS; answers++) {
		struct model m = model;
		int s = score;

		for (int i = 0; i < ANSWERS; i++) {
			const bool good = (answers >> i & 1U) != 0;

			s = health_next(s, good, rule);
			model_answer(&m, good, rule);
			assert_int_equal(health_of(s, rule), m.health);
		}
	}
}

static void
every_sequence_of_answers_follows_the_rules(void **state)
{
	(void)state;
	for (int fall = 1; fall <= RULE_MAX; fall++)
		for (int rise = 1; rise <= RULE_MAX; rise++)
			check_all_answers(
			    HEALTH_SCORE_UNKNOWN,
			    (struct model){.health = HEALTH_UNKNOWN},
			    (struct health_rule){.fall = fall, .rise = rise});
}

static void
one_failure_takes_a_good_one_out_of_rotation(void **state)
{
	const struct health_rule rule = {.fall = 3, .rise = 2};
	int score = health_score(HEALTH_GOOD, rule);

	(void)state;
	score = health_next(score, false, rule);
	assert_int_equal(health_of(score, rule), HEALTH_SUSPECT);
	score = health_next(score, true, rule);
	assert_int_equal(health_of(score, rule), HEALTH_GOOD);
}

static void
with_fall_one_the_first_failure_makes_it_bad(void **state)
{
	const struct health_rule rule = {.fall = 1, .rise = 2};
	const int good = health_score(HEALTH_GOOD, rule);

	(void)state;
	assert_int_equal(health_of(health_next(good, false, rule), rule),
			 HEALTH_BAD);
}

static void
a_stored_word_goes_on_where_it_was(void **state)
{
	(void)state;
	for (int fall = 1; fall <= RULE_MAX; fall++)
		for (int rise = 1; rise <= RULE_MAX; rise++) {
			const struct health_rule rule = {.fall = fall,
							 .rise = rise};

			for (int h = 0; h < HEALTH_COUNT; h++) {
				const enum health want =
				    h == HEALTH_SUSPECT && fall == 1
					? HEALTH_BAD
					: (enum health)h;
				const int score =
				    health_score((enum health)h, rule);

				assert_int_equal(health_of(score, rule), want);
			}
		}
}

/* A suspect that was read from the store has its first failure behind it. */
static void
a_stored_suspect_has_failed_once(void **state)
{
	(void)state;
	for (int fall = 2; fall <= RULE_MAX; fall++) {
		const struct health_rule rule = {.fall = fall, .rise = 2};

		check_all_answers(
		    health_score(HEALTH_SUSPECT, rule),
		    (struct model){.health = HEALTH_SUSPECT, .failures = 1},
		    rule);
	}
}

static void
a_score_of_another_rule_is_brought_into_range(void **state)
{
	(void)state;
	for (int score = -BEYOND; score <= BEYOND; score++)
		for (int fall = 1; fall <= RULE_MAX; fall++) {
			const struct health_rule rule = {.fall = fall,
							 .rise = 2};
			int s = health_next(score, false, rule);

			for (int i = 0; i < fall; i++)
				s = health_next(s, false, rule);
			assert_int_equal(health_of(s, rule), HEALTH_BAD);
			s = health_next(health_next(s, true, rule), true, rule);
			assert_int_equal(health_of(s, rule), HEALTH_GOOD);
		}
}

static void
every_name_is_read_back(void **state)
{
	enum health health;

	(void)state;
	for (int h = 0; h < HEALTH_COUNT; h++) {
		assert_true(health_parse(health_name((enum health)h), &health));
		assert_int_equal(health, h);
	}
}

static void
an_unknown_name_is_refused_and_changes_nothing(void **state)
{
	enum health health = HEALTH_SUSPECT;

	(void)state;
	assert_false(health_parse("Good", &health));
	assert_false(health_parse("", &health));
	assert_int_equal(health, HEALTH_SUSPECT);
}

UNIT_MAIN(cmocka_unit_test(every_sequence_of_answers_follows_the_rules),
	  cmocka_unit_test(one_failure_takes_a_good_one_out_of_rotation),
	  cmocka_unit_test(with_fall_one_the_first_failure_makes_it_bad),
	  cmocka_unit_test(a_stored_word_goes_on_where_it_was),
	  cmocka_unit_test(a_stored_suspect_has_failed_once),
	  cmocka_unit_test(a_score_of_another_rule_is_brought_into_range),
	  cmocka_unit_test(every_name_is_read_back),
	  cmocka_unit_test(an_unknown_name_is_refused_and_changes_nothing))
