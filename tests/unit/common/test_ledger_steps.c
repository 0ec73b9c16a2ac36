/* SPDX-License-Identifier: MIT */
/* One process at a cell; after each of its instructions it is killed, or
 * another does something to the same cell. */
#define _GNU_SOURCE /* mkdtemp, MAP_ANONYMOUS */
#include "tests/unit/steps.h"

#include "tests/unit/common/ledger_bench.h"

enum {
	SLOT = 3,
	LIMIT = 5,
};

/* One seat is left: granted is LIMIT - 1. */
static void
lay_out(void *ledger)
{
	ledger_assign(ledger, SLOT, GENERATION);
	ledger_set_closed(ledger, SLOT, false);
	for (int i = 0; i < LIMIT - 1; i++)
		assert_int_equal(ledger_grant(ledger, SLOT, GENERATION, LIMIT),
				 LEDGER_GRANTED);
}

/* ---- who is stepped ---------------------------------------------------- */

static int
take_a_seat(void *ledger)
{
	return (int)ledger_grant(ledger, SLOT, GENERATION, LIMIT);
}

static int
close_the_cell(void *ledger)
{
	return (int)ledger_set_closed(ledger, SLOT, true).granted;
}

static int
open_the_cell(void *ledger)
{
	return (int)ledger_set_closed(ledger, SLOT, false).granted;
}

/* ---- what is done in between ------------------------------------------- */

static void
kill_it(void *ledger, pid_t pid)
{
	const int64_t before = ledger_read(ledger, SLOT).granted;

	steps_kill(pid);
	/* The seat was taken, or it is there for the next one. */
	assert_in_range(before, LIMIT - 1, LIMIT);
	assert_cell(ledger, SLOT, GENERATION, false, before);
	assert_int_equal(ledger_grant(ledger, SLOT, GENERATION, LIMIT),
			 before < LIMIT ? LEDGER_GRANTED : LEDGER_EXHAUSTED);
	assert_cell(ledger, SLOT, GENERATION, false, LIMIT);
}

static void
handler_that_is_killed_leaves_the_seat_taken_or_free(void **state)
{
	steps_each(lay_out, take_a_seat, kill_it,
		   ((struct fixture *)*state)->ledger);
}

static void
take_the_last_one(void *ledger, pid_t pid)
{
	const int mine = take_a_seat(ledger);
	const int theirs = steps_finish(pid);

	assert_true((mine == LEDGER_GRANTED && theirs == LEDGER_EXHAUSTED) ||
		    (mine == LEDGER_EXHAUSTED && theirs == LEDGER_GRANTED));
	assert_cell(ledger, SLOT, GENERATION, false, LIMIT);
}

static void
last_seat_is_granted_to_one_of_two(void **state)
{
	steps_each(lay_out, take_a_seat, take_the_last_one,
		   ((struct fixture *)*state)->ledger);
}

static void
close_it(void *ledger, pid_t pid)
{
	const int64_t final = close_the_cell(ledger);
	const int theirs = steps_finish(pid);

	assert_true(theirs == LEDGER_GRANTED || theirs == LEDGER_CLOSED);
	assert_int_equal(final, theirs == LEDGER_GRANTED ? LIMIT : LIMIT - 1);
	assert_cell(ledger, SLOT, GENERATION, true, final);
}

static void
count_of_a_cell_that_is_closed_meanwhile_is_final(void **state)
{
	steps_each(lay_out, take_a_seat, close_it,
		   ((struct fixture *)*state)->ledger);
}

static void
give_it_to_another(void *ledger, pid_t pid)
{
	ledger_assign(ledger, SLOT, GENERATION + 1);
	ledger_set_closed(ledger, SLOT, false);
	const int theirs = steps_finish(pid);

	assert_true(theirs == LEDGER_GRANTED || theirs == LEDGER_OTHER);
	assert_int_equal(ledger_read(ledger, SLOT).generation, GENERATION + 1);
	assert_int_equal(ledger_read(ledger, SLOT).granted, 0);
}

static void
slots_next_gameserver_gets_no_grant_of_the_last_ones(void **state)
{
	steps_each(lay_out, take_a_seat, give_it_to_another,
		   ((struct fixture *)*state)->ledger);
}

static void
grant_while_it_closes(void *ledger, pid_t pid)
{
	const int mine = take_a_seat(ledger);
	const int final = steps_finish(pid);

	assert_true(mine == LEDGER_GRANTED || mine == LEDGER_CLOSED);
	assert_cell(ledger, SLOT, GENERATION, true,
		    mine == LEDGER_GRANTED ? LIMIT : LIMIT - 1);
	/* One that came after the closing and before its end got none. */
	assert_int_equal(final, ledger_read(ledger, SLOT).granted);
}

static void
closing_loses_no_grant(void **state)
{
	steps_each(lay_out, close_the_cell, grant_while_it_closes,
		   ((struct fixture *)*state)->ledger);
}

static void
grant_while_it_opens(void *ledger, pid_t pid)
{
	assert_int_equal(take_a_seat(ledger), LEDGER_GRANTED);
	(void)steps_finish(pid);
	assert_cell(ledger, SLOT, GENERATION, false, LIMIT);
}

static void
opening_loses_no_grant(void **state)
{
	steps_each(lay_out, open_the_cell, grant_while_it_opens,
		   ((struct fixture *)*state)->ledger);
}

STEPS_MAIN(LEDGER_TEST(handler_that_is_killed_leaves_the_seat_taken_or_free),
	   LEDGER_TEST(last_seat_is_granted_to_one_of_two),
	   LEDGER_TEST(count_of_a_cell_that_is_closed_meanwhile_is_final),
	   LEDGER_TEST(slots_next_gameserver_gets_no_grant_of_the_last_ones),
	   LEDGER_TEST(closing_loses_no_grant),
	   LEDGER_TEST(opening_loses_no_grant))
