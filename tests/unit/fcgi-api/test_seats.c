/* SPDX-License-Identifier: MIT */
/* Worth most under -fsanitize=thread. */
#include "tests/unit/fcgi-api/seats_bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { READERS = 6, SLOTS = 8, WRITES = 20000, SEATS_EACH = 500 };

static struct seats_bench bench;
static atomic_bool over;

static int
set_up(void **state)
{
	(void)state;
	bench_open(&bench);
	atomic_store(&over, false);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bench_close(&bench);
	return 0;
}

static void
addresses_are_names_numbers_and_ports(void **state)
{
	static const char *const good[] = {"203.0.113.7:49153",
					   "[2001:db8::1]:8080",
					   "game-1.example.org:443", "a_b:1"};
	static const char *const bad[] = {"",           "a b:1", "a\":1",
					  "a\n:1",      "a\\:1", "<a>:1",
					  "\xc3\xa4:1", "a/b",   "a:1\r\nX: y"};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(seats_address_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(seats_address_valid(bad[i]));
}

static void
addresses_end_before_address_size(void **state)
{
	char address[ADDRESS_SIZE + 1];
	(void)state;
	memset(address, 'a', sizeof(address));
	address[ADDRESS_SIZE] = '\0';
	assert_false(seats_address_valid(address));
	address[ADDRESS_SIZE - 1] = '\0';
	assert_true(seats_address_valid(address));
}

static void
a_row_is_read_as_it_was_written(void **state)
{
	struct seat_row row = {.slot = LEDGER_SLOTS - 1,
			       .generation = 8388607,
			       .grade = GRADE_SUSPECT,
			       .limit = INT64_MAX,
			       .seats = SEATS_MAX};
	struct seat_row read;
	(void)state;
	for (size_t len = 0; len < ADDRESS_SIZE; len++) {
		memset(row.address, 'x', len);
		row.address[len] = '\0';
		seats_write(bench.seats, &row);
		assert_true(seats_read(bench.seats, row.slot, &read));
		assert_string_equal(read.address, row.address);
	}
	assert_int_equal(read.generation, row.generation);
	assert_int_equal(read.grade, GRADE_SUSPECT);
	assert_true(read.limit == INT64_MAX && read.seats == SEATS_MAX);
	assert_false(seats_read(bench.seats, LEDGER_SLOTS, &read));
}

static void
a_slot_that_is_being_written_is_not_read(void **state)
{
	struct seat_row read;
	(void)state;
	bench_add(&bench, 3, GRADE_GOOD, 1);
	bench_sort(&bench, false);
	atomic_fetch_add(&bench.seats->slot[3].sequence, 1);
	assert_false(seats_read(bench.seats, 3, &read));
	assert_int_equal(bench_choose(&bench, false), -1);
	atomic_fetch_add(&bench.seats->slot[3].sequence, 1);
	/* No news were needed: that one was not sure. */
	assert_int_equal(bench_choose(&bench, false), 3);
}

/* All of a row tells the same number, in its address many times. */
static struct seat_row
make_row(uint32_t slot, uint32_t number)
{
	struct seat_row row = {.slot = slot,
			       .generation = number % 1000,
			       .grade = GRADE_GOOD,
			       .limit = number,
			       .seats = number};
	size_t times = number % 2 == 0 ? 1 : 12;
	for (size_t i = 0; i < times; i++)
		(void)snprintf(row.address + 8 * i, 9, "%08u", number);
	return row;
}

static int
is_torn(const struct seat_row *row)
{
	if (row->limit == 0)
		return 0; /* never written */
	struct seat_row whole = make_row(row->slot, (uint32_t)row->limit);
	return whole.generation != row->generation ||
	       whole.seats != row->seats || whole.grade != row->grade ||
	       strcmp(whole.address, row->address) != 0;
}

struct thread {
	pthread_t id;
	int64_t torn, read, skipped, granted;
	uint64_t seed;
};

static void *
read_all_the_time(void *arg)
{
	struct thread *me = arg;
	while (!atomic_load(&over)) {
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			struct seat_row row;
			if (seats_read(bench.seats, slot, &row)) {
				me->torn += is_torn(&row);
				me->read++;
			} else {
				me->skipped++;
			}
		}
	}
	return NULL;
}

static void
start(struct thread *threads, void *(*run)(void *))
{
	for (int i = 0; i < READERS; i++) {
		threads[i].seed = (uint64_t)i;
		assert_int_equal(
		    pthread_create(&threads[i].id, NULL, run, &threads[i]), 0);
	}
}

static void
join(struct thread *threads)
{
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(threads[i].id, NULL), 0);
}

static void
readers_never_see_a_torn_row(void **state)
{
	struct thread threads[READERS] = {0};
	int64_t read = 0;
	(void)state;
	start(threads, read_all_the_time);
	for (uint32_t n = 1; n <= WRITES; n++) {
		struct seat_row row = make_row(n % SLOTS, n);
		seats_write(bench.seats, &row);
	}
	atomic_store(&over, true);
	join(threads);
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(threads[i].torn, 0);
		read += threads[i].read;
	}
	assert_true(read > 0);
}

/* Until nothing is left, as request threads do. */
static void *
grant_all_the_time(void *arg)
{
	struct thread *me = arg;
	struct random_stream random = {me->seed};
	while (!atomic_load(&over)) {
		struct choice choice = {.seats = bench.seats,
					.ledger = bench.ledger,
					.random = &random,
					.grant = true,
					.pack = me->seed % 2 == 0};
		me->granted += choose_by_credit(&choice);
	}
	return NULL;
}

static int64_t
granted(void)
{
	int64_t sum = 0;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		sum += ledger_read(bench.ledger, slot).granted;
	return sum;
}

static void
every_seat_is_granted_once_while_rows_and_lists_change(void **state)
{
	struct thread threads[READERS] = {0};
	int64_t sum = 0;
	(void)state;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		bench_add(&bench, slot, GRADE_GOOD, 0);
	start(threads, grant_all_the_time);
	for (int64_t limit = 1; limit <= SEATS_EACH; limit++) {
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			struct seat_row row = {.slot = slot,
					       .generation = 1,
					       .grade = limit % 3 == 0
							    ? GRADE_SUSPECT
							    : GRADE_GOOD,
					       .limit = limit,
					       .address = "a:1"};
			seats_write(bench.seats, &row);
		}
		bench_sort(&bench, limit % 2 == 0);
	}
	/* Refusals are never wrong: all of it goes, or this never ends. */
	while (granted() < SLOTS * SEATS_EACH)
		seats_sort(bench.seats, bench.ledger, true);
	atomic_store(&over, true);
	join(threads);
	for (int i = 0; i < READERS; i++)
		sum += threads[i].granted;
	assert_int_equal(sum, SLOTS * SEATS_EACH);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		assert_int_equal(ledger_read(bench.ledger, slot).granted,
				 SEATS_EACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(addresses_are_names_numbers_and_ports),
	  TEST(addresses_end_before_address_size),
	  TEST(a_row_is_read_as_it_was_written),
	  TEST(a_slot_that_is_being_written_is_not_read),
	  TEST(readers_never_see_a_torn_row),
	  TEST(every_seat_is_granted_once_while_rows_and_lists_change))
