/* SPDX-License-Identifier: MIT */
/* Values that are good by themselves and contradict each other. */
#include "tests/unit/common/config_bench.h"

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

UNIT_MAIN(
    cmocka_unit_test(margins_that_contradict_each_other_are_refused),
    cmocka_unit_test(more_min_than_max_servers_are_refused),
    cmocka_unit_test(ledger_must_not_be_a_file_of_the_database),
    cmocka_unit_test(fargate_needs_subnets_and_a_port),
    cmocka_unit_test(names_of_aws_must_be_names_of_aws_with_provider_ecs),
    cmocka_unit_test(variables_of_aws_come_from_the_environment_or_the_file),
    cmocka_unit_test(longest_session_token_is_kept_whole),
    cmocka_unit_test(unknown_variables_of_aws_in_the_file_warn),
    cmocka_unit_test(api_is_not_kept_from_starting_by_others_mistakes),
    cmocka_unit_test(api_refuses_mistakes_of_its_own))
