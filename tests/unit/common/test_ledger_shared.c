/* SPDX-License-Identifier: MIT */
/* Many processes and threads at one ledger, and a file that is damaged under
 * them. */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/common/ledger_bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum {
	PROCESSES = 4,
	THREADS = 4,
	CELLS = 3, /* few: the grants collide */
	LIMIT = 200000,
	KILLS = 30,
	LONG_MS = 10000, /* what should not happen takes this long */
	SHORT_MS = 50,
};

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

UNIT_MAIN(
    LEDGER_TEST(file_that_is_cut_reads_as_zeros_from_then_on),
    LEDGER_TEST(file_of_which_a_part_was_cut_is_lost_even_if_it_grows_again),
    LEDGER_TEST(file_that_is_cut_while_one_waits_ends_no_process),
    LEDGER_TEST(garbage_in_the_file_is_survived),
    LEDGER_TEST(sigbus_that_is_not_about_a_ledger_still_ends_the_process),
    LEDGER_TEST(many_processes_and_threads_grant_exactly_the_limit),
    LEDGER_TEST(closing_while_others_grant_loses_no_grant),
    LEDGER_TEST(killed_processes_leave_no_receipt_without_a_grant),
    LEDGER_TEST(news_wake_those_who_wait_in_another_process),
    LEDGER_TEST(waiting_ends_at_once_when_the_news_are_there_already),
    LEDGER_TEST(waiting_without_news_ends_with_the_time))
