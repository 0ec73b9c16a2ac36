/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* realpath */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config.h"
#include "common/config_option.h"

enum { FUZZ_ROUNDS = 300 };

#define SAMPLE "docs/gameserver-manager.env"

/* The result of one config_load. */
struct result {
	struct config config;
	struct err err;
	bool done;
	char warnings[4096]; /* one per line */
};

static void
note_warning(void *arg, const char *text)
{
	struct result *result = arg;
	size_t used = strlen(result->warnings);

	snprintf(result->warnings + used, sizeof(result->warnings) - used,
		 "%s\n", text);
}

static void
clear_environment(void)
{
	for (size_t i = 0; i < config_noptions; i++)
		unsetenv(config_options[i].name);
}

static struct result
load_path(enum config_reader reader, const char *path)
{
	struct result result;

	memset(&result, 0, sizeof(result));
	result.done = config_load(&result.config, reader, path, note_warning,
				  &result, &result.err);
	if (result.done)
		assert_string_equal(result.err.msg, "");
	else
		assert_string_not_equal(result.err.msg, "");
	return result;
}

/* The name of the file differs from run to run: FILE stands for it. */
static void
rename_file(char *text, const char *path)
{
	char *found;

	while ((found = strstr(text, path)) != NULL) {
		memcpy(found, "FILE", 4);
		memmove(found + 4, found + strlen(path),
			strlen(found + strlen(path)) + 1);
	}
}

/* Loads a file of this text. In messages it is called FILE. */
static struct result
load_file_as(enum config_reader reader, const char *content)
{
	char path[] = "/tmp/cfg.XXXXXX";
	int fd = mkstemp(path);
	size_t size = strlen(content);
	struct result result;

	assert_true(fd != -1);
	assert_int_equal(write(fd, content, size), size);
	close(fd);
	result = load_path(reader, path);
	unlink(path);
	rename_file(result.err.msg, path);
	rename_file(result.warnings, path);
	return result;
}

static struct result
load_file(const char *content)
{
	return load_file_as(CONFIG_SCALERD, content);
}

/* Loads with one option in the environment and nothing else. */
static struct result
load_option(const char *name, const char *value)
{
	struct result result;

	clear_environment();
	assert_int_equal(setenv(name, value, 1), 0);
	result = load_path(CONFIG_SCALERD, "/dev/null");
	unsetenv(name);
	return result;
}

static void
assert_accepted(const char *name, const char *value)
{
	struct result result = load_option(name, value);

	if (!result.done)
		print_error("%s=%s: %s\n", name, value, result.err.msg);
	assert_true(result.done);
}

static void
assert_refused(const char *name, const char *value)
{
	const struct config_option *option = config_option_find(name);
	struct result result = load_option(name, value);
	char accepted[CONFIG_ACCEPTED_SIZE];
	char expected[ERR_MSG_SIZE];

	if (result.done)
		print_error("%s=%s was accepted\n", name, value);
	assert_false(result.done);
	config_option_describe(option, accepted);
	snprintf(expected, sizeof(expected),
		 "environment: %s: \"%s\" is not accepted; accepted: %s", name,
		 value, accepted);
	assert_string_equal(result.err.msg, expected);
}

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

static void
words_are_accepted_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(load_option("PROVIDER", "LOCAL").config.provider,
			 CONFIG_PROVIDER_LOCAL);
	assert_int_equal(load_option("PROVIDER", "Ecs").config.provider,
			 CONFIG_PROVIDER_ECS);
	assert_int_equal(load_option("LOG_LEVEL", "Debug").config.log_level,
			 LOG_LEVEL_DEBUG);
	assert_int_equal(load_option("LOG_LEVEL", "ERROR").config.log_level,
			 LOG_LEVEL_ERROR);
	assert_int_equal(load_option("LOG_LEVEL", "warn").config.log_level,
			 LOG_LEVEL_WARN);
	assert_refused("PROVIDER", "");
	assert_refused("PROVIDER", "aws");
	assert_refused("PROVIDER", "local ");
	assert_refused("LOG_LEVEL", "");
	assert_refused("LOG_LEVEL", "warning");
}

static void
every_word_is_accepted_and_nothing_else(void **state)
{
	int words = 0;

	(void)state;
	for (size_t i = 0; i < config_noptions; i++) {
		const struct config_option *option = &config_options[i];

		if (option->kind != &config_kind_word)
			continue;
		for (int j = 0; option->words[j] != NULL; j++) {
			char more[32];

			snprintf(more, sizeof(more), "%s_", option->words[j]);
			assert_refused(option->name, more);
			if (strcmp(option->words[j], "FARGATE") != 0)
				assert_accepted(option->name, option->words[j]);
			words++;
		}
		assert_refused(option->name, "");
	}
	assert_int_equal(words, 18);
}

static void
words_mean_what_they_say(void **state)
{
	(void)state;
	assert_int_equal(load_option("LAUNCH_TYPE", "ec2").config.launch_type,
			 CONFIG_LAUNCH_EC2);
	assert_int_equal(
	    load_option("ADDRESS_SOURCE", "private").config.address_source,
	    CONFIG_ADDRESS_PRIVATE);
	assert_int_equal(load_option("HEALTH_ADDRESS_SOURCE", "Private")
			     .config.health_address_source,
			 CONFIG_ADDRESS_PRIVATE);
	assert_int_equal(load_option("ADOPT", "off").config.adopt,
			 CONFIG_ADOPT_OFF);
	assert_int_equal(load_option("REAP", "dry-run").config.reap,
			 CONFIG_REAP_DRY_RUN);
	assert_int_equal(load_option("ALLOCATION", "Pack").config.allocation,
			 CONFIG_ALLOCATION_PACK);
}

struct text_case {
	const char *name;
	const char *accepted[8];
	const char *refused[16];
};

#define X16  "xxxxxxxxxxxxxxxx"
#define X32  X16 X16
#define X64  X32 X32
#define X253 X64 X64 X64 X32 X16 "xxxxxxxxxxxxx"
#define X255 X253 "xx"

static const struct text_case text_cases[] = {
    {"FLEET_NAME",
     {"a", "My-fleet_2", X32, "-"},
     {"", X32 "x", "a b", "a.b", "b/c", "a@b"}},
    {"AWS_REGION",
     {"eu-west-1", "us-gov-east-1"},
     {"", "EU-WEST-1", "eu west", X64 "x", "eu/west"}},
    {"ECS_CLUSTER",
     {"games", "arn:aws:ecs:ap-south-1:012345678901:cluster/games", X255},
     {"", "a b", "a'b", "a{b"}},
    {"ECS_INSTANCE_LAUNCH_TEMPLATE",
     {"lt-0123456789abcdef0", "default(1)./-_", X64 X64},
     {"", "a,b", "a b"}},
    {"SERVER_TASK_DEFINITION",
     {"LaunchGameserver:12", "a", X255},
     {"", "a b", "a\\b"}},
    {"GAMESERVER_CONTAINER", {"", "game", X255}, {"a b", "a/b", "{ip}"}},
    {"GAMESERVER_PORT",
     {"", "0", "1", "65535"},
     {" ", "-1", "65536", "1x", "+1", "00"}},
    {"ADDRESS_TEMPLATE",
     {"", "{ip}:{port}", "{dashed_ip}.play.example.com:{port}",
      "{instance}.example.com:443", "play-{port}.example.com:{port}",
      "play.example.com:{port}", "{ip}:65535"},
     {"{ip}", "{ip}:", "{ip}:{port}/", "{port}", ":{port}", "{ip}:0",
      "{ip}:1{port}", "{ip}:{ip}", "{name}:{port}", "{ip:{port}",
      "http://{ip}:{port}", "a b:{port}", "{ip}:{port} ", "[{ip}]:{port}"}},
    {"FARGATE_SUBNETS",
     {"", "subnet-0123abcd", "subnet-0123456789abcdef0",
      "subnet-0123abcd,subnet-0123456789abcdef0",
      " subnet-0123abcd , subnet-0123abce "},
     {",", "subnet-", "subnet-0123abc", "subnet-0123456789abcdef01",
      "subnet-0123abcg", "subnet-0123ABCD", "sg-0123abcd", "subnet-0123abcd,",
      ",subnet-0123abcd", "subnet-0123abcd,,subnet-0123abcd",
      "subnet-0123abcd;subnet-0123abcd"}},
    {"FARGATE_SECURITY_GROUPS",
     {"", "sg-0123abcd", "sg-0123abcd,sg-0123456789abcdef0"},
     {"sg-", "subnet-0123abcd", "default"}},
    {"AWS_ACCESS_KEY_ID", {"", "AKIAIOSFODNN7EXAMPLE"}, {NULL}},
    {"AWS_SECRET_ACCESS_KEY", {"", "wJalr/K7MD+bPx"}, {NULL}},
    {"AWS_SESSION_TOKEN", {"", "a/b+c=="}, {NULL}},
    {"AWS_PROFILE", {"", "my profile"}, {NULL}},
    {"AWS_SHARED_CREDENTIALS_FILE", {"", "/x/credentials"}, {NULL}},
    {"AWS_CONFIG_FILE", {"", "/x/config"}, {NULL}},
    {"AWS_ENDPOINT_URL", {"", "http://127.0.0.1:5000"}, {NULL}},
    {"AWS_ENDPOINT_URL_ECS", {"", "http://127.0.0.1:5000"}, {NULL}},
    {"AWS_ENDPOINT_URL_EC2", {"", "http://127.0.0.1:5000"}, {NULL}},
    {"AWS_CA_BUNDLE", {"", "/x/ca.pem"}, {NULL}},
    {"BACKUP_GAMESERVER",
     {"", "127.0.0.1:8888", "play.example.org:443", "[::1]:1",
      "[2001:db8::7]:65535", "localhost:80", "a_b:1"},
     {"127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:0", "127.0.0.1:65536",
      "127.0.0.1:80x", "127.0.0.1:+80", "127.0.0.300:80", "::1:80", "[::1]",
      "[127.0.0.1]:80", "a b:80", "http://a:80"}},
    {"LOCAL_ADDRESS",
     {"0.0.0.0", "10.1.2.3", "::1", "2001:db8::1"},
     {"", "localhost", "[::1]", "1.2.3", "1.2.3.4:5", "fe80::1%lo"}},
    {"LOCAL_PORTS",
     {"1-65535", "20000-20000"},
     {"", "20000", "2-1", "0-5", "1-65536", "a-b", "1-2-3", "-1-5", "1 - 5",
      "1-", "-5", "+1-5", "000001-5"}},
    {"HEALTH_URL",
     {"http://{ip}/health/", "https://{ip}:{port}/h?a=1&b=2",
      "http://{ip}:8080/{ip}/{port}"},
     {"", "{ip}:{port}/health/", "ftp://{ip}/", "http://10.0.0.1/health/",
      "http://{ip}/{name}", "http://{ip/}", "http://{ip} /", "http://{ip}/}",
      "http://{ip}/<x>", "HTTP://{ip}/"}},
    {"DATABASE",
     {"/x/state.db", "state.db", "/a//b/../c.db", "/" X253 "x"},
     {"", "/", "/x/", "/x/.", "/x/..", "..", "."}},
    {"LEDGER",
     {"/x/ledger", "ledger", "/var/lib/gameserver-manager/state.db-"},
     {"", "/", "/x/"}},
    {"LOCAL_COMMAND",
     {"", "/opt/game --port {port} \"{address}\"", "caf\xc3\xa9", X255 X255},
     {NULL}},
    {"SECRET_KEY", {"", "lol", "\x01\xff"}, {NULL}},
    {"DEBUG", {"", "False", "yes please"}, {NULL}},
};

static void
texts_are_accepted_in_their_form_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]);
	     i++) {
		const struct text_case *test = &text_cases[i];

		for (size_t j = 0; j < 8 && test->accepted[j] != NULL; j++)
			assert_accepted(test->name, test->accepted[j]);
		for (size_t j = 0; j < 16 && test->refused[j] != NULL; j++) {
			if (strlen(test->refused[j]) <= 64 &&
			    strchr(test->refused[j], '@') == NULL)
				assert_refused(test->name, test->refused[j]);
			else
				assert_false(
				    load_option(test->name, test->refused[j])
					.done);
		}
	}
}

static void
every_option_has_a_test_of_its_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_noptions; i++) {
		const struct config_option *option = &config_options[i];
		bool is_word = option->kind == &config_kind_word;
		bool is_number = option->max != 0 && !option->kind->is_text;
		bool found = is_word || is_number;

		for (size_t j = 0;
		     j < sizeof(text_cases) / sizeof(text_cases[0]); j++)
			if (strcmp(text_cases[j].name, option->name) == 0)
				found = true;
		if (!found)
			print_error("%s is not tested\n", option->name);
		assert_true(found);
	}
}

static void
too_long_and_control_bytes_are_refused(void **state)
{
	static char command[CONFIG_COMMAND_SIZE + 1];

	(void)state;
	memset(command, 'x', CONFIG_COMMAND_SIZE - 1);
	assert_accepted("LOCAL_COMMAND", command);
	memset(command, 'x', CONFIG_COMMAND_SIZE);
	assert_false(load_option("LOCAL_COMMAND", command).done);
	assert_false(load_option("LOCAL_COMMAND", "a\nb").done);
	assert_false(load_option("AWS_PROFILE", "a\nb").done);
	assert_false(load_option("AWS_PROFILE", X255 "x").done);
	assert_false(load_option("AWS_ACCESS_KEY_ID", X64 X64 "x").done);
	assert_false(load_option("ADDRESS_TEMPLATE", X255 ":{port}").done);
	assert_false(load_option("DATABASE", "/a\x1b[31m").done);
	assert_false(load_option("DATABASE", "/" X255).done);
	assert_false(load_option("DATABASE", X255).done);
	assert_false(load_option("ECS_CLUSTER", X255 "x").done);
	assert_false(load_option("AWS_REGION", X255 "x").done);
	assert_false(load_option("BACKUP_GAMESERVER", X255 ":80").done);
	assert_false(load_option("HEALTH_URL", "http://{ip}/" X255).done);
}

/* `n` ids with commas between them. */
static void
write_ids(char *to, size_t size, int n)
{
	size_t used = 0;

	for (int i = 0; i < n; i++)
		used += (size_t)snprintf(to + used, size - used,
					 "%ssubnet-0123456789abcde%02x",
					 i > 0 ? "," : "", (unsigned)i);
}

static void
sixteen_ids_are_accepted_and_no_more(void **state)
{
	char ids[CONFIG_LIST_SIZE];
	struct result r;

	(void)state;
	write_ids(ids, sizeof(ids), CONFIG_IDS_MAX);
	r = load_option("FARGATE_SUBNETS", ids);
	assert_true(r.done);
	assert_string_equal(r.config.fargate_subnets, ids);
	write_ids(ids, sizeof(ids), CONFIG_IDS_MAX + 1);
	assert_false(load_option("FARGATE_SUBNETS", ids).done);
}

static void
blanks_in_a_list_of_ids_are_left_out(void **state)
{
	struct result r = load_option("FARGATE_SUBNETS",
				      " subnet-0123abcd,\tsubnet-89abcdef ");

	(void)state;
	assert_true(r.done);
	assert_string_equal(r.config.fargate_subnets,
			    "subnet-0123abcd,subnet-89abcdef");
}

static void
port_of_the_gameserver_is_read(void **state)
{
	(void)state;
	assert_int_equal(
	    load_option("GAMESERVER_PORT", "7777").config.gameserver_port,
	    7777);
	assert_int_equal(
	    load_option("GAMESERVER_PORT", "").config.gameserver_port, 0);
}

static void
ranges_of_ports_are_read(void **state)
{
	struct result r = load_option("LOCAL_PORTS", "1024-65535");

	(void)state;
	assert_int_equal(r.config.local_port_first, 1024);
	assert_int_equal(r.config.local_port_last, 65535);
}

static void
region_with_underscores_is_read_with_dashes(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("MAX_SERVERS=2\nAWS_REGION=ap_south_1\n");
	assert_true(r.done);
	assert_string_equal(r.config.aws_region, "ap-south-1");
	assert_string_equal(
	    r.warnings,
	    "FILE:2: AWS_REGION: \"ap_south_1\" is read as \"ap-south-1\"\n");
}

static void
sample_of_the_django_application_works(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("PROVIDER", "local", 1);
	r = load_file("AWS_REGION=ap_south_1\n"
		      "SECRET_KEY=lol\n"
		      "DEBUG=False\n"
		      "UPSCALE_MARGIN=4\n"
		      "DOWNSCALE_MARGIN=18\n"
		      "SERVER_CAPACITY=10\n"
		      "AWS_REGION=ap-south-1\n"
		      "ECS_INSTANCE_LAUNCH_TEMPLATE=defaultECS\n"
		      "SERVER_TASK_DEFINITION=LaunchGameserver\n"
		      "SLEEP_TIME=0\n"
		      "BACKUP_GAMESERVER=127.0.0.1:8888\n");
	clear_environment();
	assert_true(r.done);
	assert_int_equal(r.config.provider, CONFIG_PROVIDER_LOCAL);
	assert_string_equal(r.config.aws_region, "ap-south-1");
	assert_int_equal(r.config.upscale_margin, 4);
	assert_int_equal(r.config.downscale_margin, 18);
	assert_int_equal(r.config.server_capacity, 10);
	assert_int_equal(r.config.poll_interval_ms, 1000);
	assert_string_equal(r.config.backup_gameserver, "127.0.0.1:8888");
	assert_string_equal(
	    r.warnings,
	    "FILE:7: AWS_REGION is already set in line 1; line 7 counts\n"
	    "MAX_SERVERS is not set; at most 20 gameservers will be "
	    "launched\n");
}

static void
environment_counts_more_than_the_file(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("HEALTH_FALL", "9", 1);
	setenv("BACKUP_GAMESERVER", "", 1);
	r = load_file("HEALTH_FALL=bad\nHEALTH_RISE=8\nMAX_SERVERS=2\n"
		      "BACKUP_GAMESERVER=10.0.0.1:1\n");
	clear_environment();
	assert_true(r.done);
	assert_int_equal(r.config.health_fall, 9);
	assert_int_equal(r.config.health_rise, 8);
	assert_string_equal(r.config.backup_gameserver, "");
	assert_string_equal(r.warnings, "");
}

static void
empty_number_in_the_environment_is_a_mistake(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("HEALTH_FALL", "", 1);
	r = load_file("HEALTH_FALL=9\n");
	clear_environment();
	assert_false(r.done);
	assert_string_equal(
	    r.err.msg,
	    "environment: HEALTH_FALL: \"\" is not accepted; accepted: a whole "
	    "number from 1 to 100");
}

static void
mistake_says_file_line_option_value_and_range(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("\n# x\nUPSCALE_MARGIN=abc\n");
	assert_false(r.done);
	assert_string_equal(
	    r.err.msg,
	    "FILE:3: UPSCALE_MARGIN: \"abc\" is not accepted; accepted: a "
	    "whole number from 0 to 1000000000");
	r = load_file("UPSCALE_MARGIN=4\x1b[31m\xff\n");
	assert_string_equal(
	    r.err.msg,
	    "FILE:1: UPSCALE_MARGIN: \"4\\x1b[31m\\xff\" is not accepted; "
	    "accepted: a whole number from 0 to 1000000000");
	r = load_file("UPSCALE_MARGIN=" X64 "\n");
	assert_non_null(strstr(r.err.msg, "\"" X64 "\" is not accepted"));
	r = load_file("UPSCALE_MARGIN=" X64 "x\n");
	assert_non_null(strstr(r.err.msg, "\"" X64 "...\" is not accepted"));
}

static void
broken_lines_are_mistakes(void **state)
{
	(void)state;
	clear_environment();
	assert_string_equal(
	    load_file("DEBUG=1\nUPSCALE_MARGIN 4\n").err.msg,
	    "FILE:2: no \"=\" in the line, expected NAME=VALUE");
	assert_string_equal(
	    load_file("UPSCALE MARGIN=4\n").err.msg,
	    "FILE:1: the name before the \"=\" must consist of letters, "
	    "digits and _");
	assert_string_equal(load_file("LOCAL_COMMAND=\"a\n").err.msg,
			    "FILE:1: LOCAL_COMMAND: the quote is not closed");
}

static void
several_mistakes_are_told_at_once(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("HEALTH_FALL=x\nMIN SERVERS=1\n");
	assert_string_equal(
	    r.err.msg,
	    "FILE:2: the name before the \"=\" must consist of letters, "
	    "digits and _; "
	    "FILE:1: HEALTH_FALL: \"x\" is not accepted; accepted: a whole "
	    "number from 1 to 100");
}

static void
mistakes_that_do_not_fit_are_counted(void **state)
{
	struct result r;
	const char *more;
	int shown = 0;

	(void)state;
	clear_environment();
	r = load_file("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\nq\n");
	assert_false(r.done);
	for (const char *s = r.err.msg; (s = strstr(s, "FILE:")) != NULL; s++)
		shown++;
	assert_in_range(shown, 4, 16);
	more = strstr(r.err.msg, " (and ");
	assert_non_null(more);
	assert_int_equal(strtol(more + strlen(" (and "), NULL, 10), 17 - shown);
	assert_string_equal(more + strlen(more) - strlen(" more)"), " more)");
}

static void
margins_that_contradict_each_other_are_refused(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("DOWNSCALE_MARGIN", "1999", 1);
	r = load_file("\nUPSCALE_MARGIN=999\n");
	assert_false(r.done);
	assert_string_equal(
	    r.err.msg,
	    "DOWNSCALE_MARGIN=1999 - UPSCALE_MARGIN=999 must be greater than "
	    "SERVER_CAPACITY=1000 (set in: environment, FILE:2, the default)");
	setenv("DOWNSCALE_MARGIN", "2000", 1);
	assert_true(load_file("\nUPSCALE_MARGIN=999\n").done);
	setenv("DOWNSCALE_MARGIN", "0", 1);
	assert_false(load_file("\nUPSCALE_MARGIN=999\n").done);
	clear_environment();
}

static void
more_min_than_max_servers_are_refused(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("MIN_SERVERS=6\nMAX_SERVERS=5\n");
	assert_false(r.done);
	assert_string_equal(
	    r.err.msg,
	    "MIN_SERVERS=6 must not be greater than MAX_SERVERS=5 (set in: "
	    "FILE:1, FILE:2)");
	assert_true(load_file("MIN_SERVERS=5\nMAX_SERVERS=5\n").done);
}

static void
ledger_must_not_be_a_file_of_the_database(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

	(void)state;
	clear_environment();
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char text[128];
		char expected[256];

		snprintf(text, sizeof(text),
			 "DATABASE=/x/a.db\nLEDGER=/x//a.db%s\n", suffixes[i]);
		snprintf(expected, sizeof(expected),
			 "LEDGER=/x/a.db%s must not be a file of "
			 "DATABASE=/x/a.db (set in: FILE:2, FILE:1)",
			 suffixes[i]);
		assert_string_equal(load_file(text).err.msg, expected);
	}
	assert_true(load_file("DATABASE=/x/a.db\nLEDGER=/x/a.db.seats\n").done);
}

static void
fargate_needs_subnets_and_a_port(void **state)
{
	(void)state;
	clear_environment();
	assert_string_equal(
	    load_file("LAUNCH_TYPE=FARGATE\nGAMESERVER_PORT=1\n").err.msg,
	    "LAUNCH_TYPE=FARGATE needs FARGATE_SUBNETS (set in: FILE:1, the "
	    "default)");
	assert_string_equal(
	    load_file("FARGATE_SUBNETS=subnet-0123abcd\nLAUNCH_TYPE=fargate\n"
		      "GAMESERVER_PORT=0\n")
		.err.msg,
	    "LAUNCH_TYPE=FARGATE needs GAMESERVER_PORT (set in: FILE:2, "
	    "FILE:3)");
	assert_true(load_file("LAUNCH_TYPE=FARGATE\nGAMESERVER_PORT=1\n"
			      "FARGATE_SUBNETS=subnet-0123abcd\n")
			.done);
	assert_true(load_file("LAUNCH_TYPE=FARGATE\nPROVIDER=local\n").done);
}

struct aws_name_case {
	const char *name;
	const char *accepted[6];
	const char *refused[8];
};

#define ARN "arn:aws:ecs:ap-south-1:012345678901:"

static const struct aws_name_case aws_name_cases[] = {
    {"ECS_CLUSTER",
     {"games_2-b", ARN "cluster/games",
      "arn:aws-us-gov:ecs:us-gov-west-1:012345678901:cluster/a"},
     {"a.b", "a/b", ARN "cluster/", ARN "cluster/a/b", ARN "service/a",
      "arn:aws:ec2:ap-south-1:012345678901:cluster/a",
      "arn:aws:ecs:ap-south-1:0123:cluster/a",
      "arn:aws:ecs::012345678901:cluster/a"}},
    {"ECS_INSTANCE_LAUNCH_TEMPLATE",
     {"abc", "defaultECS", "a(1)./-_", "lt-01234567", "lt-0123456789abcdef0"},
     {"ab", "a:b", X64 X64 "x", "lt-", "lt-name", "lt-0123456789abcdef01",
      ARN "launch-template/lt-01234567"}},
    {"SERVER_TASK_DEFINITION",
     {"a", "Launch_Game-server:12", ARN "task-definition/a",
      ARN "task-definition/a:3"},
     {"a:", "a:0", "a:x", "a:1:2", "a.b", "a/b",
      ARN "task-definition/a:", ARN "cluster/a"}},
};

static void
names_of_aws_must_be_names_of_aws_with_provider_ecs(void **state)
{
	const size_t n = sizeof(aws_name_cases) / sizeof(aws_name_cases[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct aws_name_case *test = &aws_name_cases[i];
		char expected[64];

		for (int j = 0; j < 6 && test->accepted[j] != NULL; j++)
			assert_accepted(test->name, test->accepted[j]);
		for (int j = 0; j < 8 && test->refused[j] != NULL; j++) {
			struct result r =
			    load_option(test->name, test->refused[j]);

			if (r.done)
				print_error("%s=%s was accepted\n", test->name,
					    test->refused[j]);
			assert_false(r.done);
			snprintf(expected, sizeof(expected), "%s=", test->name);
			assert_non_null(strstr(r.err.msg, expected));
			assert_non_null(
			    strstr(r.err.msg, "(set in: environment)"));
			assert_non_null(strstr(r.err.msg, " must be a "));
		}
	}
	assert_true(load_file("PROVIDER=local\nECS_CLUSTER=a.b\n"
			      "SERVER_TASK_DEFINITION=a:b\n"
			      "ECS_INSTANCE_LAUNCH_TEMPLATE=ab\n")
			.done);
}

static void
variables_of_aws_come_from_the_environment_or_the_file(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	unsetenv("AWS_MAX_ATTEMPTS");
	setenv("AWS_PROFILE", "environment's", 1);
	setenv("AWS_CONFIG_FILE", "", 1);
	r = load_file("AWS_PROFILE=file's\nAWS_CA_BUNDLE=/x/ca.pem\n"
		      "AWS_CONFIG_FILE=/x/config\n");
	clear_environment();
	assert_true(r.done);
	assert_string_equal(config_aws_variable(&r.config, "AWS_PROFILE"),
			    "environment's");
	assert_string_equal(config_aws_variable(&r.config, "AWS_CA_BUNDLE"),
			    "/x/ca.pem");
	assert_string_equal(config_aws_variable(&r.config, "AWS_REGION"),
			    "ap-south-1");
	assert_null(config_aws_variable(&r.config, "AWS_CONFIG_FILE"));
	assert_null(config_aws_variable(&r.config, "AWS_SESSION_TOKEN"));
	assert_null(config_aws_variable(&r.config, "AWS_MAX_ATTEMPTS"));
	setenv("AWS_MAX_ATTEMPTS", "3", 1);
	assert_string_equal(config_aws_variable(&r.config, "AWS_MAX_ATTEMPTS"),
			    "3");
	unsetenv("AWS_MAX_ATTEMPTS");
	setenv("DATABASE", "/environment's", 1);
	assert_string_equal(config_aws_variable(&r.config, "DATABASE"),
			    "/environment's");
	clear_environment();
}

static void
longest_session_token_is_kept_whole(void **state)
{
	static char token[CONFIG_TOKEN_SIZE + 1];
	struct result r;

	(void)state;
	memset(token, 'T', CONFIG_TOKEN_SIZE - 1);
	r = load_option("AWS_SESSION_TOKEN", token);
	assert_true(r.done);
	assert_string_equal(config_aws_variable(&r.config, "AWS_SESSION_TOKEN"),
			    token);
	token[CONFIG_TOKEN_SIZE - 1] = 'T';
	r = load_option("AWS_SESSION_TOKEN", token);
	assert_false(r.done);
	assert_string_equal(
	    r.err.msg,
	    "environment: AWS_SESSION_TOKEN: the value is not accepted; "
	    "accepted: at most 8192 bytes without control characters, or "
	    "nothing");
}

static void
unknown_variables_of_aws_in_the_file_warn(void **state)
{
	(void)state;
	clear_environment();
	assert_string_equal(
	    load_file("MAX_SERVERS=2\nAWS_WEB_IDENTITY_TOKEN_FILE=/x\n")
		.warnings,
	    "FILE:2: AWS_WEB_IDENTITY_TOKEN_FILE is not an option\n");
}

static void
unknown_names_warn_with_a_suggestion(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("MAX_SERVERS=2\nUPSCALE_MARGN=1\nmax_servers=1\n"
		      "DOWN_SCALEMARGIN=x\nSOMETHING=1\nX=2\n" X64 "=3\n");
	assert_true(r.done);
	assert_string_equal(
	    r.warnings,
	    "FILE:2: UPSCALE_MARGN is not an option; did you mean "
	    "UPSCALE_MARGIN?\n"
	    "FILE:3: max_servers is not an option; did you mean "
	    "MAX_SERVERS?\n"
	    "FILE:4: DOWN_SCALEMARGIN is not an option; did you mean "
	    "DOWNSCALE_MARGIN?\n"
	    "FILE:5: SOMETHING is not an option\n"
	    "FILE:6: X is not an option\n"
	    "FILE:7: " X64 " is not an option\n");
	assert_int_equal(r.config.upscale_margin, 999);
}

static void
secrets_are_in_no_message(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_file("SECRET_KEY=hush\nSECRET_KEY='hush\nSECRET_KEY=hush2\n"
		      "AWS_SECRET_KEY=hush\nhush\nSECRET hush=1\n"
		      "HEALTH_URL=http://me:hush@{ip}/\n");
	assert_false(r.done);
	assert_null(strstr(r.err.msg, "hush"));
	assert_null(strstr(r.warnings, "hush"));
	assert_non_null(
	    strstr(r.warnings, "FILE:3: SECRET_KEY is already set in line 1"));
	r = load_file("AWS_SECRET_ACCESS_KEY=\x01hush\n"
		      "AWS_SESSION_TOKEN=\x01hush\n");
	assert_false(r.done);
	assert_null(strstr(r.err.msg, "hush"));
	assert_string_equal(r.warnings, "");
	r = load_file("HEALTH_URL=http://me:hush@{ip}/\n");
	assert_non_null(
	    strstr(r.err.msg, "FILE:1: HEALTH_URL: the value is not accepted"));
}

static void
api_is_not_kept_from_starting_by_others_mistakes(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	setenv("MIN_SERVERS", "x", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "\x01", 1);
	r = load_file_as(
	    CONFIG_FCGI_API,
	    "UPSCALE_MARGIN=abc\nHEALTH_URL='\nNOTHING=1\nno line\n"
	    "DATABASE=/x.db\nBACKUP_GAMESERVER=10.0.0.1:1\nLOG_LEVEL=debug\n"
	    "LEDGER=/x.seats\nALLOCATION=x\n"
	    "UPSCALE_MARGIN=2\nPROVIDER=local\nLAUNCH_TYPE=FARGATE\n"
	    "AWS_PROFILE='\nAWS_NOTHING=1\nECS_CLUSTER=a.b\n");
	clear_environment();
	assert_true(r.done);
	assert_string_equal(r.config.database, "/x.db");
	assert_string_equal(r.config.ledger, "/x.seats");
	assert_string_equal(r.config.backup_gameserver, "10.0.0.1:1");
	assert_int_equal(r.config.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(r.config.upscale_margin, 999);
	assert_int_equal(r.config.provider, CONFIG_PROVIDER_ECS);
	assert_string_equal(
	    r.warnings,
	    "FILE:4: no \"=\" in the line, expected NAME=VALUE; the line is "
	    "ignored\n");
}

static void
api_refuses_mistakes_of_its_own(void **state)
{
	(void)state;
	clear_environment();
	assert_false(
	    load_file_as(CONFIG_FCGI_API, "BACKUP_GAMESERVER=x\n").done);
	assert_false(load_file_as(CONFIG_FCGI_API, "LOG_LEVEL=x\n").done);
	assert_false(load_file_as(CONFIG_FCGI_API, "LEDGER=/\n").done);
	assert_false(load_file_as(CONFIG_FCGI_API, "DATABASE=\n").done);
	assert_false(load_file_as(CONFIG_FCGI_API, "DATABASE='/x\n").done);
}

static void
failure_leaves_the_configuration_alone(void **state)
{
	struct config config, before;
	struct err err;
	struct result r = {.warnings = ""};

	(void)state;
	clear_environment();
	memset(&config, 0x5a, sizeof(config));
	memcpy(&before, &config, sizeof(config));
	setenv("MIN_SERVERS", "x", 1);
	assert_false(config_load(&config, CONFIG_SCALERD, "/dev/null",
				 note_warning, &r, &err));
	clear_environment();
	assert_memory_equal(&config, &before, sizeof(config));
}

static void
missing_file_is_refused_when_it_was_named(void **state)
{
	struct result r;

	(void)state;
	clear_environment();
	r = load_path(CONFIG_SCALERD, "/nonexistent.env");
	assert_false(r.done);
	assert_string_equal(r.err.msg,
			    "/nonexistent.env: No such file or directory");
}

static void
file_in_the_working_directory_is_found(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX";
	char *cwd = getcwd(NULL, 0);
	struct result with, without;
	FILE *file;

	(void)state;
	if (access("/etc/gameserver-manager.env", F_OK) == 0) {
		free(cwd);
		skip(); /* it comes first */
	}
	clear_environment();
	assert_non_null(cwd);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	without = load_path(CONFIG_SCALERD, NULL);
	file = fopen(".env", "w");
	assert_non_null(file);
	fputs("HEALTH_FALL=77\n", file);
	fclose(file);
	with = load_path(CONFIG_SCALERD, NULL);
	unlink(".env");
	assert_int_equal(chdir(cwd), 0);
	rmdir(dir);
	free(cwd);
	assert_true(without.done);
	assert_int_equal(without.config.health_fall, 3);
	assert_true(with.done);
	assert_int_equal(with.config.health_fall, 77);
}

static void
relative_database_is_the_same_before_and_after_its_directory(void **state)
{
	char dir[] = "/tmp/test_config.XXXXXX";
	char expected[256];
	char *cwd = getcwd(NULL, 0);
	char *real;
	struct result before, after, through_link, beside;

	(void)state;
	assert_non_null(cwd);
	assert_non_null(mkdtemp(dir));
	real = realpath(dir, NULL);
	assert_non_null(real);
	assert_int_equal(chdir(dir), 0);
	before = load_option("DATABASE", "./run/.//state.db");
	assert_int_equal(mkdir("run", 0700), 0);
	after = load_option("DATABASE", "./run/.//state.db");
	assert_int_equal(symlink("run", "link"), 0);
	through_link = load_option("DATABASE", "link/state.db");
	beside = load_option("DATABASE", "state.db");
	unlink("link");
	rmdir("run");
	assert_int_equal(chdir(cwd), 0);
	rmdir(dir);
	snprintf(expected, sizeof(expected), "%s/run/state.db", real);
	assert_string_equal(before.config.database, expected);
	assert_string_equal(after.config.database, expected);
	assert_string_equal(through_link.config.database, expected);
	snprintf(expected, sizeof(expected), "%s/state.db", real);
	assert_string_equal(beside.config.database, expected);
	free(real);
	free(cwd);
}

static void
identity_needs_a_restart(void **state)
{
	static const char *const identity[][2] = {
	    {"PROVIDER", "local"},      {"FLEET_NAME", "b"},
	    {"DATABASE", "/b"},         {"LEDGER", "/b"},
	    {"AWS_REGION", "b"},        {"ECS_CLUSTER", "b"},
	    {"LIST_INTERVAL", "7"},     {"AWS_ACCESS_KEY_ID", "b"},
	    {"AWS_SESSION_TOKEN", "b"}, {"AWS_ENDPOINT_URL_ECS", "b"},
	    {"AWS_CA_BUNDLE", "b"}};
	struct result now = load_option("MAX_SERVERS", "2");
	struct result next = load_option("MAX_SERVERS", "3");

	(void)state;
	assert_null(config_needs_restart(&now.config, &now.config));
	assert_null(config_needs_restart(&now.config, &next.config));
	for (size_t i = 0; i < sizeof(identity) / sizeof(identity[0]); i++) {
		next = load_option(identity[i][0], identity[i][1]);
		assert_true(next.done);
		assert_string_equal(
		    config_needs_restart(&now.config, &next.config),
		    identity[i][0]);
	}
}

/* Needs the project's root as the working directory. */
static void
sample_file_has_the_defaults(void **state)
{
	struct result sample, none;

	(void)state;
	clear_environment();
	assert_int_equal(access(SAMPLE, R_OK), 0);
	sample = load_path(CONFIG_SCALERD, SAMPLE);
	assert_true(sample.done);
	assert_string_equal(sample.warnings, "");
	none = load_path(CONFIG_SCALERD, "/dev/null");
	assert_memory_equal(&sample.config, &none.config, sizeof(none.config));
}

static void
options_are_printed_with_default_range_and_help(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	config_print_options(file);
	fclose(file);
	assert_non_null(
	    strstr(text, "\nUPSCALE_MARGIN                999\n"
			 "    accepted: a whole number from 0 to 1000000000\n"
			 "    The fleet grows "));
	for (size_t i = 0; i < config_noptions; i++)
		assert_non_null(strstr(text, config_options[i].name));
	free(text);
}

static uint32_t
next_random(uint32_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 17;
	*random ^= *random << 5;
	return *random;
}

static void
random_files_never_break_the_rules(void **state)
{
	static const char *const values[] = {
	    "",    "0",       "-1",          "1",
	    "7",   "1000",    "99999999999", "local",
	    "a-b", "x y",     "127.0.0.1",   "::1",
	    "/x",  "[::1]:5", "1-9",         "http://{ip}/",
	    "'",   "\"q\"",   "#",           "debug"};
	const size_t nvalues = sizeof(values) / sizeof(values[0]);
	uint32_t random = 4711;
	char content[1024];

	(void)state;
	clear_environment();
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		size_t used = 0;
		struct config *c;
		struct result r;

		for (uint32_t n = next_random(&random) % 4; n > 0; n--)
			used += (size_t)snprintf(
			    content + used, sizeof(content) - used, "%s=%s\n",
			    config_options[next_random(&random) %
					   config_noptions]
				.name,
			    values[next_random(&random) % nvalues]);
		content[used] = '\0';
		r = load_file(content);
		c = &r.config;
		if (!r.done)
			continue;
		assert_true(c->downscale_margin - c->upscale_margin >
			    c->server_capacity);
		assert_true(c->min_servers <= c->max_servers);
		assert_true(c->poll_interval_ms >= 1000);
		assert_true(c->local_port_first <= c->local_port_last);
		assert_true(c->seat_hold_ms >= 0);
		assert_int_equal(c->database[0], '/');
	}
}

UNIT_MAIN(
    cmocka_unit_test(defaults_are_accepted_and_as_documented),
    cmocka_unit_test(numbers_are_accepted_within_their_range_only),
    cmocka_unit_test(largest_margins_and_servers_are_accepted_together),
    cmocka_unit_test(signs_and_leading_zeros_are_accepted),
    cmocka_unit_test(seconds_become_milliseconds),
    cmocka_unit_test(sleep_time_of_zero_is_a_second),
    cmocka_unit_test(seats_are_held_longer_where_few_are_free),
    cmocka_unit_test(thread_sleep_time_counts_when_both_are_set),
    cmocka_unit_test(words_are_accepted_in_any_case),
    cmocka_unit_test(every_word_is_accepted_and_nothing_else),
    cmocka_unit_test(words_mean_what_they_say),
    cmocka_unit_test(texts_are_accepted_in_their_form_only),
    cmocka_unit_test(every_option_has_a_test_of_its_values),
    cmocka_unit_test(too_long_and_control_bytes_are_refused),
    cmocka_unit_test(sixteen_ids_are_accepted_and_no_more),
    cmocka_unit_test(blanks_in_a_list_of_ids_are_left_out),
    cmocka_unit_test(port_of_the_gameserver_is_read),
    cmocka_unit_test(ranges_of_ports_are_read),
    cmocka_unit_test(region_with_underscores_is_read_with_dashes),
    cmocka_unit_test(sample_of_the_django_application_works),
    cmocka_unit_test(environment_counts_more_than_the_file),
    cmocka_unit_test(empty_number_in_the_environment_is_a_mistake),
    cmocka_unit_test(mistake_says_file_line_option_value_and_range),
    cmocka_unit_test(broken_lines_are_mistakes),
    cmocka_unit_test(several_mistakes_are_told_at_once),
    cmocka_unit_test(mistakes_that_do_not_fit_are_counted),
    cmocka_unit_test(margins_that_contradict_each_other_are_refused),
    cmocka_unit_test(more_min_than_max_servers_are_refused),
    cmocka_unit_test(ledger_must_not_be_a_file_of_the_database),
    cmocka_unit_test(fargate_needs_subnets_and_a_port),
    cmocka_unit_test(names_of_aws_must_be_names_of_aws_with_provider_ecs),
    cmocka_unit_test(variables_of_aws_come_from_the_environment_or_the_file),
    cmocka_unit_test(longest_session_token_is_kept_whole),
    cmocka_unit_test(unknown_variables_of_aws_in_the_file_warn),
    cmocka_unit_test(unknown_names_warn_with_a_suggestion),
    cmocka_unit_test(secrets_are_in_no_message),
    cmocka_unit_test(api_is_not_kept_from_starting_by_others_mistakes),
    cmocka_unit_test(api_refuses_mistakes_of_its_own),
    cmocka_unit_test(failure_leaves_the_configuration_alone),
    cmocka_unit_test(missing_file_is_refused_when_it_was_named),
    cmocka_unit_test(file_in_the_working_directory_is_found),
    cmocka_unit_test(
	relative_database_is_the_same_before_and_after_its_directory),
    cmocka_unit_test(identity_needs_a_restart),
    cmocka_unit_test(sample_file_has_the_defaults),
    cmocka_unit_test(options_are_printed_with_default_range_and_help),
    cmocka_unit_test(random_files_never_break_the_rules))
