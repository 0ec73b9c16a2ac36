/* SPDX-License-Identifier: MIT */
/* What bears the fleet's mark, but no row knows it and it does not run. */
#include "tests/unit/scalerd/scaler_bench.h"

/* One that the first list shows. */
static struct runner *
add_orphan(struct bench *b)
{
	struct runner *r = bench_add_runner(b, NULL);

	r->seen.running = false;
	r->seen.ip[0] = r->seen.address[0] = '\0';
	r->seen.port = 0;
	snprintf(r->seen.instance, sizeof(r->seen.instance), "i-orphan");
	return r;
}

static struct runner *
start_with_orphan(struct bench *b)
{
	struct runner *r;

	bench_add_runner(b, NULL);
	r = add_orphan(b);
	bench_start(b);
	RUN_UNTIL(b, bench_has_alarm(b, ALARM_ORPHAN));
	return r;
}

/* The first that was ever said; one that says nothing if none was. */
static const struct alarm *
find_alarm(const struct bench *b, enum alarm_kind kind)
{
	static const struct alarm none = {.name = ""};

	for (size_t i = 0; i < b->nalarm; i++)
		if (strcmp(b->alarm[i].name, alarm_name(kind)) == 0)
			return &b->alarm[i];
	return &none;
}

static const struct alarm *
orphan_alarm(const struct bench *b)
{
	return find_alarm(b, ALARM_ORPHAN);
}

static void
run_again(struct runner *r)
{
	r->seen.running = true;
	r->seen.port = PORT_FIRST + 1;
	snprintf(r->seen.ip, IP_SIZE, "192.0.2.1");
	snprintf(r->seen.address, ADDRESS_SIZE, "192.0.2.1:%d", PORT_FIRST + 1);
}

static void
orphan_is_alarmed_with_its_instance_and_what_comes(void **state)
{
	struct bench *b = *state;
	const struct runner *r = start_with_orphan(b);

	assert_int_equal(bench_state(b, r), STATE_LAUNCHING);
	assert_int_equal(orphan_alarm(b)->gameserver, bench_row(b, r)->row.id);
	assert_string_equal(
	    orphan_alarm(b)->message,
	    "i-orphan bears this fleet's mark, but no row knew it and it does "
	    "not run: it is stopped in 60 s unless it runs by then");
}

static void
orphan_without_an_instance_is_named_by_the_end_of_its_ref(void **state)
{
	struct bench *b = *state;
	struct runner *r = add_orphan(b);

	r->seen.instance[0] = '\0';
	memset(r->seen.ref, 'x', 200);
	snprintf(r->seen.ref + 200, REF_SIZE - 200, "/its-id");
	bench_start(b);
	RUN_UNTIL(b, bench_has_alarm(b, ALARM_ORPHAN));
	assert_memory_equal(orphan_alarm(b)->message, "xxx", 3);
	assert_non_null(strstr(orphan_alarm(b)->message, "xx/its-id bears"));
	assert_non_null(
	    strstr(orphan_alarm(b)->message, "in 60 s unless it runs by then"));
}

static void
orphan_is_stopped_at_the_launch_deadline_and_its_alarm_ends(void **state)
{
	struct bench *b = *state;
	const struct runner *r = start_with_orphan(b);
	const int64_t due_ms = b->now_ms + b->config.launch_deadline_ms;

	b->held[OP_STOP] = true;
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 1);
	assert_in_range(b->now_ms, due_ms - 2000, due_ms + 2000);
	assert_int_equal(bench_state(b, r), STATE_STOPPING);
	assert_int_equal(bench_row(b, r)->row.reason, REASON_LAUNCH_DEADLINE);
	assert_false(bench_has_alarm(b, ALARM_ORPHAN));
}

static void
orphan_that_runs_in_time_is_served_and_its_alarm_ends(void **state)
{
	struct bench *b = *state;
	struct runner *r = start_with_orphan(b);

	run_again(r);
	RUN_UNTIL(b, bench_state(b, r) == STATE_AVAILABLE);
	assert_false(bench_has_alarm(b, ALARM_ORPHAN));
	bench_run(b, 2 * b->config.launch_deadline_ms);
	assert_int_equal(bench_calls(b, OP_STOP), 0);
}

static void
orphan_that_is_no_longer_listed_is_gone_and_its_alarm_ends(void **state)
{
	struct bench *b = *state;
	struct runner *r = start_with_orphan(b);

	r->hidden = true;
	bench_run(b, b->config.launch_deadline_ms / 2);
	assert_int_equal(bench_state(b, r), STATE_GONE);
	assert_false(bench_has_alarm(b, ALARM_ORPHAN));
}

static void
launch_of_our_own_is_no_orphan(void **state)
{
	struct bench *b = *state;

	b->held[OP_LAUNCH] = true;
	bench_start(b);
	RUN_UNTIL(b, bench_count(b, STATE_LAUNCHING) == 1);
	bench_run(b, b->config.launch_deadline_ms / 2);
	assert_false(bench_has_alarm(b, ALARM_ORPHAN));
}

/* ---- dry run ----------------------------------------------------------- */

static struct runner *
start_dry_with_orphan(struct bench *b)
{
	b->config.reap = CONFIG_REAP_DRY_RUN;
	return start_with_orphan(b);
}

static void
dry_run_stops_no_orphan_and_keeps_its_alarm(void **state)
{
	struct bench *b = *state;
	const struct runner *r = start_dry_with_orphan(b);

	bench_run(b, 5 * b->config.launch_deadline_ms);
	bench_start(b);
	bench_run(b, 5 * b->config.launch_deadline_ms);
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	assert_int_equal(bench_state(b, r), STATE_LAUNCHING);
	assert_true(bench_has_alarm(b, ALARM_ORPHAN));
	assert_non_null(
	    strstr(orphan_alarm(b)->message, "it stays, by REAP=dry-run"));
}

static void
dry_run_stops_launches_of_our_own(void **state)
{
	struct bench *b = *state;

	b->config.reap = CONFIG_REAP_DRY_RUN;
	b->outcome[OP_LAUNCH] = STEP_WAIT;
	b->wait_ms = 1000;
	b->held[OP_STOP] = true;
	bench_start(b);
	RUN_UNTIL(b, bench_calls(b, OP_STOP) == 1);
	assert_int_equal(b->row[0].row.reason, REASON_LAUNCH_DEADLINE);
}

static void
dry_run_stops_no_orphan_that_the_provider_calls_ended(void **state)
{
	struct bench *b = *state;
	struct runner *r = start_dry_with_orphan(b);

	r->seen.gone = true;
	RUN_UNTIL(b, bench_state(b, r) == STATE_GONE);
	bench_run(b, 10000);
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	assert_false(bench_has_alarm(b, ALARM_ORPHAN));
}

static void
end_of_the_dry_run_is_said_and_stops_the_orphan(void **state)
{
	struct bench *b = *state;

	start_dry_with_orphan(b);
	bench_run(b, 2 * b->config.launch_deadline_ms);
	b->held[OP_STOP] = true;
	b->config.reap = CONFIG_REAP_ON;
	scaler_reconfigure(b->scaler, &b->config);
	assert_int_equal(bench_calls(b, OP_STOP), 0);
	bench_turn(b);
	assert_int_equal(bench_calls(b, OP_STOP), 1);
	assert_false(bench_has_alarm(b, ALARM_ORPHAN));
}

static void
beginning_of_the_dry_run_is_said_also_by_a_restart(void **state)
{
	struct bench *b = *state;

	start_with_orphan(b);
	b->config.reap = CONFIG_REAP_DRY_RUN;
	bench_start(b);
	bench_run(b, 1000);
	assert_non_null(
	    strstr(orphan_alarm(b)->message, "it stays, by REAP=dry-run"));
	b->config.reap = CONFIG_REAP_ON;
	scaler_reconfigure(b->scaler, &b->config);
	bench_run(b, 1000);
	assert_non_null(strstr(orphan_alarm(b)->message, "it is stopped in "));
}

static void
sign_of_a_second_manager_is_named_by_its_instance(void **state)
{
	struct bench *b = *state;

	bench_add_runner(b, NULL);
	bench_start(b);
	RUN_UNTIL(b, b->nlist >= 2);
	add_orphan(b)->seen.ref[0] = '\0';
	RUN_UNTIL(b, bench_has_alarm(b, ALARM_SECOND_MANAGER));
	assert_memory_equal(find_alarm(b, ALARM_SECOND_MANAGER)->message,
			    "i-orphan bears", strlen("i-orphan bears"));
}

UNIT_MAIN(
    SCALER_TEST(orphan_is_alarmed_with_its_instance_and_what_comes),
    SCALER_TEST(orphan_without_an_instance_is_named_by_the_end_of_its_ref),
    SCALER_TEST(orphan_is_stopped_at_the_launch_deadline_and_its_alarm_ends),
    SCALER_TEST(orphan_that_runs_in_time_is_served_and_its_alarm_ends),
    SCALER_TEST(orphan_that_is_no_longer_listed_is_gone_and_its_alarm_ends),
    SCALER_TEST(launch_of_our_own_is_no_orphan),
    SCALER_TEST(dry_run_stops_no_orphan_and_keeps_its_alarm),
    SCALER_TEST(dry_run_stops_launches_of_our_own),
    SCALER_TEST(dry_run_stops_no_orphan_that_the_provider_calls_ended),
    SCALER_TEST(end_of_the_dry_run_is_said_and_stops_the_orphan),
    SCALER_TEST(beginning_of_the_dry_run_is_said_also_by_a_restart),
    SCALER_TEST(sign_of_a_second_manager_is_named_by_its_instance))
