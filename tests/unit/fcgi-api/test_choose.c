/* SPDX-License-Identifier: MIT */
#include "tests/unit/fcgi-api/seats_bench.h"

enum { DRAWS = 100000, HERD_TRIALS = 1000, HERD_SERVERS = 100, BURST = 1000 };

static struct seats_bench bench;

static int
set_up(void **state)
{
	(void)state;
	bench_open(&bench);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bench_close(&bench);
	return 0;
}

static int64_t
granted(uint32_t slot)
{
	return ledger_read(bench.ledger, slot).granted;
}

static void
an_empty_fleet_gives_no_address(void **state)
{
	(void)state;
	bench_sort(&bench, false);
	assert_int_equal(bench_choose(&bench, false), -1);
	assert_int_equal(bench_choose(&bench, true), -1);
	assert_int_equal(bench_choose_stale(&bench, true), -1);
	assert_int_equal(bench_choose_stale(&bench, false), -1);
}

static void
every_seat_is_granted_once_and_then_none(void **state)
{
	int64_t limits[50];
	int64_t sum = 0;
	(void)state;
	for (uint32_t slot = 0; slot < 50; slot++) {
		limits[slot] = slot % 7;
		sum += limits[slot];
		bench_add(&bench, slot * 3, GRADE_GOOD, limits[slot]);
	}
	bench_sort(&bench, false);
	for (int64_t i = 0; i < sum; i++)
		assert_int_not_equal(bench_choose(&bench, false), -1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bench_choose(&bench, false), -1);
	for (uint32_t slot = 0; slot < 50; slot++)
		assert_int_equal(granted(slot * 3), limits[slot]);
}

static void
a_seat_that_no_list_knows_of_is_found_before_a_refusal(void **state)
{
	(void)state;
	for (uint32_t slot = 0; slot < 500; slot++)
		bench_add(&bench, slot, GRADE_GOOD, slot == 321 ? 0 : 1);
	bench_sort(&bench, false);
	/* The lists are not made anew: only the row says so. */
	bench_add(&bench, 321, GRADE_GOOD, 5);
	for (int i = 0; i < 499 + 5; i++)
		assert_int_not_equal(bench_choose(&bench, false), -1);
	assert_int_equal(bench_choose(&bench, false), -1);
	assert_int_equal(granted(321), 5);
}

static void
a_refusal_ends_with_the_next_news(void **state)
{
	(void)state;
	bench_add(&bench, 4, GRADE_GOOD, 1);
	(void)ledger_set_closed(bench.ledger, 4, true);
	bench_sort(&bench, false);
	assert_int_equal(bench_choose(&bench, false), -1);
	(void)ledger_set_closed(bench.ledger, 4, false);
	seats_announce(bench.seats);
	assert_int_equal(bench_choose(&bench, false), 4);
}

static void
closed_cells_and_other_generations_are_never_granted(void **state)
{
	(void)state;
	bench_add(&bench, 1, GRADE_GOOD, 100);
	bench_add(&bench, 2, GRADE_GOOD, 100);
	bench_add(&bench, 3, GRADE_GOOD, 100);
	bench_sort(&bench, false);
	(void)ledger_set_closed(bench.ledger, 1, true);
	ledger_assign(bench.ledger, 2, 9);
	(void)ledger_set_closed(bench.ledger, 2, false);
	for (int i = 0; i < 100; i++)
		assert_int_equal(bench_choose(&bench, false), 3);
	assert_int_equal(bench_choose(&bench, false), -1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(bench_choose_stale(&bench, true), 3);
}

static void
suspects_are_chosen_only_when_no_good_one_has_credit(void **state)
{
	(void)state;
	bench_add(&bench, 0, GRADE_SUSPECT, 3);
	bench_add(&bench, 1, GRADE_GOOD, 2);
	bench_sort(&bench, false);
	assert_int_equal(bench_choose(&bench, false), 1);
	assert_int_equal(bench_choose(&bench, false), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bench_choose(&bench, false), 0);
	assert_int_equal(bench_choose(&bench, false), -1);
}

/* Its cell is not closed yet, and the lists are those of before. */
static void
one_that_left_is_not_chosen_whatever_else_says_so(void **state)
{
	struct seat_row left = {.slot = 0, .generation = 1, .limit = 100};
	(void)state;
	bench_add(&bench, 0, GRADE_GOOD, 100);
	bench_add(&bench, 1, GRADE_SUSPECT, 1);
	bench_sort(&bench, false);
	seats_write(bench.seats, &left);
	assert_int_equal(bench_choose(&bench, false), 1);
	assert_int_equal(bench_choose(&bench, false), -1);
	assert_int_equal(bench_choose(&bench, true), -1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bench_choose_stale(&bench, i % 2 == 0), 1);
	assert_int_equal(granted(0), 0);
}

static void
asking_alone_grants_nothing(void **state)
{
	struct choice choice = {.seats = bench.seats,
				.ledger = bench.ledger,
				.random = &bench.random};
	(void)state;
	bench_add(&bench, 7, GRADE_GOOD, 1);
	bench_sort(&bench, false);
	for (int i = 0; i < 10; i++) {
		assert_true(choose_by_credit(&choice));
		assert_true(choose_stale(&choice));
		assert_string_equal(choice.row.address, "s7:1");
	}
	assert_int_equal(granted(7), 0);
	assert_int_equal(bench_choose(&bench, false), 7);
	assert_false(choose_by_credit(&choice));
}

/* The greatest number of grants of one gameserver is at most twice the least,
 * in every one of many trials. */
static void
a_burst_does_not_herd(void **state)
{
	(void)state;
	for (int trial = 0; trial < HERD_TRIALS; trial++) {
		int64_t least = BURST;
		int64_t most = 0;
		for (uint32_t slot = 0; slot < HERD_SERVERS; slot++)
			bench_add(&bench, slot, GRADE_GOOD, 100);
		bench_sort(&bench, false);
		for (int i = 0; i < BURST; i++)
			assert_int_not_equal(bench_choose(&bench, false), -1);
		for (uint32_t slot = 0; slot < HERD_SERVERS; slot++) {
			int64_t n = granted(slot);
			least = n < least ? n : least;
			most = n > most ? n : most;
		}
		if (most > 2 * least)
			fail_msg("trial %d: %d to %d grants", trial, (int)least,
				 (int)most);
	}
}

/* Somebody without a grant may have taken the last seat that is known of: one
 * in five here has more. */
static void
the_last_seat_of_one_is_left_while_another_has_more(void **state)
{
	int last = 0;
	(void)state;
	for (int trial = 0; trial < HERD_TRIALS; trial++) {
		for (uint32_t slot = 0; slot < HERD_SERVERS; slot++)
			bench_add(&bench, slot, GRADE_GOOD,
				  slot % 5 == 0 ? 3 : 1);
		bench_sort(&bench, false);
		last += bench_choose(&bench, false) % 5 != 0;
	}
	assert_in_range(last, 0, HERD_TRIALS / 20);
}

static void
pack_fills_the_fullest_before_the_next(void **state)
{
	static const int64_t limits[] = {50, 3, 0, 20, 2050, 5};
	static const int order[] = {1, 5, 3, 0, 4};
	(void)state;
	for (uint32_t slot = 0; slot < 6; slot++)
		bench_add(&bench, slot, GRADE_GOOD, limits[slot]);
	bench_sort(&bench, true);
	for (int i = 0; i < 5; i++) {
		for (int64_t n = 0; n < limits[order[i]]; n++)
			assert_int_equal(bench_choose(&bench, true), order[i]);
	}
	assert_int_equal(bench_choose(&bench, true), -1);
}

static void
pack_goes_back_to_one_that_has_a_seat_again(void **state)
{
	(void)state;
	bench_add(&bench, 0, GRADE_GOOD, 1);
	bench_add(&bench, 1, GRADE_GOOD, 10);
	bench_sort(&bench, true);
	assert_int_equal(bench_choose(&bench, true), 0);
	assert_int_equal(bench_choose(&bench, true), 1);
	bench_add(&bench, 0, GRADE_GOOD, 2);
	bench_sort(&bench, true);
	assert_int_equal(bench_choose(&bench, true), 0);
	assert_int_equal(bench_choose(&bench, true), 0);
	assert_int_equal(bench_choose(&bench, true), 1);
}

static void
check_weights(bool with_ledger)
{
	/* So many that what is granted meanwhile hardly counts. */
	static const int64_t weight[] = {1, 0, 10, 39, 50};
	int64_t chosen[5] = {0};
	for (uint32_t slot = 0; slot < 5; slot++)
		bench_add(&bench, slot, GRADE_GOOD, weight[slot] * 1000000);
	bench_sort(&bench, false);
	for (int i = 0; i < DRAWS; i++)
		chosen[bench_choose_stale(&bench, with_ledger)]++;
	for (int i = 0; i < 5; i++) {
		int64_t expected = DRAWS * weight[i] / 100;
		/* Six standard deviations are below 1000 everywhere. */
		assert_in_range(chosen[i],
				expected < 1000 ? 0 : expected - 1000,
				weight[i] == 0 ? 0 : expected + 1000);
	}
	assert_in_range(chosen[0], 800, 1200);
}

static void
stale_the_chance_is_in_proportion_to_free_seats(void **state)
{
	(void)state;
	check_weights(true);
	assert_int_equal(granted(0) + granted(2) + granted(3) + granted(4),
			 DRAWS);
}

static void
without_a_ledger_too(void **state)
{
	(void)state;
	check_weights(false);
}

static void
stale_it_goes_on_beyond_the_limit(void **state)
{
	(void)state;
	bench_add(&bench, 0, GRADE_GOOD, 5);
	bench_add(&bench, 1, GRADE_GOOD, 0);
	bench_add(&bench, 2, GRADE_SUSPECT, 50);
	bench_sort(&bench, false);
	for (int i = 0; i < 5; i++)
		assert_int_equal(bench_choose_stale(&bench, true), 0);
	for (int i = 0; i < 200; i++)
		assert_in_range(bench_choose_stale(&bench, true), 0, 1);
	assert_true(granted(0) > 5 && granted(1) > 0);
	assert_int_equal(granted(0) + granted(1), 205);
}

static void
stale_without_a_ledger_it_counts_by_itself(void **state)
{
	(void)state;
	bench_add(&bench, 0, GRADE_GOOD, 300);
	bench_add(&bench, 1, GRADE_GOOD, 100);
	bench_sort(&bench, false);
	for (int i = 0; i < 400; i++)
		(void)bench_choose_stale(&bench, false);
	assert_int_equal(atomic_load(&bench.seats->uncounted[0]), 300);
	assert_int_equal(atomic_load(&bench.seats->uncounted[1]), 100);
	/* What the gameserver says next has them in it. */
	bench_add(&bench, 1, GRADE_GOOD, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(bench_choose_stale(&bench, false), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(an_empty_fleet_gives_no_address),
	  TEST(every_seat_is_granted_once_and_then_none),
	  TEST(a_seat_that_no_list_knows_of_is_found_before_a_refusal),
	  TEST(a_refusal_ends_with_the_next_news),
	  TEST(closed_cells_and_other_generations_are_never_granted),
	  TEST(suspects_are_chosen_only_when_no_good_one_has_credit),
	  TEST(one_that_left_is_not_chosen_whatever_else_says_so),
	  TEST(asking_alone_grants_nothing), TEST(a_burst_does_not_herd),
	  TEST(the_last_seat_of_one_is_left_while_another_has_more),
	  TEST(pack_fills_the_fullest_before_the_next),
	  TEST(pack_goes_back_to_one_that_has_a_seat_again),
	  TEST(stale_the_chance_is_in_proportion_to_free_seats),
	  TEST(without_a_ledger_too), TEST(stale_it_goes_on_beyond_the_limit),
	  TEST(stale_without_a_ledger_it_counts_by_itself))
