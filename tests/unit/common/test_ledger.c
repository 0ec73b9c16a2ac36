/* SPDX-License-Identifier: MIT */
/* The rule of a cell, and the file. */
#define _GNU_SOURCE /* mkdtemp, setgid bits */
#include "tests/unit/common/ledger_bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- the rule ---------------------------------------------------------- */

static void
new_ledger_has_its_epoch_and_every_cell_is_closed(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(ledger_epoch(f->ledger), EPOCH);
	assert_int_equal(ledger_shortage(f->ledger), 0);
	for (uint32_t slot = 0; slot < LEDGER_SLOTS; slot++)
		assert_cell(f->ledger, slot, 0, true, 0);
	assert_int_equal(ledger_grant_stale(f->ledger, 0, 0), LEDGER_OTHER);
}

static void
seats_are_granted_up_to_the_limit(void **state)
{
	struct ledger *ledger = ((struct fixture *)*state)->ledger;

	give(ledger, 5);
	assert_int_equal(ledger_grant(ledger, 5, GENERATION, -1),
			 LEDGER_EXHAUSTED);
	assert_int_equal(ledger_grant(ledger, 5, GENERATION, 0),
			 LEDGER_EXHAUSTED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ledger_grant(ledger, 5, GENERATION, 3),
				 LEDGER_GRANTED);
	assert_int_equal(ledger_grant(ledger, 5, GENERATION, 3),
			 LEDGER_EXHAUSTED);
	assert_int_equal(ledger_grant(ledger, 5, GENERATION, 4),
			 LEDGER_GRANTED);
	assert_cell(ledger, 5, GENERATION, false, 4);
	assert_cell(ledger, 4, 0, true, 0);
	assert_cell(ledger, 6, 0, true, 0);
}

static void
stale_grants_have_no_limit_but_are_counted(void **state)
{
	struct ledger *ledger = ((struct fixture *)*state)->ledger;

	give(ledger, 5);
	assert_int_equal(ledger_grant(ledger, 5, GENERATION, 1),
			 LEDGER_GRANTED);
	for (int i = 0; i < 10; i++)
		assert_int_equal(ledger_grant_stale(ledger, 5, GENERATION),
				 LEDGER_GRANTED);
	assert_cell(ledger, 5, GENERATION, false, 11);
}

static void
closed_cell_grants_nothing_and_its_count_is_final(void **state)
{
	struct ledger *ledger = ((struct fixture *)*state)->ledger;
	struct ledger_cell cell;

	ledger_assign(ledger, 9, GENERATION);
	assert_int_equal(ledger_grant(ledger, 9, GENERATION, 10),
			 LEDGER_CLOSED);
	cell = ledger_set_closed(ledger, 9, false);
	assert_false(cell.closed);
	assert_int_equal(cell.generation, GENERATION);
	assert_int_equal(ledger_grant(ledger, 9, GENERATION, 10),
			 LEDGER_GRANTED);
	cell = ledger_set_closed(ledger, 9, true);
	assert_true(cell.closed);
	assert_int_equal(cell.generation, GENERATION);
	assert_int_equal(cell.granted, 1);
	assert_int_equal(ledger_grant(ledger, 9, GENERATION, 10),
			 LEDGER_CLOSED);
	assert_int_equal(ledger_grant_stale(ledger, 9, GENERATION),
			 LEDGER_CLOSED);
	assert_cell(ledger, 9, GENERATION, true, 1);
}

static void
other_generation_grants_nothing(void **state)
{
	struct ledger *ledger = ((struct fixture *)*state)->ledger;

	give(ledger, 9);
	assert_int_equal(ledger_grant(ledger, 9, GENERATION - 1, 10),
			 LEDGER_OTHER);
	assert_int_equal(ledger_grant_stale(ledger, 9, GENERATION + 1),
			 LEDGER_OTHER);
	assert_int_equal(
	    ledger_grant(ledger, 9, GENERATION + GENERATION_MAX + 1, 10),
	    LEDGER_OTHER);
	assert_int_equal(ledger_grant(ledger, 9, 0, 10), LEDGER_OTHER);
	assert_cell(ledger, 9, GENERATION, false, 0);
}

static void
assigning_closes_and_begins_to_count_anew(void **state)
{
	struct ledger *ledger = ((struct fixture *)*state)->ledger;

	give(ledger, LEDGER_SLOTS - 1);
	assert_int_equal(ledger_grant(ledger, LEDGER_SLOTS - 1, GENERATION, 10),
			 LEDGER_GRANTED);
	ledger_assign(ledger, LEDGER_SLOTS - 1, GENERATION_MAX);
	assert_cell(ledger, LEDGER_SLOTS - 1, GENERATION_MAX, true, 0);
	ledger_assign(ledger, LEDGER_SLOTS - 1, GENERATION_MAX + 1);
	assert_cell(ledger, LEDGER_SLOTS - 1, 0, true, 0);
}

static void
slots_out_of_range_are_refused(void **state)
{
	struct ledger *ledger = ((struct fixture *)*state)->ledger;
	static const uint32_t bad[] = {LEDGER_SLOTS, UINT32_MAX};

	for (int i = 0; i < 2; i++) {
		ledger_assign(ledger, bad[i], GENERATION);
		assert_int_equal(
		    ledger_set_closed(ledger, bad[i], false).generation, 0);
		assert_int_equal(ledger_grant(ledger, bad[i], GENERATION, 9),
				 LEDGER_OTHER);
		assert_int_equal(ledger_grant_stale(ledger, bad[i], 0),
				 LEDGER_OTHER);
		assert_int_equal(ledger_read(ledger, bad[i]).generation, 0);
		assert_int_equal(ledger_read(ledger, bad[i]).granted, 0);
	}
}

static void
count_never_runs_over_into_the_flags(void **state)
{
	const struct fixture *f = *state;
	uint64_t word;

	give(f->ledger, 0);
	/* The count is the lower part, whatever the flags are. */
	memcpy(&word, (uint64_t[]){(uint64_t)GRANTED_MAX - 1}, sizeof(word));
	word |= UINT64_C(1) << LEDGER_GRANTED_BITS;
	word |= (uint64_t)GENERATION << (LEDGER_GRANTED_BITS + 1);
	scribble(f->path, PREFACE, &word, sizeof(word));
	assert_cell(f->ledger, 0, GENERATION, false, GRANTED_MAX - 1);
	assert_int_equal(ledger_grant_stale(f->ledger, 0, GENERATION),
			 LEDGER_GRANTED);
	assert_int_equal(ledger_grant_stale(f->ledger, 0, GENERATION),
			 LEDGER_EXHAUSTED);
	assert_cell(f->ledger, 0, GENERATION, false, GRANTED_MAX);
}

/* ---- the file ---------------------------------------------------------- */

static void
file_has_its_size_mode_and_the_directorys_group(void **state)
{
	const struct fixture *f = *state;
	struct err err;
	struct stat st;
	const mode_t umask_before = umask(0077);
	const gid_t other = geteuid() == 0 ? 12345 : getegid();

	assert_int_equal(chown(f->dir, (uid_t)-1, other), 0);
	assert_true(ledger_create(f->path, EPOCH, &err));
	umask(umask_before);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, other);
	assert_int_equal(st.st_size, FILE_SIZE);
	assert_true(st.st_blocks * 512 >= FILE_SIZE);
}

static void
two_mappings_are_one_ledger(void **state)
{
	const struct fixture *f = *state;
	struct ledger *other;
	struct err err;

	assert_true(ledger_open(&other, f->path, &err));
	give(f->ledger, 1);
	assert_int_equal(ledger_grant(other, 1, GENERATION, 1), LEDGER_GRANTED);
	assert_int_equal(ledger_grant(f->ledger, 1, GENERATION, 1),
			 LEDGER_EXHAUSTED);
	ledger_count_shortage(other);
	ledger_count_shortage(f->ledger);
	assert_int_equal(ledger_shortage(f->ledger), 2);
	ledger_close(other);
	assert_cell(f->ledger, 1, GENERATION, false, 1);
}

static void
assert_not_opened(const char *path, const char *why)
{
	struct ledger *ledger = NULL;
	char expected[128];
	struct err err;

	assert_false(ledger_open(&ledger, path, &err));
	assert_null(ledger);
	snprintf(expected, sizeof(expected), "%s: %s", path, why);
	assert_string_equal(err.msg, expected);
}

static void
missing_file_and_what_is_no_file_are_not_opened(void **state)
{
	const struct fixture *f = *state;

	unlink(f->path);
	assert_not_opened(f->path, "can't open it: No such file or directory");
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_not_opened(f->path, "can't open it: Is a directory");
	rmdir(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_not_opened(f->path, "not a regular file");
	unlink(f->path);
	assert_int_equal(symlink("/dev/null", f->path), 0);
	assert_not_opened(f->path,
			  "can't open it: Too many levels of symbolic links");
}

static void
file_of_another_size_is_not_opened(void **state)
{
	const struct fixture *f = *state;

	assert_int_equal(truncate(f->path, FILE_SIZE + 1), 0);
	assert_not_opened(
	    f->path, "not a ledger: it has 528385 bytes instead of 528384");
	assert_int_equal(truncate(f->path, 0), 0);
	assert_not_opened(f->path,
			  "not a ledger: it has 0 bytes instead of 528384");
	assert_int_equal(truncate(f->path, FILE_SIZE), 0);
	assert_not_opened(f->path, "not a ledger");
}

static void
other_magic_version_or_no_epoch_is_not_opened(void **state)
{
	static const struct {
		off_t at;
		uint64_t value;
		const char *why;
	} cases[] = {
	    {0, 0, "not a ledger"},
	    {8, 2, "a ledger of another version"},
	    {12, 1, "a ledger of another version"},
	    {16, 0, "a ledger without an epoch"},
	    {16, UINT64_MAX, "a ledger without an epoch"},
	};
	const struct fixture *f = *state;
	struct err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(ledger_create(f->path, EPOCH, &err));
		scribble(f->path, cases[i].at, &cases[i].value,
			 cases[i].at == 16 ? 8 : 4);
		assert_not_opened(f->path, cases[i].why);
	}
}

static void
making_one_replaces_what_lies_there(void **state)
{
	struct fixture *f = *state;
	struct ledger *next;
	struct err err;

	assert_false(ledger_is_replaced(f->ledger, f->path));
	give(f->ledger, 1);
	assert_true(ledger_create(f->path, EPOCH + 1, &err));
	assert_true(ledger_is_replaced(f->ledger, f->path));
	assert_int_equal(ledger_epoch(f->ledger), EPOCH);
	assert_int_equal(ledger_grant(f->ledger, 1, GENERATION, 1),
			 LEDGER_GRANTED);
	assert_true(ledger_open(&next, f->path, &err));
	assert_int_equal(ledger_epoch(next), EPOCH + 1);
	assert_cell(next, 1, 0, true, 0);
	ledger_close(next);
	unlink(f->path);
	assert_true(ledger_is_replaced(f->ledger, f->path));
}

static void
making_one_over_what_is_half_made_works(void **state)
{
	const struct fixture *f = *state;
	char name[80];
	struct err err;

	snprintf(name, sizeof(name), "%s.new", f->path);
	assert_int_equal(symlink("/dev/null", name), 0);
	assert_true(ledger_create(f->path, EPOCH, &err));
	assert_int_equal(access(name, F_OK), -1);
}

static void
making_one_that_can_not_be_says_why(void **state)
{
	const struct fixture *f = *state;
	char expected[256];
	struct err err;

	unlink(f->path);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_false(ledger_create(f->path, EPOCH, &err));
	snprintf(expected, sizeof(expected),
		 "%s: can't put the ledger there: Is a directory", f->path);
	assert_string_equal(err.msg, expected);
	assert_false(ledger_create("/nonexistent/ledger", EPOCH, &err));
	assert_string_equal(err.msg,
			    "/nonexistent/ledger.new: can't make it: No such "
			    "file or directory");
}

UNIT_MAIN(LEDGER_TEST(new_ledger_has_its_epoch_and_every_cell_is_closed),
	  LEDGER_TEST(seats_are_granted_up_to_the_limit),
	  LEDGER_TEST(stale_grants_have_no_limit_but_are_counted),
	  LEDGER_TEST(closed_cell_grants_nothing_and_its_count_is_final),
	  LEDGER_TEST(other_generation_grants_nothing),
	  LEDGER_TEST(assigning_closes_and_begins_to_count_anew),
	  LEDGER_TEST(slots_out_of_range_are_refused),
	  LEDGER_TEST(count_never_runs_over_into_the_flags),
	  LEDGER_TEST(file_has_its_size_mode_and_the_directorys_group),
	  LEDGER_TEST(two_mappings_are_one_ledger),
	  LEDGER_TEST(missing_file_and_what_is_no_file_are_not_opened),
	  LEDGER_TEST(file_of_another_size_is_not_opened),
	  LEDGER_TEST(other_magic_version_or_no_epoch_is_not_opened),
	  LEDGER_TEST(making_one_replaces_what_lies_there),
	  LEDGER_TEST(making_one_over_what_is_half_made_works),
	  LEDGER_TEST(making_one_that_can_not_be_says_why))
