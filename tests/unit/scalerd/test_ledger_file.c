/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* flock */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/ledger.h"
#include "common/log.h"
#include "scalerd/edge/ledger_file.h"

enum {
	SLOT = 3,
	GENERATION = 9,
	TRY_MS = 10,
	DEADLINE_MS = 10000,
	EPOCH_AT = 16, /* in the file */
};

struct room {
	char dir[48];
	char sub[64]; /* not there at first */
	char path[96];
	struct ledger_file *file;
	struct ledger_port port;
	int stderr_fd; /* the real one */
};

static int
set_up(void **state)
{
	struct room *room = calloc(1, sizeof(*room));

	assert_non_null(room);
	snprintf(room->dir, sizeof(room->dir), "/tmp/gsm-ledger-XXXXXX");
	assert_non_null(mkdtemp(room->dir));
	snprintf(room->sub, sizeof(room->sub), "%s/run", room->dir);
	snprintf(room->path, sizeof(room->path), "%s/ledger", room->sub);
	room->stderr_fd = -1;
	*state = room;
	return 0;
}

static int
tear_down(void **state)
{
	struct room *room = *state;

	ledger_file_close(room->file);
	if (unlink(room->path) < 0)
		rmdir(room->path);
	rmdir(room->sub);
	assert_int_equal(rmdir(room->dir), 0); /* nothing else was left */
	free(room);
	return 0;
}

static void
open_with(struct room *room, uint64_t epoch)
{
	const struct sigaction plain = {.sa_handler = SIG_DFL};
	struct err err;

	sigaction(SIGBUS, &plain, NULL); /* cmocka has its own */
	if (!ledger_file_open(&room->file, &room->port, room->path, epoch,
			      &err))
		fail_msg("%s", err.msg);
}

static uint64_t
epoch_of(const struct room *room)
{
	return room->port.epoch(room->port.self);
}

static struct ledger_cell
read_cell(const struct room *room)
{
	return room->port.read(room->port.self, SLOT);
}

/* Gives the slot to a gameserver and grants one seat, as a handler does. */
static void
use(const struct room *room)
{
	struct ledger *ledger;
	struct err err;

	room->port.assign(room->port.self, SLOT, GENERATION);
	assert_false(room->port.open(room->port.self, SLOT).closed);
	assert_true(ledger_open(&ledger, room->path, &err));
	assert_int_equal(ledger_grant(ledger, SLOT, GENERATION, 1),
			 LEDGER_GRANTED);
	ledger_count_shortage(ledger);
	ledger_close(ledger);
}

/* What scalerd logs is none of the test's output. */
static void
silence(struct room *room)
{
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	room->stderr_fd = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

static void
speak(struct room *room)
{
	dup2(room->stderr_fd, STDERR_FILENO);
	close(room->stderr_fd);
}

/* Whether renew makes another ledger before so many milliseconds are over. */
static bool
renews_within(struct room *room, int64_t ms)
{
	const struct timespec again = {.tv_nsec = TRY_MS * 1000000};
	bool renewed;

	silence(room);
	renewed = room->port.renew(room->port.self);
	for (; !renewed && ms > 0; ms -= TRY_MS) {
		nanosleep(&again, NULL);
		renewed = room->port.renew(room->port.self);
	}
	speak(room);
	return renewed;
}

static void
assert_new(struct room *room, uint64_t before)
{
	struct ledger *ledger;
	struct err err;

	assert_int_not_equal(epoch_of(room), 0);
	assert_int_not_equal(epoch_of(room), before);
	assert_int_equal(read_cell(room).generation, 0);
	assert_true(read_cell(room).closed);
	assert_true(ledger_open(&ledger, room->path, &err));
	assert_int_equal(ledger_epoch(ledger), epoch_of(room));
	ledger_close(ledger);
}

/* ---- opening ----------------------------------------------------------- */

static void
missing_ledger_is_made_with_its_directory(void **state)
{
	struct room *room = *state;
	const mode_t before = umask(0077);
	struct stat st;

	open_with(room, 0);
	umask(before);
	assert_new(room, 0);
	assert_true(epoch_of(room) <= INT64_MAX);
	assert_int_equal(room->port.nslot, LEDGER_SLOTS);
	assert_int_equal(stat(room->sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 02770);
	assert_int_equal(stat(room->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void
ledger_of_the_rows_epoch_is_kept(void **state)
{
	struct room *room = *state;
	uint64_t epoch;

	open_with(room, 0);
	epoch = epoch_of(room);
	use(room);
	ledger_file_close(room->file);
	open_with(room, epoch);
	assert_int_equal(epoch_of(room), epoch);
	assert_int_equal(read_cell(room).generation, GENERATION);
	assert_int_equal(read_cell(room).granted, 1);
	assert_int_equal(room->port.shortage(room->port.self), 1);
}

static void
ledger_of_another_epoch_is_replaced(void **state)
{
	struct room *room = *state;
	uint64_t epoch;

	for (uint64_t row = 0; row < 2; row++) {
		open_with(room, 0);
		epoch = epoch_of(room);
		use(room);
		ledger_file_close(room->file);
		open_with(room, row == 0 ? 0 : epoch + 1);
		assert_new(room, epoch);
		ledger_file_close(room->file);
		room->file = NULL;
	}
}

static void
write_file(const char *path, const char *text, off_t at)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

static void
what_is_no_ledger_is_replaced(void **state)
{
	struct room *room = *state;

	assert_int_equal(mkdir(room->sub, 0700), 0);
	write_file(room->path, "garbage", 0);
	open_with(room, 4711);
	assert_new(room, 4711);
}

static void
assert_refused(struct room *room, const char *why)
{
	char expected[256];
	struct err err;

	assert_false(
	    ledger_file_open(&room->file, &room->port, room->path, 1, &err));
	assert_null(room->file);
	snprintf(expected, sizeof(expected), "LEDGER=%s: %s", room->path, why);
	assert_string_equal(err.msg, expected);
}

static void
directory_that_can_not_be_made_is_told(void **state)
{
	struct room *room = *state;
	char path[sizeof(room->path)];

	memcpy(path, room->path, sizeof(path));
	snprintf(room->path, sizeof(room->path), "%s/a/ledger", room->sub);
	assert_refused(room,
		       "can't make its directory: No such file or directory");
	memcpy(room->path, path, sizeof(path));
}

static void
directory_in_the_ledgers_place_is_told(void **state)
{
	struct room *room = *state;
	char why[256];

	assert_int_equal(mkdir(room->sub, 0700), 0);
	assert_int_equal(mkdir(room->path, 0700), 0);
	snprintf(why, sizeof(why),
		 "%s: can't put the ledger there: Is a directory", room->path);
	assert_refused(room, why);
}

static void
ledger_belongs_to_the_scalerd_that_started_last(void **state)
{
	struct room *room = *state;
	struct ledger_port first;
	struct ledger_file *first_file;
	uint64_t epoch;

	open_with(room, 0);
	first = room->port;
	first_file = room->file;
	silence(room);
	open_with(room, 0);
	speak(room);
	assert_new(room, first.epoch(first.self));
	epoch = epoch_of(room);
	assert_false(renews_within(&(struct room){.port = first},
				   LEDGER_FILE_LOOK_MS + 100));
	assert_false(renews_within(room, LEDGER_FILE_LOOK_MS + 100));
	assert_int_equal(epoch_of(room), epoch);
	/* It has it again when the other one has ended. */
	ledger_file_close(room->file);
	room->file = first_file;
	room->port = first;
	assert_true(renews_within(room, DEADLINE_MS));
	assert_new(room, epoch);
}

static void
ledger_of_a_scalerd_that_hangs_is_taken_over_and_locked_when_it_ends(
    void **state)
{
	struct room *room = *state;
	struct ledger_file *before;
	uint64_t epoch;
	int fd;

	open_with(room, 0);
	epoch = epoch_of(room);
	before = room->file;
	silence(room);
	open_with(room, epoch);
	speak(room);
	assert_int_equal(epoch_of(room), epoch);
	ledger_file_close(before);
	assert_false(renews_within(room, LEDGER_FILE_LOOK_MS + 100));
	assert_int_equal(epoch_of(room), epoch);
	fd = open(room->path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	close(fd);
}

/* ---- renewing ---------------------------------------------------------- */

static void
deleted_ledger_is_made_anew_and_waiters_are_woken(void **state)
{
	struct room *room = *state;
	struct ledger *old;
	uint64_t epoch;
	uint32_t seen;
	struct err err;

	open_with(room, 0);
	epoch = epoch_of(room);
	use(room);
	assert_true(ledger_open(&old, room->path, &err));
	seen = ledger_news(old);
	assert_int_equal(unlink(room->path), 0);
	assert_true(renews_within(room, DEADLINE_MS));
	assert_new(room, epoch);
	assert_true(ledger_is_replaced(old, room->path));
	assert_true(ledger_wait(old, seen, 0));
	ledger_close(old);
	assert_false(renews_within(room, 0));
}

static void
nobody_grants_in_the_ledger_of_before(void **state)
{
	struct room *room = *state;
	struct ledger *old;
	struct err err;

	open_with(room, 0);
	room->port.assign(room->port.self, SLOT, GENERATION);
	assert_false(room->port.open(room->port.self, SLOT).closed);
	assert_true(ledger_open(&old, room->path, &err));
	assert_int_equal(unlink(room->path), 0);
	assert_int_equal(ledger_grant(old, SLOT, GENERATION, 2),
			 LEDGER_GRANTED);
	silence(room);
	assert_true(renews_within(room, DEADLINE_MS));
	speak(room);
	assert_int_equal(ledger_grant(old, SLOT, GENERATION, 2), LEDGER_CLOSED);
	ledger_close(old);
}

static void
deleted_directory_is_made_anew(void **state)
{
	struct room *room = *state;
	uint64_t epoch;

	open_with(room, 0);
	epoch = epoch_of(room);
	assert_int_equal(unlink(room->path), 0);
	assert_int_equal(rmdir(room->sub), 0);
	assert_true(renews_within(room, DEADLINE_MS));
	assert_new(room, epoch);
}

static void
ledger_that_another_took_the_place_of_is_made_anew(void **state)
{
	struct room *room = *state;
	uint64_t epoch;
	struct err err;

	open_with(room, 0);
	epoch = epoch_of(room);
	assert_true(ledger_create(room->path, epoch, &err));
	assert_true(renews_within(room, DEADLINE_MS));
	assert_new(room, epoch);
}

static void
cut_ledger_is_made_anew(void **state)
{
	struct room *room = *state;
	uint64_t epoch;

	open_with(room, 0);
	epoch = epoch_of(room);
	use(room);
	assert_int_equal(truncate(room->path, 0), 0);
	assert_true(read_cell(room).closed);
	assert_int_equal(epoch_of(room), 0);
	assert_true(renews_within(room, 0));
	assert_new(room, epoch);
}

static void
ledger_with_another_epoch_written_into_it_is_made_anew(void **state)
{
	struct room *room = *state;
	uint64_t epoch;

	open_with(room, 0);
	epoch = epoch_of(room);
	write_file(room->path, "another", EPOCH_AT);
	assert_int_not_equal(epoch_of(room), epoch);
	assert_true(renews_within(room, 0));
	assert_new(room, epoch);
}

static void
ledger_that_can_not_be_made_is_tried_again(void **state)
{
	struct room *room = *state;
	uint64_t epoch;

	open_with(room, 0);
	epoch = epoch_of(room);
	use(room);
	assert_int_equal(unlink(room->path), 0);
	assert_int_equal(mkdir(room->path, 0700), 0);
	assert_false(renews_within(room, LEDGER_FILE_LOOK_MS + 100));
	assert_int_equal(read_cell(room).granted, 1); /* the old one's */
	assert_int_equal(rmdir(room->path), 0);
	assert_true(renews_within(room, DEADLINE_MS));
	assert_new(room, epoch);
}

/* ---- the rest of the port ---------------------------------------------- */

static void
closing_returns_the_final_count(void **state)
{
	struct room *room = *state;
	struct ledger_cell cell;

	open_with(room, 0);
	use(room);
	cell = room->port.close(room->port.self, SLOT);
	assert_true(cell.closed);
	assert_int_equal(cell.generation, GENERATION);
	assert_int_equal(cell.granted, 1);
	assert_false(room->port.open(room->port.self, SLOT).closed);
}

static void
announcing_reaches_handlers(void **state)
{
	struct room *room = *state;
	struct ledger *handler;
	uint32_t seen;
	struct err err;

	open_with(room, 0);
	assert_true(ledger_open(&handler, room->path, &err));
	seen = ledger_news(handler);
	room->port.announce(room->port.self);
	assert_true(ledger_wait(handler, seen, 0));
	ledger_close(handler);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(
    TEST(missing_ledger_is_made_with_its_directory),
    TEST(ledger_of_the_rows_epoch_is_kept),
    TEST(ledger_of_another_epoch_is_replaced),
    TEST(what_is_no_ledger_is_replaced),
    TEST(directory_that_can_not_be_made_is_told),
    TEST(directory_in_the_ledgers_place_is_told),
    TEST(ledger_belongs_to_the_scalerd_that_started_last),
    TEST(ledger_of_a_scalerd_that_hangs_is_taken_over_and_locked_when_it_ends),
    TEST(deleted_ledger_is_made_anew_and_waiters_are_woken),
    TEST(nobody_grants_in_the_ledger_of_before),
    TEST(deleted_directory_is_made_anew),
    TEST(ledger_that_another_took_the_place_of_is_made_anew),
    TEST(cut_ledger_is_made_anew),
    TEST(ledger_with_another_epoch_written_into_it_is_made_anew),
    TEST(ledger_that_can_not_be_made_is_tried_again),
    TEST(closing_returns_the_final_count), TEST(announcing_reaches_handlers))
