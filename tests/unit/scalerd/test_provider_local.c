/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scalerd/edge/local_process.h"
#include "scalerd/edge/local_spawn.h"
#include "scalerd/edge/proc.h"
#include "tests/unit/scalerd/local_world.h"

static enum step_result
stop_row(struct conformance *c, const struct gameserver *row)
{
	struct operation operation;

	conformance_prepare(c, OP_STOP, row, &operation);
	return conformance_finish(c, &operation);
}

/* ---- listing ----------------------------------------------------------- */

static void
two_fleets_side_by_side_never_see_each_other(void **state)
{
	struct conformance *c = *state;
	struct conformance *other = local_fleet_open("test");
	struct operation operation;
	struct gameserver row, others;

	local_world_of(c)->neighbour = other;
	conformance_launch(other, &operation, &others);
	conformance_launch(c, &operation, &row);
	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 1);
	assert_string_equal(c->seen[0].ref, row.ref);
	/* Not even when it is told to. */
	assert_int_equal(stop_row(c, &others), STEP_DONE);
	memset(others.mark, 0, sizeof(others.mark));
	assert_int_equal(stop_row(c, &others), STEP_DONE);
	assert_true(local_world_is_alive(local_world_pid_of(&others)));
}

static void
a_zombie_is_not_counted(void **state)
{
	struct local_world *w = local_world_of(*state);
	char program[] = "/bin/true";
	char *argv[] = {program, NULL};
	const struct local_spawn order = {.argv = argv,
					  .fleet = w->mark,
					  .operation = "0123",
					  .address = "127.0.0.1",
					  .port = 4711,
					  .log_path = "/dev/null"};
	struct local_processes found = {0};
	struct err err;
	siginfo_t info;
	pid_t pid;

	assert_int_equal(local_spawn(&order, &pid), 0);
	/* Ended, and left in the process table. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(local_process_scan(&found, w->mark, &err));
	assert_int_equal(found.count, 0);
	local_processes_free(&found);
}

static void
the_end_of_a_gameserver_is_noticed_and_told_at_once(void **state)
{
	struct conformance *c = *state;
	int64_t deadline_ms = loop_now_ms() + LOCAL_WORLD_DEADLINE_MS;
	struct operation operation;
	struct gameserver row;

	conformance_launch(c, &operation, &row);
	assert_int_equal(kill(local_world_pid_of(&row), SIGKILL), 0);
	while (c->nnudged == 0) {
		assert_true(loop_now_ms() < deadline_ms);
		local_world_pass(c, 100);
	}
	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 0);
	assert_int_equal(waitpid(local_world_pid_of(&row), NULL, WNOHANG), -1);
}

static void
one_that_was_started_by_hand_is_listed_as_not_ours(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	pid_t pid = local_world_start_other(w, w->mark, NULL);
	struct gameserver row = {.id = 1};
	struct proc_stat stat;

	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 1);
	assert_false(c->seen[0].ours);
	assert_true(c->seen[0].running);
	assert_false(c->seen[0].leaving);
	assert_string_equal(c->seen[0].mark, "");
	assert_string_equal(c->seen[0].address, "127.0.0.1:19999");
	/* It can be stopped by its reference. */
	assert_true(proc_stat_read(pid, &stat));
	snprintf(row.ref, sizeof(row.ref), "%ld:%" PRIu64, (long)pid,
		 stat.start_ticks + 1);
	assert_int_equal(stop_row(c, &row), STEP_DONE);
	assert_true(local_world_is_alive(pid));
	memcpy(row.ref, c->seen[0].ref, sizeof(row.ref));
	assert_int_equal(stop_row(c, &row), STEP_DONE);
	assert_false(local_world_is_alive(pid));
}

static void
helpers_of_a_leader_that_is_gone_are_listed_and_stopped(void **state)
{
	struct conformance *c = *state;
	int64_t deadline_ms = loop_now_ms() + LOCAL_WORLD_DEADLINE_MS;
	const struct sighting *sighting;
	struct gameserver row;

	local_world_launch_script(
	    c, "sleep 300 & sleep 300 & : >$ready; sleep 300\n", &row);
	assert_int_equal(c->listing.nsighting, 1);
	assert_int_equal(kill(local_world_pid_of(&row), SIGKILL), 0);
	do {
		assert_true(loop_now_ms() < deadline_ms);
		local_world_pass(c, 50);
		conformance_list(c);
		sighting = conformance_find(c, row.mark);
		assert_non_null(sighting);
	} while (sighting->running);
	assert_true(sighting->leaving);
	assert_int_equal(c->listing.nsighting, 1);
	assert_int_equal(stop_row(c, &row), STEP_DONE);
	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 0);
}

static void
marks_that_make_no_sense_are_not_believed(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	char longer[256];

	local_world_start_other(
	    w, w->mark,
	    "0123456789012345678901234567890123456789"); /* too long */
	snprintf(longer, sizeof(longer), "%sx", w->mark);
	local_world_start_other(w, longer, "0123");
	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 1);
	assert_false(c->seen[0].ours);
}

/* ---- stopping ---------------------------------------------------------- */

static void
one_that_ignores_sigterm_is_killed_after_the_timeout(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	int64_t begin_ms = loop_now_ms();
	struct gameserver row;

	w->config.local_stop_timeout_ms = 300;
	local_world_launch_script(
	    c, "trap '' TERM; : >$ready; exec sleep 300\n", &row);
	assert_int_equal(stop_row(c, &row), STEP_DONE);
	assert_false(local_world_is_alive(local_world_pid_of(&row)));
	assert_true(loop_now_ms() - begin_ms >= 300);
}

static void
one_that_is_suspended_is_killed_after_the_timeout(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	struct operation operation;
	struct gameserver row;

	w->config.local_stop_timeout_ms = 200;
	c->port.reconfigure(c->port.self, &w->config);
	conformance_launch(c, &operation, &row);
	assert_int_equal(kill(local_world_pid_of(&row), SIGSTOP), 0);
	assert_int_equal(stop_row(c, &row), STEP_DONE);
	assert_false(local_world_is_alive(local_world_pid_of(&row)));
}

static void
one_that_takes_its_time_is_not_killed(void **state)
{
	struct conformance *c = *state;
	struct gameserver row;
	struct operation operation;
	char path[128];

	local_world_launch_script(c,
				  "trap 'rm $ready; exit 0' TERM; : >$ready;"
				  " while :; do sleep 0.1; done\n",
				  &row);
	conformance_prepare(c, OP_STOP, &row, &operation);
	assert_int_equal(conformance_step(c, &operation)->result, STEP_NEXT);
	assert_string_equal(operation.phase, "ending");
	assert_int_equal(conformance_finish(c, &operation), STEP_DONE);
	snprintf(path, sizeof(path), "%s/ready", local_world_of(c)->dir);
	assert_int_not_equal(access(path, F_OK), 0); /* its trap ran */
}

static void
a_deadline_of_another_boot_kills_nobody(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	struct operation operation;
	struct gameserver row;
	const struct step *step;

	w->config.local_stop_timeout_ms = 1;
	local_world_launch_script(
	    c, "trap '' TERM; : >$ready; exec sleep 300\n", &row);
	conformance_prepare(c, OP_STOP, &row, &operation);
	snprintf(operation.phase, sizeof(operation.phase), "ending");
	snprintf(operation.request, sizeof(operation.request),
		 "{\"mark\":\"%s\",\"ref\":\"\",\"boot_id\":\"another\","
		 "\"term_ms\":1}",
		 row.mark);
	step = conformance_step(c, &operation);
	assert_int_equal(step->result, STEP_NEXT);
	assert_true(local_world_is_alive(local_world_pid_of(&row)));
	assert_null(strstr(operation.request, "another"));
}

static void
a_process_that_is_another_one_now_is_never_signalled(void **state)
{
	struct local_world *w = local_world_of(*state);
	pid_t pid = local_world_start_other(w, w->mark, "aaaa");
	struct local_process process = {.pid = pid, .mark = "aaaa"};
	struct proc_stat stat;
	struct err err;

	assert_true(proc_stat_read(pid, &stat));
	process.start_ticks = stat.start_ticks + 1; /* an earlier owner */
	assert_true(local_process_signal(&process, w->mark, SIGKILL, &err));
	process.start_ticks = stat.start_ticks;
	assert_true(local_process_signal(&process, "other@/x", SIGKILL, &err));
	snprintf(process.mark, sizeof(process.mark), "bbbb");
	assert_true(local_process_signal(&process, w->mark, SIGKILL, &err));
	assert_true(local_world_is_alive(pid));
	snprintf(process.mark, sizeof(process.mark), "aaaa");
	assert_true(local_process_signal(&process, w->mark, SIGKILL, &err));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(local_process_signal(&process, w->mark, SIGKILL, &err));
	w->nother--;
}

static void
a_missing_directory_of_the_database_is_an_error(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	struct provider_port port;
	struct err err;

	snprintf(w->config.database, sizeof(w->config.database),
		 "/nonexistent/state.db");
	assert_false(
	    provider_local_open(&port, &w->config, w->loop, &c->sink, &err));
	assert_non_null(strstr(err.msg, "DATABASE"));
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, local_world_setup,                  \
					local_world_teardown)

UNIT_MAIN(CONFORMANCE_TESTS(local_world_setup, local_world_teardown),
	  TEST(two_fleets_side_by_side_never_see_each_other),
	  TEST(a_zombie_is_not_counted),
	  TEST(the_end_of_a_gameserver_is_noticed_and_told_at_once),
	  TEST(one_that_was_started_by_hand_is_listed_as_not_ours),
	  TEST(helpers_of_a_leader_that_is_gone_are_listed_and_stopped),
	  TEST(marks_that_make_no_sense_are_not_believed),
	  TEST(one_that_ignores_sigterm_is_killed_after_the_timeout),
	  TEST(one_that_is_suspended_is_killed_after_the_timeout),
	  TEST(one_that_takes_its_time_is_not_killed),
	  TEST(a_deadline_of_another_boot_kills_nobody),
	  TEST(a_process_that_is_another_one_now_is_never_signalled),
	  TEST(a_missing_directory_of_the_database_is_an_error))
