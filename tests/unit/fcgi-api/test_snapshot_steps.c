/* SPDX-License-Identifier: MIT */
/* The refresher and a request thread at the same row and the same list; after
 * each instruction of the one the other does all of its own. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "tests/unit/steps.h"

#include "fcgi-api/publication.h"
#include "fcgi-api/seats.h"

enum { SLOT = 3, OLD = 1, NEW = 2, NOT_READ = 0, TORN = 9 };

/* ---- a row ------------------------------------------------------------- */

static struct seats *seats;
static struct seat_row old_row, new_row;

/* All of it tells which one it is; the two have addresses in other places. */
static struct seat_row
make_row(int which)
{
	struct seat_row row = {.slot = SLOT,
			       .generation = (uint32_t)which,
			       .grade =
				   which == OLD ? GRADE_GOOD : GRADE_SUSPECT,
			       .limit = which,
			       .seats = which};

	for (int i = 0; i < (which == OLD ? 1 : 10); i++)
		snprintf(row.address + i * 8, 9, "%08d", which);
	return row;
}

static void
write_old(void *shared)
{
	seats_write(shared, &old_row);
}

static int
write_new(void *shared)
{
	seats_write(shared, &new_row);
	return 0;
}

/* OLD, NEW, NOT_READ or TORN. */
static int
read_row(void *shared)
{
	struct seat_row row;

	if (!seats_read(shared, SLOT, &row))
		return NOT_READ;
	const struct seat_row *whole = row.limit == OLD ? &old_row : &new_row;

	if (row.generation != whole->generation || row.grade != whole->grade ||
	    row.limit != whole->limit || row.seats != whole->seats ||
	    strcmp(row.address, whole->address) != 0)
		return TORN;
	return (int)row.limit;
}

static void
write_meanwhile(void *shared, pid_t pid)
{
	(void)write_new(shared);
	assert_in_range(steps_finish(pid), NOT_READ, NEW);
	assert_int_equal(read_row(shared), NEW);
}

static void
row_that_is_written_while_it_is_read_is_whole_or_not_read(void **state)
{
	(void)state;
	steps_each(write_old, read_row, write_meanwhile, seats);
}

static void
read_meanwhile(void *shared, pid_t pid)
{
	assert_in_range(read_row(shared), NOT_READ, NEW);
	assert_int_equal(steps_finish(pid), 0);
	assert_int_equal(read_row(shared), NEW);
}

static void
row_that_is_read_while_it_is_written_is_whole_or_not_read(void **state)
{
	(void)state;
	steps_each(write_old, write_new, read_meanwhile, seats);
}

/* ---- an item ----------------------------------------------------------- */

struct shelf {
	struct publication publication;
	bool freed[2]; /* the items; their addresses are all that is used */
};

static struct shelf *shelf;

static void
note_freed(void *item)
{
	*(bool *)item = true;
}

static void
put_first(void *shared)
{
	struct shelf *s = shared;

	*s = (struct shelf){.publication.free_item = note_freed};
	publication_put(&s->publication, &s->freed[0]);
}

/* Which one it got, and whether it is still there. */
static int
take_one(void *shared)
{
	struct shelf *s = shared;
	const bool *item = publication_take(&s->publication, 0);

	return *item ? TORN : (int)(item - s->freed);
}

static void
put_meanwhile(void *shared, pid_t pid)
{
	struct shelf *s = shared;

	publication_put(&s->publication, &s->freed[1]);
	assert_in_range(steps_finish(pid), 0, 1);
}

static void
item_that_is_replaced_while_it_is_taken_is_not_freed(void **state)
{
	(void)state;
	steps_each(put_first, take_one, put_meanwhile, shelf);
}

static int
begin(void **state)
{
	(void)state;
	old_row = make_row(OLD);
	new_row = make_row(NEW);
	seats = steps_share(sizeof(*seats));
	shelf = steps_share(sizeof(*shelf));
	return 0;
}

UNIT_MAIN_IN(
    steps_missing, begin, NULL,
    cmocka_unit_test(row_that_is_written_while_it_is_read_is_whole_or_not_read),
    cmocka_unit_test(row_that_is_read_while_it_is_written_is_whole_or_not_read),
    cmocka_unit_test(item_that_is_replaced_while_it_is_taken_is_not_freed))
