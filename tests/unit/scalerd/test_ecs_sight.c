/* SPDX-License-Identifier: MIT */
#include "tests/unit/scalerd/ecs_bench.h"

#include <stdlib.h>

#include "scalerd/aws/ecs_sight.h"

enum { SEEN_MAX = 8 };

#define TASK_2 BENCH_TASK "2"
#define ENI    "eni-0f62d866"

/* What ecs_sight_fleet says. */
struct seen {
	struct sighting *sighting;
	size_t n;
};

static int
open_running(void **state)
{
	struct ecs_bench *bench;

	if (ecs_bench_open(state) != 0)
		return -1;
	bench = *state;
	ecs_bench_machine(bench, BENCH_MACHINE, "running");
	ecs_bench_host(bench, BENCH_HOST, BENCH_MACHINE)->tasks = 1;
	ecs_bench_bind(ecs_bench_task(bench, BENCH_TASK, "RUNNING"), "game",
		       27015, 32768);
	return 0;
}

#define RUNNING_TEST(f)                                                        \
	cmocka_unit_test_setup_teardown(f, open_running, ecs_bench_close)

static void
drop_marks(struct ecs_bench *bench)
{
	struct facts_task *task = its_task(bench);

	task->fleet[0] = task->mark[0] = task->started_by[0] = '\0';
}

/* The task as a gameserver of the fleet. */
static struct sighting
sight(struct ecs_bench *bench)
{
	struct sighting sighting;

	assert_true(ecs_sight_task(&bench->site, bench->facts, its_task(bench),
				   &sighting));
	return sighting;
}

static bool
is_sighted(struct ecs_bench *bench)
{
	struct sighting sighting;

	return ecs_sight_task(&bench->site, bench->facts, its_task(bench),
			      &sighting);
}

static struct seen
sight_fleet(struct ecs_bench *bench, const struct known *known, size_t nknown)
{
	struct seen seen;

	assert_true(ecs_sight_fleet(&bench->site, bench->facts, known, nknown,
				    &seen.sighting, &seen.n));
	assert_true(seen.n <= SEEN_MAX);
	return seen;
}

static enum ecs_address
find_address(struct ecs_bench *bench, struct sighting *sighting,
	     struct err *err)
{
	*sighting = (struct sighting){.port = 0};
	*err = (struct err){""};
	return ecs_sight_address(&bench->site, bench->facts, its_task(bench),
				 sighting, err);
}

static void
assert_address(struct ecs_bench *bench, const char *ip, const char *address)
{
	struct sighting sighting;
	struct err err;

	assert_int_equal(find_address(bench, &sighting, &err),
			 ECS_ADDRESS_KNOWN);
	assert_string_equal(sighting.ip, ip);
	assert_string_equal(sighting.address, address);
}

static void
assert_no_address(struct ecs_bench *bench, enum ecs_address wanted,
		  const char *why)
{
	struct sighting sighting;
	struct err err;

	assert_int_equal(find_address(bench, &sighting, &err), wanted);
	assert_string_equal(sighting.address, "");
	if (!strstr(err.msg, why))
		fail_msg("%s: no %s", err.msg, why);
}

/* ---- whose is it ------------------------------------------------------- */

static void
a_running_task_of_the_fleet_is_a_gameserver_of_ours(void **state)
{
	const struct sighting seen = sight(*state);

	assert_true(seen.ours);
	assert_true(seen.running);
	assert_false(seen.gone);
	assert_false(seen.leaving);
	assert_false(seen.shares_host);
	assert_string_equal(seen.ref, BENCH_TASK);
	assert_string_equal(seen.mark, BENCH_MARK);
	assert_string_equal(seen.instance, BENCH_MACHINE);
	assert_string_equal(seen.address, "203.0.113.7:32768");
}

static void
a_task_is_ours_by_who_started_it(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->fleet[0] = '\0';
	assert_true(sight(bench).ours);
}

static void
a_task_is_ours_by_its_tag(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->started_by[0] = '\0';
	assert_true(sight(bench).ours);
}

static void
a_fleet_whose_name_begins_alike_is_another(void **state)
{
	struct ecs_bench *bench = *state;

	drop_marks(bench);
	snprintf(its_task(bench)->started_by, FACTS_NAME_SIZE, "gsm/blitz2");
	assert_false(is_sighted(bench));
}

static void
another_managers_task_is_none_of_our_business(void **state)
{
	struct ecs_bench *bench = *state;

	drop_marks(bench);
	snprintf(its_task(bench)->started_by, FACTS_NAME_SIZE, "gsm/rapid");
	assert_false(is_sighted(bench));
	drop_marks(bench);
	snprintf(its_task(bench)->fleet, FACTS_NAME_SIZE, "rapid");
	assert_false(is_sighted(bench));
}

static void
an_unmarked_task_is_served_but_not_ours(void **state)
{
	struct ecs_bench *bench = *state;
	struct sighting seen;

	drop_marks(bench);
	snprintf(its_task(bench)->started_by, FACTS_NAME_SIZE, "ecs-svc/1");
	seen = sight(bench);
	assert_false(seen.ours);
	assert_true(seen.running);
	assert_string_equal(seen.mark, "");
}

static void
an_operations_tag_alone_is_no_mark(void **state)
{
	struct ecs_bench *bench = *state;

	drop_marks(bench);
	snprintf(its_task(bench)->mark, MARK_SIZE, BENCH_OTHER);
	assert_string_equal(sight(bench).mark, "");
}

static void
with_adopt_off_an_unmarked_task_is_left_alone(void **state)
{
	struct ecs_bench *bench = *state;

	bench->site.config.adopt = CONFIG_ADOPT_OFF;
	assert_true(is_sighted(bench));
	drop_marks(bench);
	assert_false(is_sighted(bench));
}

/* ---- how it is --------------------------------------------------------- */

static void
a_stopped_task_is_gone(void **state)
{
	struct ecs_bench *bench = *state;
	struct sighting seen;

	snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "STOPPED");
	seen = sight(bench);
	assert_true(seen.gone);
	assert_false(seen.running);
}

static void
a_task_on_a_terminated_machine_is_gone(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "terminated");
	assert_true(sight(bench).gone);
	assert_false(sight(bench).running);
}

static void
a_task_on_a_machine_that_was_stopped_is_gone(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "stopping");
	assert_false(sight(bench).gone);
	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "stopped");
	assert_true(sight(bench).gone);
}

static void
a_task_whose_machine_ec2_does_not_show_is_not_gone(void **state)
{
	struct ecs_bench *bench = *state;

	its_machine(bench)->known = FACTS_MISSING;
	assert_false(sight(bench).gone);
	assert_false(sight(bench).running);
}

static void
a_task_that_starts_does_not_run(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "PENDING");
	assert_false(sight(bench).running);
	assert_false(sight(bench).gone);
	assert_false(sight(bench).leaving);
}

static void
a_task_that_is_to_stop_leaves(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->to_stop = true;
	assert_true(sight(bench).leaving);
	assert_false(sight(bench).gone);
}

static void
a_task_that_is_stopping_leaves(void **state)
{
	static const char *const names[] = {"DEACTIVATING", "STOPPING",
					    "DEPROVISIONING"};
	struct ecs_bench *bench = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(its_task(bench)->last, FACTS_WORD_SIZE, "%s",
			 names[i]);
		assert_true(sight(bench).leaving);
		assert_false(sight(bench).running);
	}
}

static void
a_task_on_a_draining_host_leaves_and_runs_on(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_host(bench)->status, FACTS_WORD_SIZE, "DRAINING");
	assert_true(sight(bench).leaving);
	assert_true(sight(bench).running);
}

static void
a_task_on_a_machine_that_shuts_down_leaves(void **state)
{
	struct ecs_bench *bench = *state;

	snprintf(its_machine(bench)->state, FACTS_WORD_SIZE, "shutting-down");
	assert_true(sight(bench).leaving);
	assert_false(sight(bench).gone);
}

static void
an_agent_that_reconnects_changes_nothing(void **state)
{
	struct ecs_bench *bench = *state;

	its_host(bench)->connected = false;
	assert_false(sight(bench).leaving);
	assert_true(sight(bench).running);
}

static void
another_task_on_the_host_shares_it(void **state)
{
	struct ecs_bench *bench = *state;

	its_host(bench)->tasks = 2;
	assert_true(sight(bench).shares_host);
	its_host(bench)->tasks = 1;
	its_task(bench)->to_stop = true;
	assert_true(sight(bench).shares_host);
}

static void
a_fargate_task_shares_no_host(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->host[0] = '\0';
	assert_false(sight(bench).shares_host);
	assert_string_equal(sight(bench).instance, "");
}

/* ---- the fleet --------------------------------------------------------- */

static void
every_seen_task_of_the_fleet_is_sighted(void **state)
{
	struct ecs_bench *bench = *state;
	struct seen seen;

	ecs_bench_task(bench, TASK_2, "PENDING");
	facts_task(bench->facts, BENCH_TASK "3")->known = FACTS_MISSING;
	seen = sight_fleet(bench, NULL, 0);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.sighting[0].ref, BENCH_TASK);
	assert_string_equal(seen.sighting[1].ref, TASK_2);
	free(seen.sighting);
}

static void
assert_machine_sighted(struct ecs_bench *bench, const struct known *known,
		       size_t nknown, bool wanted)
{
	const struct seen seen = sight_fleet(bench, known, nknown);

	assert_int_equal(seen.n, wanted ? 1 : 0);
	if (wanted) {
		assert_string_equal(seen.sighting[0].mark, BENCH_MARK);
		assert_string_equal(seen.sighting[0].instance, BENCH_MACHINE);
		assert_string_equal(seen.sighting[0].ref, "");
		assert_true(seen.sighting[0].ours);
		assert_false(seen.sighting[0].running);
		assert_false(seen.sighting[0].gone);
	}
	free(seen.sighting);
}

/* A machine alone, in the given state. */
static void
leave_machine(struct ecs_bench *bench, const char *how)
{
	facts_clear(bench->facts);
	ecs_bench_machine(bench, BENCH_MACHINE, how);
}

static void
a_marked_machine_without_a_task_is_a_launch(void **state)
{
	leave_machine(*state, "pending");
	assert_machine_sighted(*state, NULL, 0, true);
	leave_machine(*state, "stopped");
	assert_machine_sighted(*state, NULL, 0, true);
}

static void
a_machine_of_a_known_launch_is_still_told(void **state)
{
	const struct known known = {.mark = BENCH_MARK, .ref = ""};

	leave_machine(*state, "running");
	assert_machine_sighted(*state, &known, 1, true);
}

static void
a_machine_whose_task_is_known_is_not_told(void **state)
{
	const struct known known[] = {{.mark = BENCH_OTHER, .ref = TASK_2},
				      {.mark = BENCH_MARK, .ref = BENCH_TASK}};

	leave_machine(*state, "running");
	assert_machine_sighted(*state, known, 2, false);
}

static void
a_machine_that_ends_is_not_told(void **state)
{
	leave_machine(*state, "shutting-down");
	assert_machine_sighted(*state, NULL, 0, false);
	leave_machine(*state, "terminated");
	assert_machine_sighted(*state, NULL, 0, false);
}

static void
a_foreign_or_unmarked_machine_is_not_told(void **state)
{
	struct ecs_bench *bench = *state;

	leave_machine(bench, "running");
	snprintf(its_machine(bench)->fleet, FACTS_NAME_SIZE, "rapid");
	assert_machine_sighted(bench, NULL, 0, false);
	leave_machine(bench, "running");
	its_machine(bench)->fleet[0] = '\0';
	assert_machine_sighted(bench, NULL, 0, false);
	leave_machine(bench, "running");
	its_machine(bench)->mark[0] = '\0';
	assert_machine_sighted(bench, NULL, 0, false);
}

/* ---- addresses --------------------------------------------------------- */

static void
players_and_health_get_the_address_of_their_source(void **state)
{
	struct ecs_bench *bench = *state;
	struct config *config = &bench->site.config;

	assert_address(bench, "203.0.113.7", "203.0.113.7:32768");
	config->health_address_source = CONFIG_ADDRESS_PRIVATE;
	assert_address(bench, "10.0.0.7", "203.0.113.7:32768");
	config->address_source = CONFIG_ADDRESS_PRIVATE;
	assert_address(bench, "10.0.0.7", "10.0.0.7:32768");
}

static void
a_machine_without_the_ipv4_has_its_ipv6(void **state)
{
	struct ecs_bench *bench = *state;

	its_machine(bench)->public_ip[0] = '\0';
	snprintf(its_machine(bench)->ipv6, IP_SIZE, "2001:db8::7");
	assert_address(bench, "2001:db8::7", "[2001:db8::7]:32768");
}

static void
no_address_yet_is_not_yet(void **state)
{
	struct ecs_bench *bench = *state;

	its_machine(bench)->public_ip[0] = '\0';
	assert_no_address(bench, ECS_ADDRESS_NOT_YET, "");
	its_machine(bench)->known = FACTS_MISSING;
	assert_no_address(bench, ECS_ADDRESS_NOT_YET, "");
	its_host(bench)->known = FACTS_MISSING;
	assert_no_address(bench, ECS_ADDRESS_NOT_YET, "");
}

static void
a_missing_address_for_health_is_not_yet(void **state)
{
	struct ecs_bench *bench = *state;

	bench->site.config.health_address_source = CONFIG_ADDRESS_PRIVATE;
	its_machine(bench)->private_ip[0] = '\0';
	assert_no_address(bench, ECS_ADDRESS_NOT_YET, "");
}

static void
no_binding_yet_is_not_yet(void **state)
{
	struct ecs_bench *bench = *state;

	its_task(bench)->nbinding = 0;
	assert_no_address(bench, ECS_ADDRESS_NOT_YET, "");
}

static void
the_template_is_filled_in(void **state)
{
	struct ecs_bench *bench = *state;
	struct sighting seen;

	snprintf(bench->site.config.address_template, CONFIG_TEXT_SIZE,
		 "{instance}.{dashed_ip}.example.org:{port}/{ip}{x}");
	seen = sight(bench);
	assert_string_equal(seen.address, BENCH_MACHINE
			    ".203-0-113-7.example.org:32768/203.0.113.7{x}");
}

static void
of_several_bindings_none_is_guessed(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_bind(its_task(bench), "log", 80, 32769);
	assert_no_address(bench, ECS_ADDRESS_NEVER, "set GAMESERVER_CONTAINER");
	its_task(bench)->nbinding = 1;
	ecs_bench_bind(its_task(bench), "game", 27015, 32769);
	assert_no_address(bench, ECS_ADDRESS_NEVER, "set GAMESERVER_CONTAINER");
}

static void
the_container_tells_the_binding(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_bind(its_task(bench), "log", 80, 32769);
	snprintf(bench->site.config.gameserver_container, CONFIG_TEXT_SIZE,
		 "log");
	assert_address(bench, "203.0.113.7", "203.0.113.7:32769");
}

static void
the_port_tells_the_binding(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_bind(its_task(bench), "game", 80, 32769);
	bench->site.config.gameserver_port = 80;
	assert_address(bench, "203.0.113.7", "203.0.113.7:32769");
}

static void
udp_is_no_binding_for_players(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_bind(its_task(bench), "game", 27015, 40000);
	its_task(bench)->binding[1].tcp = false;
	assert_address(bench, "203.0.113.7", "203.0.113.7:32768");
	its_task(bench)->binding[0].tcp = false;
	assert_no_address(bench, ECS_ADDRESS_NEVER, "GAMESERVER_PORT");
}

static void
ipv4_and_ipv6_of_one_port_are_one(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_bind(its_task(bench), "game", 27015, 32768);
	its_task(bench)->binding[1].ipv6 = true;
	assert_address(bench, "203.0.113.7", "203.0.113.7:32768");
}

static void
each_family_has_its_host_port(void **state)
{
	struct ecs_bench *bench = *state;

	ecs_bench_bind(its_task(bench), "game", 27015, 32769);
	its_task(bench)->binding[0].ipv6 = true;
	assert_address(bench, "203.0.113.7", "203.0.113.7:32769");
	its_machine(bench)->public_ip[0] = '\0';
	snprintf(its_machine(bench)->ipv6, IP_SIZE, "2001:db8::7");
	assert_address(bench, "2001:db8::7", "[2001:db8::7]:32768");
}

/* The task has a network interface of its own. */
static struct facts_eni *
attach(struct ecs_bench *bench)
{
	struct facts_eni *eni = facts_eni(bench->facts, ENI);

	assert_non_null(eni);
	snprintf(its_task(bench)->eni, FACTS_ID_SIZE, ENI);
	its_task(bench)->nbinding = 0;
	eni->known = FACTS_SEEN;
	snprintf(eni->public_ip, sizeof(eni->public_ip), "198.51.100.9");
	snprintf(eni->private_ip, sizeof(eni->private_ip), "10.1.1.9");
	bench->site.config.gameserver_port = 27015;
	return eni;
}

static void
awsvpc_has_its_interface_and_the_containers_port(void **state)
{
	struct ecs_bench *bench = *state;

	attach(bench);
	its_task(bench)->host[0] = '\0';
	assert_address(bench, "198.51.100.9", "198.51.100.9:27015");
}

static void
awsvpc_needs_the_port(void **state)
{
	struct ecs_bench *bench = *state;

	attach(bench);
	bench->site.config.gameserver_port = 0;
	assert_no_address(bench, ECS_ADDRESS_NEVER, "GAMESERVER_PORT");
}

static void
awsvpc_waits_for_its_interface_and_never_takes_the_machines_address(
    void **state)
{
	struct ecs_bench *bench = *state;
	struct facts_eni *eni = attach(bench);

	eni->public_ip[0] = '\0';
	assert_no_address(bench, ECS_ADDRESS_NOT_YET, "");
	eni->known = FACTS_MISSING;
	assert_no_address(bench, ECS_ADDRESS_NOT_YET, "");
}

UNIT_MAIN(
    RUNNING_TEST(a_running_task_of_the_fleet_is_a_gameserver_of_ours),
    RUNNING_TEST(a_task_is_ours_by_who_started_it),
    RUNNING_TEST(a_task_is_ours_by_its_tag),
    RUNNING_TEST(a_fleet_whose_name_begins_alike_is_another),
    RUNNING_TEST(another_managers_task_is_none_of_our_business),
    RUNNING_TEST(an_unmarked_task_is_served_but_not_ours),
    RUNNING_TEST(an_operations_tag_alone_is_no_mark),
    RUNNING_TEST(with_adopt_off_an_unmarked_task_is_left_alone),
    RUNNING_TEST(a_stopped_task_is_gone),
    RUNNING_TEST(a_task_on_a_terminated_machine_is_gone),
    RUNNING_TEST(a_task_on_a_machine_that_was_stopped_is_gone),
    RUNNING_TEST(a_task_whose_machine_ec2_does_not_show_is_not_gone),
    RUNNING_TEST(a_task_that_starts_does_not_run),
    RUNNING_TEST(a_task_that_is_to_stop_leaves),
    RUNNING_TEST(a_task_that_is_stopping_leaves),
    RUNNING_TEST(a_task_on_a_draining_host_leaves_and_runs_on),
    RUNNING_TEST(a_task_on_a_machine_that_shuts_down_leaves),
    RUNNING_TEST(an_agent_that_reconnects_changes_nothing),
    RUNNING_TEST(another_task_on_the_host_shares_it),
    RUNNING_TEST(a_fargate_task_shares_no_host),
    RUNNING_TEST(every_seen_task_of_the_fleet_is_sighted),
    RUNNING_TEST(a_marked_machine_without_a_task_is_a_launch),
    RUNNING_TEST(a_machine_of_a_known_launch_is_still_told),
    RUNNING_TEST(a_machine_whose_task_is_known_is_not_told),
    RUNNING_TEST(a_machine_that_ends_is_not_told),
    RUNNING_TEST(a_foreign_or_unmarked_machine_is_not_told),
    RUNNING_TEST(players_and_health_get_the_address_of_their_source),
    RUNNING_TEST(a_machine_without_the_ipv4_has_its_ipv6),
    RUNNING_TEST(no_address_yet_is_not_yet),
    RUNNING_TEST(a_missing_address_for_health_is_not_yet),
    RUNNING_TEST(no_binding_yet_is_not_yet),
    RUNNING_TEST(the_template_is_filled_in),
    RUNNING_TEST(of_several_bindings_none_is_guessed),
    RUNNING_TEST(the_container_tells_the_binding),
    RUNNING_TEST(the_port_tells_the_binding),
    RUNNING_TEST(udp_is_no_binding_for_players),
    RUNNING_TEST(ipv4_and_ipv6_of_one_port_are_one),
    RUNNING_TEST(each_family_has_its_host_port),
    RUNNING_TEST(awsvpc_has_its_interface_and_the_containers_port),
    RUNNING_TEST(awsvpc_needs_the_port),
    RUNNING_TEST(
	awsvpc_waits_for_its_interface_and_never_takes_the_machines_address))
