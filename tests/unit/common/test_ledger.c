/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* mkdtemp, setgid bits */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/ledger.h"

enum {
	EPOCH = 4711,
	GENERATION = 7,
	GENERATION_MAX = (1 << LEDGER_GENERATION_BITS) - 1,
	PREFACE = 4096, /* bytes before the cells */
	FILE_SIZE = PREFACE + LEDGER_SLOTS * 8,

	PROCESSES = 4,
	THREADS = 4,
	CELLS = 3, /* few: the grants collide */
	LIMIT = 200000,
	KILLS = 30,
	LONG_MS = 10000, /* what should not happen takes this long */
	SHORT_MS = 50,
};

#define GRANTED_MAX ((INT64_C(1) << LEDGER_GRANTED_BITS) - 1)

struct fixture {
	char dir[32];
	char path[64];
	struct ledger *ledger;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/ledger.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/ledger", f->dir);
	assert_true(ledger_create(f->path, EPOCH, &err));
	assert_true(ledger_open(&f->ledger, f->path, &err));
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	ledger_close(f->ledger);
	if (unlink(f->path) < 0)
		rmdir(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* nothing else was left there */
	free(f);
	return 0;
}

static void
give(struct ledger *ledger, uint32_t slot)
{
	ledger_assign(ledger, slot, GENERATION);
	ledger_set_closed(ledger, slot, false);
}

static void
assert_cell(const struct ledger *ledger, uint32_t slot, uint32_t generation,
	    bool closed, int64_t granted)
{
	const struct ledger_cell cell = ledger_read(ledger, slot);

	assert_int_equal(cell.generation, generation);
	assert_int_equal(cell.closed, closed);
	assert_int_equal(cell.granted, granted);
}

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

/* Writes to the file as any process that has it can. */
static void
scribble(const char *path, off_t at, const void *bytes, size_t size)
{
	const int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, at), size);
	close(fd);
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

/* ---- a file that is damaged while it is mapped ------------------------- */

/* In each test of it: cmocka handles SIGBUS itself from a test's begin on. */
static void
guard(void)
{
	const struct sigaction plain = {.sa_handler = SIG_DFL};
	struct err err;

	sigaction(SIGBUS, &plain, NULL);
	assert_true(ledger_guard(&err));
}

static void
file_that_is_cut_reads_as_zeros_from_then_on(void **state)
{
	const struct fixture *f = *state;

	guard();
	give(f->ledger, 1);
	give(f->ledger, LEDGER_SLOTS - 1);
	assert_int_equal(truncate(f->path, 0), 0);
	assert_true(ledger_is_replaced(f->ledger, f->path));
	assert_cell(f->ledger, 1, 0, true, 0);
	assert_int_equal(
	    ledger_grant_stale(f->ledger, LEDGER_SLOTS - 1, GENERATION),
	    LEDGER_OTHER);
	assert_int_equal(ledger_epoch(f->ledger), 0);
	assert_int_equal(ledger_shortage(f->ledger), 0);
	ledger_announce(f->ledger);
	assert_false(ledger_wait(f->ledger, ledger_news(f->ledger), 1));
}

static void
file_of_which_a_part_was_cut_is_lost_even_if_it_grows_again(void **state)
{
	const struct fixture *f = *state;

	guard();
	give(f->ledger, LEDGER_SLOTS - 1);
	assert_int_equal(truncate(f->path, PREFACE), 0);
	assert_cell(f->ledger, LEDGER_SLOTS - 1, 0, true, 0);
	assert_int_equal(truncate(f->path, FILE_SIZE), 0);
	assert_false(ledger_is_replaced(f->ledger, f->path));
	assert_int_equal(ledger_epoch(f->ledger), 0);
}

static void
file_that_is_cut_while_one_waits_ends_no_process(void **state)
{
	const struct fixture *f = *state;
	pid_t pid;
	int status;

	guard();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(ledger_wait(f->ledger, 0, SHORT_MS) ? 1 : 0);
	assert_int_equal(truncate(f->path, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
garbage_in_the_file_is_survived(void **state)
{
	const struct fixture *f = *state;
	static unsigned char garbage[FILE_SIZE];
	uint32_t random = 4711;

	for (int round = 0; round < 8; round++) {
		for (size_t i = 0; i < sizeof(garbage); i++) {
			random = random * 1664525 + 1013904223;
			garbage[i] =
			    round == 0 ? 0xff : (unsigned char)(random >> 24);
		}
		scribble(f->path, 0, garbage, sizeof(garbage));
		assert_int_equal(ledger_epoch(f->ledger), 0);
		for (uint32_t slot = 0; slot < LEDGER_SLOTS; slot += 7) {
			const struct ledger_cell cell =
			    ledger_read(f->ledger, slot);

			assert_in_range(cell.generation, 0, GENERATION_MAX);
			assert_in_range(cell.granted, 0, GRANTED_MAX);
			(void)ledger_grant(f->ledger, slot, cell.generation,
					   INT64_MAX);
			ledger_set_closed(f->ledger, slot, true);
		}
		(void)ledger_shortage(f->ledger);
		assert_false(ledger_wait(f->ledger, ledger_news(f->ledger), 1));
	}
}

static void
sigbus_that_is_not_about_a_ledger_still_ends_the_process(void **state)
{
	const struct fixture *f = *state;
	int status;

	guard();
	for (int by_fault = 0; by_fault < 2; by_fault++) {
		const pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			char *page;
			const int fd = open(f->path, O_RDWR);

			alarm(LONG_MS / 1000);
			page = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0);
			if (!by_fault)
				raise(SIGBUS);
			else if (ftruncate(fd, 0) == 0)
				*(volatile char *)page = 1;
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* A sanitizer has a handler of its own, which exits. */
		assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGBUS
						: WEXITSTATUS(status) != 0);
	}
}

/* ---- many at once ------------------------------------------------------ */

/* What a granting process tells, on a page that it shares with the test. */
struct tally {
	_Atomic int64_t receipts[CELLS];
	_Atomic int64_t wrong; /* answers that may not be */
};

static struct tally *
new_tally(void)
{
	struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(tally != MAP_FAILED);
	return tally;
}

struct worker {
	struct ledger *ledger;
	struct tally *tally;
	int64_t limit;
};

/* Takes seats until every cell refuses. */
static void *
take_all(void *arg)
{
	const struct worker *w = arg;

	for (int refused = 0, i = 0; refused < CELLS; i++) {
		const uint32_t slot = (uint32_t)i % CELLS;

		switch (ledger_grant(w->ledger, slot, GENERATION, w->limit)) {
		case LEDGER_GRANTED:
			atomic_fetch_add(&w->tally->receipts[slot], 1);
			refused = 0;
			break;
		case LEDGER_EXHAUSTED:
		case LEDGER_CLOSED:
			refused++;
			break;
		default:
			atomic_fetch_add(&w->tally->wrong, 1);
			return NULL;
		}
	}
	return NULL;
}

/* A process that maps the file anew and takes seats with so many threads. */
static pid_t
spawn_takers(const char *path, struct tally *tally, int64_t limit)
{
	const pid_t pid = fork();
	struct worker worker = {.tally = tally, .limit = limit};
	pthread_t thread[THREADS];
	struct err err;

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	alarm(6 * LONG_MS / 1000);
	if (!ledger_open(&worker.ledger, path, &err))
		_exit(1);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, take_all, &worker) != 0)
			_exit(2);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

static void
assert_exited(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
many_processes_and_threads_grant_exactly_the_limit(void **state)
{
	const struct fixture *f = *state;
	struct tally *tally = new_tally();
	pid_t pid[PROCESSES];

	for (uint32_t slot = 0; slot < CELLS; slot++)
		give(f->ledger, slot);
	for (int i = 0; i < PROCESSES; i++)
		pid[i] = spawn_takers(f->path, tally, LIMIT);
	for (int i = 0; i < PROCESSES; i++)
		assert_exited(pid[i]);
	assert_int_equal(tally->wrong, 0);
	for (uint32_t slot = 0; slot < CELLS; slot++) {
		assert_cell(f->ledger, slot, GENERATION, false, LIMIT);
		assert_int_equal(tally->receipts[slot], LIMIT);
	}
	munmap(tally, sizeof(*tally));
}

static void
wait_ms(int64_t ms)
{
	const struct timespec time = {.tv_nsec = ms * 1000000};

	nanosleep(&time, NULL);
}

/* Waits until somebody has taken a seat on `slot`. */
static void
wait_for_grants(const struct ledger *ledger, uint32_t slot)
{
	for (int i = 0; i < LONG_MS && ledger_read(ledger, slot).granted == 0;
	     i++)
		wait_ms(1);
	assert_true(ledger_read(ledger, slot).granted > 0);
}

static void
closing_while_others_grant_loses_no_grant(void **state)
{
	const struct fixture *f = *state;
	struct tally *tally = new_tally();
	struct ledger_cell closed[CELLS];
	pid_t pid[PROCESSES];

	for (uint32_t slot = 0; slot < CELLS; slot++)
		give(f->ledger, slot);
	for (int i = 0; i < PROCESSES; i++)
		pid[i] = spawn_takers(f->path, tally, INT64_MAX);
	for (uint32_t slot = 0; slot < CELLS; slot++) {
		wait_for_grants(f->ledger, slot);
		closed[slot] = ledger_set_closed(f->ledger, slot, true);
	}
	for (int i = 0; i < PROCESSES; i++)
		assert_exited(pid[i]);
	for (uint32_t slot = 0; slot < CELLS; slot++) {
		assert_cell(f->ledger, slot, GENERATION, true,
			    closed[slot].granted);
		assert_int_equal(tally->receipts[slot], closed[slot].granted);
	}
	munmap(tally, sizeof(*tally));
}

static void
killed_processes_leave_no_receipt_without_a_grant(void **state)
{
	const struct fixture *f = *state;
	struct tally *tally = new_tally();
	struct worker worker = {
	    .ledger = f->ledger, .tally = tally, .limit = INT64_MAX};

	for (int i = 0; i < KILLS; i++) {
		int64_t granted = 0;
		int64_t receipts = 0;
		int status;
		pid_t pid;

		for (uint32_t slot = 0; slot < CELLS; slot++)
			give(f->ledger, slot);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			alarm(LONG_MS / 1000);
			take_all(&worker);
			_exit(0);
		}
		wait_for_grants(f->ledger, CELLS - 1);
		wait_ms(i % 5);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		for (uint32_t slot = 0; slot < CELLS; slot++) {
			granted += ledger_read(f->ledger, slot).granted;
			receipts += atomic_exchange(&tally->receipts[slot], 0);
		}
		assert_in_range(granted - receipts, 0, 1);
	}
	munmap(tally, sizeof(*tally));
}

/* ---- news -------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until the process sleeps. */
static void
wait_for_sleep(pid_t pid)
{
	char path[32];
	char state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < LONG_MS && state != 'S'; i++) {
		FILE *file = fopen(path, "r");

		assert_non_null(file);
		assert_int_equal(fscanf(file, "%*d %*s %c", &state), 1);
		fclose(file);
		wait_ms(1);
	}
	assert_int_equal(state, 'S');
}

static void
news_wake_those_who_wait_in_another_process(void **state)
{
	const struct fixture *f = *state;
	const uint32_t seen = ledger_news(f->ledger);
	pid_t pid[PROCESSES];
	int64_t begin_ms;

	for (int i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] == 0) {
			struct ledger *ledger;
			struct err err;

			if (!ledger_open(&ledger, f->path, &err))
				_exit(1);
			ledger_count_shortage(ledger); /* here it comes */
			_exit(ledger_wait(ledger, seen, LONG_MS) ? 0 : 2);
		}
	}
	for (int i = 0; i < LONG_MS && ledger_shortage(f->ledger) < PROCESSES;
	     i++)
		wait_ms(1);
	for (int i = 0; i < PROCESSES; i++)
		wait_for_sleep(pid[i]);
	begin_ms = now_ms();
	ledger_announce(f->ledger);
	for (int i = 0; i < PROCESSES; i++)
		assert_exited(pid[i]);
	assert_in_range(now_ms() - begin_ms, 0, LONG_MS / 2);
	assert_int_equal(ledger_news(f->ledger), seen + 1);
}

static void
waiting_ends_at_once_when_the_news_are_there_already(void **state)
{
	const struct fixture *f = *state;
	const uint32_t seen = ledger_news(f->ledger);

	ledger_announce(f->ledger);
	assert_true(ledger_wait(f->ledger, seen, 0));
	assert_true(ledger_wait(f->ledger, seen, LONG_MS));
}

static void
waiting_without_news_ends_with_the_time(void **state)
{
	const struct fixture *f = *state;
	const int64_t begin_ms = now_ms();

	assert_false(ledger_wait(f->ledger, ledger_news(f->ledger), SHORT_MS));
	assert_in_range(now_ms() - begin_ms, SHORT_MS - 1, LONG_MS);
	assert_false(ledger_wait(f->ledger, ledger_news(f->ledger), 0));
	assert_false(ledger_wait(f->ledger, ledger_news(f->ledger), -5));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(new_ledger_has_its_epoch_and_every_cell_is_closed),
	  TEST(seats_are_granted_up_to_the_limit),
	  TEST(stale_grants_have_no_limit_but_are_counted),
	  TEST(closed_cell_grants_nothing_and_its_count_is_final),
	  TEST(other_generation_grants_nothing),
	  TEST(assigning_closes_and_begins_to_count_anew),
	  TEST(slots_out_of_range_are_refused),
	  TEST(count_never_runs_over_into_the_flags),
	  TEST(file_has_its_size_mode_and_the_directorys_group),
	  TEST(two_mappings_are_one_ledger),
	  TEST(missing_file_and_what_is_no_file_are_not_opened),
	  TEST(file_of_another_size_is_not_opened),
	  TEST(other_magic_version_or_no_epoch_is_not_opened),
	  TEST(making_one_replaces_what_lies_there),
	  TEST(making_one_over_what_is_half_made_works),
	  TEST(making_one_that_can_not_be_says_why),
	  TEST(file_that_is_cut_reads_as_zeros_from_then_on),
	  TEST(file_of_which_a_part_was_cut_is_lost_even_if_it_grows_again),
	  TEST(file_that_is_cut_while_one_waits_ends_no_process),
	  TEST(garbage_in_the_file_is_survived),
	  TEST(sigbus_that_is_not_about_a_ledger_still_ends_the_process),
	  TEST(many_processes_and_threads_grant_exactly_the_limit),
	  TEST(closing_while_others_grant_loses_no_grant),
	  TEST(killed_processes_leave_no_receipt_without_a_grant),
	  TEST(news_wake_those_who_wait_in_another_process),
	  TEST(waiting_ends_at_once_when_the_news_are_there_already),
	  TEST(waiting_without_news_ends_with_the_time))
