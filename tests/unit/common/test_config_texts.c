/* SPDX-License-Identifier: MIT */
/* Options that are words or texts. */
#include "tests/unit/common/config_bench.h"

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

UNIT_MAIN(cmocka_unit_test(words_are_accepted_in_any_case),
	  cmocka_unit_test(every_word_is_accepted_and_nothing_else),
	  cmocka_unit_test(words_mean_what_they_say),
	  cmocka_unit_test(texts_are_accepted_in_their_form_only),
	  cmocka_unit_test(every_option_has_a_test_of_its_values),
	  cmocka_unit_test(too_long_and_control_bytes_are_refused),
	  cmocka_unit_test(sixteen_ids_are_accepted_and_no_more),
	  cmocka_unit_test(blanks_in_a_list_of_ids_are_left_out),
	  cmocka_unit_test(port_of_the_gameserver_is_read),
	  cmocka_unit_test(ranges_of_ports_are_read),
	  cmocka_unit_test(region_with_underscores_is_read_with_dashes))
