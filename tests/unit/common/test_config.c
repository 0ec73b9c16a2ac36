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
			assert_refused(option->name, bad[j]);
	}
	assert_int_equal(numbers, 22);
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

struct text_case {
	const char *name;
	const char *accepted[8];
	const char *refused[14];
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
     {"lt-0123456789abcdef0", "default(1)./-_", X255},
     {"", "a,b", "a b"}},
    {"SERVER_TASK_DEFINITION",
     {"LaunchGameserver:12", "a", X255},
     {"", "a b", "a\\b"}},
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
		for (size_t j = 0; j < 14 && test->refused[j] != NULL; j++) {
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
		bool is_word = option->kind == &config_kind_provider ||
			       option->kind == &config_kind_log_level;
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
	assert_false(load_option("DATABASE", "/a\x1b[31m").done);
	assert_false(load_option("DATABASE", "/" X255).done);
	assert_false(load_option("DATABASE", X255).done);
	assert_false(load_option("ECS_CLUSTER", X255 "x").done);
	assert_false(load_option("AWS_REGION", X255 "x").done);
	assert_false(load_option("BACKUP_GAMESERVER", X255 ":80").done);
	assert_false(load_option("HEALTH_URL", "http://{ip}/" X255).done);
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
		      "AWS_SECRET_ACCESS_KEY=hush\nhush\nSECRET hush=1\n"
		      "HEALTH_URL=http://me:hush@{ip}/\n");
	assert_false(r.done);
	assert_null(strstr(r.err.msg, "hush"));
	assert_null(strstr(r.warnings, "hush"));
	assert_non_null(
	    strstr(r.warnings, "FILE:3: SECRET_KEY is already set in line 1"));
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
	r = load_file_as(
	    CONFIG_FCGI_API,
	    "UPSCALE_MARGIN=abc\nHEALTH_URL='\nNOTHING=1\nno line\n"
	    "DATABASE=/x.db\nBACKUP_GAMESERVER=10.0.0.1:1\nLOG_LEVEL=debug\n"
	    "UPSCALE_MARGIN=2\nPROVIDER=local\n");
	clear_environment();
	assert_true(r.done);
	assert_string_equal(r.config.database, "/x.db");
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
	static const char *const identity[][2] = {{"PROVIDER", "local"},
						  {"FLEET_NAME", "b"},
						  {"DATABASE", "/b"},
						  {"AWS_REGION", "b"},
						  {"ECS_CLUSTER", "b"}};
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
		assert_int_equal(c->database[0], '/');
	}
}

UNIT_MAIN(cmocka_unit_test(defaults_are_accepted_and_as_documented),
	  cmocka_unit_test(numbers_are_accepted_within_their_range_only),
	  cmocka_unit_test(largest_margins_and_servers_are_accepted_together),
	  cmocka_unit_test(signs_and_leading_zeros_are_accepted),
	  cmocka_unit_test(seconds_become_milliseconds),
	  cmocka_unit_test(sleep_time_of_zero_is_a_second),
	  cmocka_unit_test(thread_sleep_time_counts_when_both_are_set),
	  cmocka_unit_test(words_are_accepted_in_any_case),
	  cmocka_unit_test(texts_are_accepted_in_their_form_only),
	  cmocka_unit_test(every_option_has_a_test_of_its_values),
	  cmocka_unit_test(too_long_and_control_bytes_are_refused),
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
