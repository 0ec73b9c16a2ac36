/* SPDX-License-Identifier: MIT */
/* The refresher, one turn at a time, on a clock of the test. */
#include "tests/unit/fcgi-api/database_bench.h"

#include <stdlib.h>
#include <unistd.h>

#include "fcgi-api/choose.h"
#include "fcgi-api/refresher.h"

static struct database_bench bench;
static struct api *api;
static struct refresher refresher;
static int64_t now_ms;

static int
set_up(void **state)
{
	(void)state;
	database_open(&bench);
	api = calloc(1, sizeof(*api));
	assert_non_null(api);
	api_init(api, bench.ledger_path);
	refresher_init(&refresher, api, bench.path, "this-boot");
	now_ms = 100; /* fresh: the heartbeat is of 77 */
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	refresher_end(&refresher);
	api_free(api);
	free(api);
	database_close(&bench);
	return 0;
}

/* The next turn, late enough for whatever is due. */
static void
turn_after(int64_t ms)
{
	now_ms += ms;
	refresher.load_at_ms = 0; /* what the last one cost is not the point */
	refresher_turn(&refresher, (struct instant){.boot_ms = now_ms});
}

static const char *
list(void)
{
	const struct text *text = atomic_load(&api->list.current);
	return text == NULL ? "" : text->data;
}

static bool
is_trusted(void)
{
	bool trusted = ledger_map_take(&api->ledger, 0) != NULL;
	ledger_map_release(&api->ledger, 0);
	return trusted;
}

/* The address that the next player gets, "" for none. */
static const char *
grant(void)
{
	static struct choice c;
	static struct random_stream random = {42};
	c = (struct choice){.seats = &api->seats,
			    .ledger = ledger_map_current(&api->ledger),
			    .random = &random,
			    .grant = true};
	return (refresher.stale ? choose_stale : choose_by_credit)(&c)
		   ? c.row.address
		   : "";
}

static void
the_first_turn_makes_it_ready(void **state)
{
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 1, "good");
	turn_after(0);
	assert_int_equal(fleet_age_ms(&api->fleet, now_ms), 23);
	assert_true(is_trusted());
	assert_string_equal(list(), "{\"server_list\": [\"a:1\"]}");
	assert_string_equal(grant(), "a:1");
	assert_string_equal(grant(), "");
}

static void
announced_changes_are_read_at_once(void **state)
{
	(void)state;
	turn_after(0);
	database_put(&bench, 1, 0, 1, "a:1", 1, "good");
	turn_after(1);
	assert_string_equal(grant(), "a:1");
	assert_string_equal(grant(), "");
	database_change(&bench, 1, "grant_limit = 2");
	turn_after(1);
	assert_string_equal(grant(), "a:1");
}

static void
a_cell_that_opens_after_the_commit_is_granted_on(void **state)
{
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 1, "good");
	(void)ledger_set_closed(bench.ledger, 0, true);
	turn_after(0);
	assert_string_equal(grant(), "");
	(void)ledger_set_closed(bench.ledger, 0, false);
	assert_string_equal(grant(), ""); /* nothing says so yet */
	ledger_announce(bench.ledger);
	turn_after(1);
	assert_string_equal(grant(), "a:1");
}

static void
changes_are_found_without_an_announcement(void **state)
{
	uint64_t reloads;
	(void)state;
	turn_after(0);
	reloads = atomic_load(&api->counters.reloads);
	turn_after(REFRESH_CHECK_MS);
	assert_int_equal(atomic_load(&api->counters.reloads), reloads);
	database_write(&bench, "UPDATE fleet_state SET heartbeat_boot_ms = 90");
	turn_after(1);
	assert_int_equal(atomic_load(&api->counters.reloads), reloads);
	turn_after(REFRESH_CHECK_MS);
	assert_int_equal(atomic_load(&api->counters.reloads), reloads + 1);
	assert_int_equal(fleet_age_ms(&api->fleet, 190), 100);
}

static void
what_leaves_rotation_leaves_the_list(void **state)
{
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 1, "good");
	database_put(&bench, 2, 1, 1, "b:1", 1, "good");
	database_put(&bench, 3, 2, 1, "s:1", 1, "suspect");
	turn_after(0);
	assert_string_equal(list(), "{\"server_list\": [\"a:1\", \"b:1\"]}");
	database_change(&bench, 1, "state = 'standby'");
	turn_after(REFRESH_LIST_MS);
	assert_string_equal(list(), "{\"server_list\": [\"b:1\"]}");
	database_change(&bench, 2, "host_leaving = 1");
	turn_after(REFRESH_LIST_MS);
	assert_string_equal(list(), "{\"server_list\": [\"s:1\"]}");
	database_change(&bench, 3, "health = 'bad'");
	turn_after(REFRESH_LIST_MS);
	assert_string_equal(list(), "{\"server_list\": []}");
}

static void
the_list_is_made_anew_only_when_who_is_in_it_changed(void **state)
{
	const void *first;
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 1, "good");
	turn_after(0);
	first = atomic_load(&api->list.current);
	database_change(&bench, 1, "grant_limit = 5, seats = 5");
	turn_after(REFRESH_LIST_MS);
	assert_ptr_equal(atomic_load(&api->list.current), first);
	database_change(&bench, 1, "address = 'b:1'");
	turn_after(1);
	assert_ptr_not_equal(atomic_load(&api->list.current), first);
	first = atomic_load(&api->list.current);
	database_change(&bench, 1, "address = 'c:1'");
	turn_after(1);
	assert_ptr_equal(atomic_load(&api->list.current), first);
	turn_after(REFRESH_LIST_MS);
	assert_string_equal(list(), "{\"server_list\": [\"c:1\"]}");
}

static void
a_slots_next_gameserver_takes_the_place_of_the_last(void **state)
{
	(void)state;
	database_put(&bench, 1, 0, 8388607, "a:1", 5, "good");
	turn_after(0);
	/* Both in one load, the older with the later change. */
	database_put(&bench, 2, 0, 1, "b:1", 5, "good");
	database_change(&bench, 1, "state = 'gone'");
	turn_after(REFRESH_LIST_MS);
	assert_string_equal(list(), "{\"server_list\": [\"b:1\"]}");
	assert_string_equal(grant(), "b:1");
	refresher.reader.rev = -1; /* and in a full one */
	database_change(&bench, 1, "reason = 'died'");
	turn_after(REFRESH_LIST_MS);
	assert_string_equal(list(), "{\"server_list\": [\"b:1\"]}");
}

static void
a_slots_first_gameserver_may_have_any_generation(void **state)
{
	(void)state;
	turn_after(0);
	database_put(&bench, 1, 0, 6934752, "a:1", 5, "good");
	turn_after(1);
	assert_string_equal(grant(), "a:1");
}

static void
rows_that_are_no_addresses_are_counted_and_left_out(void **state)
{
	(void)state;
	database_put(&bench, 1, 0, 1, "a b:1", 5, "good");
	database_put(&bench, 2, 1, 1, "c:1", 5, "good");
	turn_after(0);
	assert_int_equal(refresher.follow.bad_addresses, 1);
	assert_string_equal(list(), "{\"server_list\": [\"c:1\"]}");
	database_change(&bench, 2, "seats = 4");
	turn_after(1);
	assert_int_equal(refresher.follow.bad_addresses, 1);
	database_change(&bench, 1, "address = 'd:1'");
	turn_after(1);
	assert_int_equal(refresher.follow.bad_addresses, 0);
}

static void
another_epoch_is_stale_until_its_ledger_is_mapped(void **state)
{
	struct err err;
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 5, "good");
	turn_after(0);
	database_write(&bench, "UPDATE fleet_state SET ledger_epoch = 78");
	turn_after(REFRESH_CHECK_MS);
	assert_false(is_trusted());
	assert_true(ledger_create(bench.ledger_path, 78, &err));
	turn_after(REFRESH_FILE_MS);
	assert_true(is_trusted());
	/* Its cells are nobody's yet. */
	assert_string_equal(grant(), "");
}

/* Each counts its own: the same number is not the same news. */
static void
another_ledgers_news_are_not_taken_for_the_last_ones(void **state)
{
	struct ledger *next;
	struct err err;
	uint32_t seen;
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 5, "good");
	turn_after(0);
	seen = ledger_news(bench.ledger);
	assert_true(ledger_create(bench.ledger_path, 78, &err));
	assert_true(ledger_open(&next, bench.ledger_path, &err));
	database_write(&bench, "UPDATE fleet_state SET ledger_epoch = 78");
	turn_after(REFRESH_CHECK_MS);
	assert_true(is_trusted());
	assert_string_equal(grant(), "");
	ledger_assign(next, 0, 1);
	(void)ledger_set_closed(next, 0, false);
	while (ledger_news(next) != seen)
		ledger_announce(next);
	turn_after(1);
	assert_string_equal(grant(), "a:1");
	ledger_close(next);
}

static void
a_lost_ledger_is_noticed_by_the_next_request(void **state)
{
	struct err err;
	(void)state;
	assert_true(ledger_guard(&err));
	turn_after(0);
	assert_true(is_trusted());
	assert_int_equal(truncate(bench.ledger_path, 0), 0);
	assert_false(is_trusted());
}

static void
a_ledger_that_comes_later_is_mapped(void **state)
{
	(void)state;
	assert_int_equal(rename(bench.ledger_path, bench.other), 0);
	database_put(&bench, 1, 0, 1, "a:1", 5, "good");
	turn_after(0);
	assert_false(is_trusted());
	assert_int_equal(rename(bench.other, bench.ledger_path), 0);
	turn_after(REFRESH_FILE_MS);
	assert_true(is_trusted());
	assert_string_equal(grant(), "a:1");
}

/* scalerd has closed every cell of the old one, but its disk is full: it can't
 * say so. */
static void
a_replaced_ledger_is_let_go_when_nobody_commits_the_next(void **state)
{
	struct err err;
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 5, "good");
	turn_after(0);
	assert_true(ledger_create(bench.ledger_path, 78, &err));
	(void)ledger_set_closed(bench.ledger, 0, true);
	for (int i = 0; i < 2; i++) {
		turn_after(2000);
		assert_true(is_trusted());
		assert_string_equal(grant(), "");
	}
	for (int i = 0; i < 2; i++)
		turn_after(2000);
	assert_true(refresher.stale);
	assert_false(is_trusted());
	assert_string_equal(grant(), "a:1");
	database_write(&bench, "UPDATE fleet_state SET ledger_epoch = 78, "
			       "heartbeat_boot_ms = 9000");
	turn_after(2000);
	assert_true(is_trusted());
}

static void
a_broken_database_keeps_the_last_state_and_heals(void **state)
{
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 5, "good");
	turn_after(0);
	database_write(&bench, "PRAGMA legacy_alter_table = ON; ALTER TABLE "
			       "gameserver RENAME TO hidden;"
			       "UPDATE fleet_state SET rev = rev + 1");
	turn_after(REFRESH_CHECK_MS);
	assert_null(refresher.reader.db);
	assert_string_equal(grant(), "a:1");
	database_write(&bench, "ALTER TABLE hidden RENAME TO gameserver");
	turn_after(1); /* the backoff is not over */
	assert_null(refresher.reader.db);
	turn_after(REOPEN_MAX_MS);
	assert_non_null(refresher.reader.db);
	assert_string_equal(grant(), "a:1");
}

static void
a_replaced_database_is_followed(void **state)
{
	char path[128];
	(void)state;
	database_put(&bench, 1, 0, 9, "a:1", 5, "good");
	database_put(&bench, 2, 1, 9, "b:1", 5, "good");
	turn_after(0);
	sqlite3 *old = bench.writer;
	bench.writer = database_make(bench.other);
	database_put(&bench, 1, 0, 1, "c:1", 5, "good");
	database_write(&bench, "PRAGMA journal_mode = DELETE");
	assert_int_equal(rename(bench.other, bench.path), 0);
	(void)snprintf(path, sizeof(path), "%s-wal", bench.path);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s-shm", bench.path);
	(void)unlink(path);
	turn_after(REFRESH_LIST_MS);
	assert_string_equal(list(), "{\"server_list\": [\"c:1\"]}");
	(void)sqlite3_close(old);
}

static void
a_stale_state_makes_it_open_the_files_again(void **state)
{
	(void)state;
	turn_after(0);
	for (int i = 0; i < 3; i++)
		turn_after(2000);
	assert_true(refresher.stale);
	turn_after(REOPEN_STALE_MS);
	assert_int_equal(refresher.opened_ms, now_ms);
}

static void
an_old_heartbeat_is_stale_at_once_at_the_start(void **state)
{
	(void)state;
	now_ms = 6000;
	turn_after(0);
	assert_true(fleet_is_stale(&api->fleet, 0));
}

static void
after_a_gap_scalerd_gets_time_to_say_that_it_lives(void **state)
{
	(void)state;
	turn_after(0);
	turn_after(60000);
	assert_false(fleet_is_stale(&api->fleet, 60023));
	assert_false(fleet_is_late(&api->fleet, now_ms));
	turn_after(STALE_GRACE_MS / 2);
	assert_false(fleet_is_stale(&api->fleet, 61523));
	turn_after(STALE_GRACE_MS / 2);
	assert_true(fleet_is_stale(&api->fleet, 63023));
	/* One that was stale before the gap is so after it. */
	turn_after(60000);
	assert_true(fleet_is_stale(&api->fleet, 123023));
	database_write(&bench,
		       "UPDATE fleet_state SET heartbeat_boot_ms = 123000");
	turn_after(REFRESH_CHECK_MS);
	assert_false(fleet_is_stale(&api->fleet, 350));
}

static void
a_long_gap_between_turns_reads_everything(void **state)
{
	(void)state;
	database_put(&bench, 1, 0, 1, "a:1", 5, "good");
	turn_after(0);
	/* It went, and its row with it, while nobody looked. */
	database_write(&bench, "DELETE FROM gameserver");
	turn_after(REFRESH_CHECK_MS);
	assert_string_equal(list(), "{\"server_list\": [\"a:1\"]}");
	turn_after(REFRESH_GAP_MS + 1);
	assert_string_equal(list(), "{\"server_list\": []}");
}

static void
a_report_is_read_when_it_is_wanted(void **state)
{
	(void)state;
	turn_after(0);
	assert_int_equal(api->reports.read_ms, -1);
	atomic_store(&api->reports.wanted, true);
	turn_after(1);
	assert_int_equal(api->reports.read_ms, now_ms);
	assert_int_equal(api->reports.last.alarms, 1);
	turn_after(REPORT_FORGET_MS + 1);
	assert_null(api->reports.last.status.data);
}

static void
the_age_is_measured_with_the_wall_clock_after_a_reboot(void **state)
{
	struct fleet fleet = {0};
	(void)state;
	fleet.number[FLEET_HEARTBEAT_BOOT_MS] = 4000;
	fleet.number[FLEET_HEARTBEAT_UTC_MS] = 20000;
	fleet_set(&api->fleet, &fleet,
		  (struct instant){.boot_ms = 5, .utc_ms = 90000});
	assert_int_equal(fleet_age_ms(&api->fleet, 5), 70000);
	assert_int_equal(fleet_age_ms(&api->fleet, 1005), 71000);
	fleet_set(&api->fleet, &fleet,
		  (struct instant){.boot_ms = 5, .utc_ms = 10});
	assert_int_equal(fleet_age_ms(&api->fleet, 5), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(the_first_turn_makes_it_ready),
	  TEST(announced_changes_are_read_at_once),
	  TEST(a_cell_that_opens_after_the_commit_is_granted_on),
	  TEST(changes_are_found_without_an_announcement),
	  TEST(what_leaves_rotation_leaves_the_list),
	  TEST(the_list_is_made_anew_only_when_who_is_in_it_changed),
	  TEST(a_slots_next_gameserver_takes_the_place_of_the_last),
	  TEST(a_slots_first_gameserver_may_have_any_generation),
	  TEST(rows_that_are_no_addresses_are_counted_and_left_out),
	  TEST(another_epoch_is_stale_until_its_ledger_is_mapped),
	  TEST(another_ledgers_news_are_not_taken_for_the_last_ones),
	  TEST(a_lost_ledger_is_noticed_by_the_next_request),
	  TEST(a_ledger_that_comes_later_is_mapped),
	  TEST(a_replaced_ledger_is_let_go_when_nobody_commits_the_next),
	  TEST(a_broken_database_keeps_the_last_state_and_heals),
	  TEST(a_replaced_database_is_followed),
	  TEST(a_stale_state_makes_it_open_the_files_again),
	  TEST(an_old_heartbeat_is_stale_at_once_at_the_start),
	  TEST(after_a_gap_scalerd_gets_time_to_say_that_it_lives),
	  TEST(a_long_gap_between_turns_reads_everything),
	  TEST(a_report_is_read_when_it_is_wanted),
	  TEST(the_age_is_measured_with_the_wall_clock_after_a_reboot))
