/* SPDX-License-Identifier: MIT */
/* Defaults, and options that are numbers. */
#include "tests/unit/common/config_bench.h"

static void
defaults_are_accepted_and_as_documented(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_path(CONFIG_SCALERD, "/dev/null");
	assert_true(r.done);
	assert_int_equal(r.config.provider, CONFIG_PROVIDER_ECS);
	assert_string_equal(r.config.fleet_name, "default");
	assert_string_equal(r.config.aws_region, "ap-south-1");
	assert_string_equal(r.config.ecs_cluster, "default");
	assert_string_equal(r.config.database,
			    "/var/lib/gameserver-manager/state.db");
	assert_string_equal(r.config.ledger, "/run/gameserver-manager/ledger");
	assert_int_equal(r.config.allocation, CONFIG_ALLOCATION_SPREAD);
	assert_int_equal(r.config.seat_hold_ms, 1000);
	assert_int_equal(r.config.upscale_margin, 999);
	assert_int_equal(r.config.downscale_margin, 2000);
	assert_int_equal(r.config.server_capacity, 1000);
	assert_int_equal(r.config.min_servers, 1);
	assert_int_equal(r.config.max_servers, 20);
	assert_int_equal(r.config.launches_per_turn, 10);
	assert_int_equal(r.config.launches_per_hour, 600);
	assert_int_equal(r.config.poll_interval_ms, 60000);
	assert_int_equal(r.config.health_timeout_ms, 2000);
	assert_int_equal(r.config.start_grace_ms, 120000);
	assert_int_equal(r.config.launch_deadline_ms, 600000);
	assert_int_equal(r.config.join_grace_ms, 60000);
	assert_int_equal(r.config.scale_down_delay_ms, 5000);
	assert_int_equal(r.config.drain_deadline_ms, 86400000);
	assert_int_equal(r.config.dead_after_ms, 600000);
	assert_int_equal(r.config.panic_launch_interval_ms, 60000);
	assert_int_equal(r.config.stale_after_ms, 30000);
	assert_int_equal(r.config.hung_after_ms, 120000);
	assert_string_equal(r.config.health_url, "http://{ip}:{port}/health/");
	assert_int_equal(r.config.health_fall, 3);
	assert_int_equal(r.config.health_rise, 2);
	assert_string_equal(r.config.backup_gameserver, "");
	assert_string_equal(r.config.ecs_instance_launch_template,
			    "defaultECS");
	assert_string_equal(r.config.server_task_definition,
			    "LaunchGameserver");
	assert_string_equal(r.config.local_command, "");
	assert_string_equal(r.config.local_address, "127.0.0.1");
	assert_int_equal(r.config.local_port_first, 20000);
	assert_int_equal(r.config.local_port_last, 29999);
	assert_int_equal(r.config.local_stop_timeout_ms, 30000);
	assert_int_equal(r.config.launch_type, CONFIG_LAUNCH_EC2);
	assert_string_equal(r.config.gameserver_container, "");
	assert_int_equal(r.config.gameserver_port, 0);
	assert_int_equal(r.config.address_source, CONFIG_ADDRESS_PUBLIC);
	assert_int_equal(r.config.health_address_source, CONFIG_ADDRESS_PUBLIC);
	assert_string_equal(r.config.address_template, "");
	assert_int_equal(r.config.adopt, CONFIG_ADOPT_SERVE);
	assert_int_equal(r.config.reap, CONFIG_REAP_ON);
	assert_int_equal(r.config.list_interval_ms, 10000);
	assert_string_equal(r.config.fargate_subnets, "");
	assert_string_equal(r.config.fargate_security_groups, "");
	assert_int_equal(r.config.log_level, LOG_LEVEL_INFO);
	assert_string_equal(
	    r.warnings,
	    "MAX_SERVERS is not set; at most 20 gameservers will be "
	    "launched\n");
}

/* Every number: the ends of its range, one beyond, and what is no number.
 * MIN_SERVERS and the margins also obey each other, so their upper ends are
 * tried elsewhere. */
static void
numbers_are_accepted_within_their_range_only(void **state)
{
	static const char *const bad[] = {"",
					  " ",
					  "abc",
					  "1x",
					  "1.5",
					  "0x10",
					  "1e3",
					  "+",
					  "-",
					  "--1",
					  "1 2",
					  " 1",
					  "1 ",
					  "9223372036854775808",
					  "-9223372036854775809",
					  "99999999999999999999999"};
	int numbers = 0;

	(void)state;
	for (size_t i = 0; i < config_noptions; i++) {
		const struct config_option *option = &config_options[i];
		char text[32];

		if (option->max == 0 || option->kind->is_text)
			continue;
		numbers++;
		snprintf(text, sizeof(text), "%lld", (long long)option->max);
		if (strstr(option->name, "MARGIN") == NULL &&
		    strcmp(option->name, "MIN_SERVERS") != 0 &&
		    strcmp(option->name, "SERVER_CAPACITY") != 0)
			assert_accepted(option->name, text);
		snprintf(text, sizeof(text), "%lld",
			 (long long)option->max + 1);
		assert_refused(option->name, text);
		snprintf(text, sizeof(text), "%lld",
			 (long long)option->min - 1);
		assert_refused(option->name, text);
		snprintf(text, sizeof(text), "%lld", (long long)option->min);
		if (strcmp(option->name, "DOWNSCALE_MARGIN") != 0)
			assert_accepted(option->name, text);
		for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			if (strcmp(bad[j], option->preset) != 0)
				assert_refused(option->name, bad[j]);
	}
	assert_int_equal(numbers, 24);
}

static void
largest_margins_and_servers_are_accepted_together(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("UPSCALE_MARGIN=998999999\nDOWNSCALE_MARGIN=1000000000\n"
		      "SERVER_CAPACITY=1000000\nMIN_SERVERS=100000\n"
		      "MAX_SERVERS=100000\n");
	assert_true(r.done);
	assert_int_equal(r.config.upscale_margin, 998999999);
	assert_int_equal(r.config.downscale_margin, 1000000000);
	assert_int_equal(r.config.server_capacity, 1000000);
	assert_int_equal(r.config.min_servers, 100000);
	assert_int_equal(r.config.max_servers, 100000);
	assert_string_equal(r.warnings, "");
}

static void
signs_and_leading_zeros_are_accepted(void **state)
{
	(void)state;
	assert_int_equal(load_option("HEALTH_FALL", "+7").config.health_fall,
			 7);
	assert_int_equal(load_option("HEALTH_FALL", "007").config.health_fall,
			 7);
	assert_int_equal(load_option("MIN_SERVERS", "-0").config.min_servers,
			 0);
}

static void
seconds_become_milliseconds(void **state)
{
	(void)state;
	assert_int_equal(
	    load_option("DRAIN_DEADLINE", "31536000").config.drain_deadline_ms,
	    31536000000);
	assert_int_equal(
	    load_option("DRAIN_DEADLINE", "0").config.drain_deadline_ms, 0);
	assert_int_equal(
	    load_option("HEALTH_TIMEOUT_MS", "100").config.health_timeout_ms,
	    100);
}

static void
seats_are_held_longer_where_few_are_free(void **state)
{
	(void)state;
	assert_int_equal(load_option("ALLOCATION", "pack").config.seat_hold_ms,
			 2000);
	assert_int_equal(
	    load_option("SERVER_CAPACITY", "10").config.seat_hold_ms, 2000);
	assert_int_equal(
	    load_option("SERVER_CAPACITY", "11").config.seat_hold_ms, 1000);
	assert_int_equal(load_option("SEAT_HOLD_MS", "").config.seat_hold_ms,
			 1000);
	assert_int_equal(load_option("SEAT_HOLD_MS", "0").config.seat_hold_ms,
			 0);
	clear_environment();
	assert_int_equal(load_file("SEAT_HOLD_MS=700\nALLOCATION=pack\n")
			     .config.seat_hold_ms,
			 700);
}

static void
sleep_time_of_zero_is_a_second(void **state)
{
	(void)state;
	assert_int_equal(load_option("SLEEP_TIME", "0").config.poll_interval_ms,
			 1000);
	assert_int_equal(
	    load_option("THREAD_SLEEP_TIME", "0").config.poll_interval_ms,
	    1000);
	assert_int_equal(
	    load_option("THREAD_SLEEP_TIME", "5").config.poll_interval_ms,
	    5000);
}

static void
thread_sleep_time_counts_when_both_are_set(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("THREAD_SLEEP_TIME=5\nSLEEP_TIME=7\nMAX_SERVERS=2\n");
	assert_true(r.done);
	assert_int_equal(r.config.poll_interval_ms, 5000);
	assert_string_equal(r.warnings,
			    "SLEEP_TIME and THREAD_SLEEP_TIME are both set; "
			    "THREAD_SLEEP_TIME counts\n");
}

UNIT_MAIN(cmocka_unit_test(defaults_are_accepted_and_as_documented),
	  cmocka_unit_test(numbers_are_accepted_within_their_range_only),
	  cmocka_unit_test(largest_margins_and_servers_are_accepted_together),
	  cmocka_unit_test(signs_and_leading_zeros_are_accepted),
	  cmocka_unit_test(seconds_become_milliseconds),
	  cmocka_unit_test(seats_are_held_longer_where_few_are_free),
	  cmocka_unit_test(sleep_time_of_zero_is_a_second),
	  cmocka_unit_test(thread_sleep_time_counts_when_both_are_set))
