/* SPDX-License-Identifier: MIT */
/* Where players reach a task, and where its health is asked. */
#include "tests/unit/scalerd/ecs_sight_bench.h"

#define ENI "eni-0f62d866"

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
