/* SPDX-License-Identifier: MIT */
#include "tests/unit/common/config_bench.h"

enum { FUZZ_ROUNDS = 300 };

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

UNIT_MAIN(cmocka_unit_test(secrets_are_in_no_message),
	  cmocka_unit_test(identity_needs_a_restart),
	  cmocka_unit_test(options_are_printed_with_default_range_and_help),
	  cmocka_unit_test(random_files_never_break_the_rules))
