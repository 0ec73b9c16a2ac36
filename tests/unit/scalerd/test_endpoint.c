/* SPDX-License-Identifier: MIT */
/* Regions and AWS's own endpoints: tests/e2e/test_endpoint_botocore.py. */
#include "tests/unit/unit.h"

#include "scalerd/aws/endpoint.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { VARIABLES_MAX = 3 };

struct variable {
	const char *name;
	const char *value;
};

static const char *
env_of(void *arg, const char *name)
{
	const struct variable *variable = arg;

	for (size_t i = 0; i < VARIABLES_MAX && variable[i].name; i++)
		if (strcmp(variable[i].name, name) == 0)
			return variable[i].value;
	return NULL;
}

static void
expect(struct variable variable[VARIABLES_MAX], const char *service,
       const char *url, const char *host)
{
	struct endpoint endpoint;
	struct err err;

	if (!endpoint_resolve(&endpoint, service, "eu-west-1", env_of, variable,
			      &err))
		fail_msg("%s", err.msg);
	assert_string_equal(endpoint.url, url);
	assert_string_equal(endpoint.host, host);
}

static void
expect_refusal(struct variable variable[VARIABLES_MAX], const char *region,
	       const char *says)
{
	struct endpoint endpoint;
	struct err err = {0};

	assert_false(
	    endpoint_resolve(&endpoint, "ecs", region, env_of, variable, &err));
	if (!strstr(err.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void
without_variables_it_is_aws_own(void **state)
{
	struct variable none[VARIABLES_MAX] = {{"AWS_ENDPOINT_URL", ""}};

	(void)state;
	expect(none, "ecs", "https://ecs.eu-west-1.amazonaws.com/",
	       "ecs.eu-west-1.amazonaws.com");
}

static void
the_service_s_url_comes_before_the_common_one(void **state)
{
	struct variable both[VARIABLES_MAX] = {
	    {"AWS_ENDPOINT_URL", "http://127.0.0.1:5000"},
	    {"AWS_ENDPOINT_URL_EC2", "https://EC2.example.org/"}};

	(void)state;
	expect(both, "ecs", "http://127.0.0.1:5000/", "127.0.0.1:5000");
	expect(both, "ec2", "https://ec2.example.org/", "ec2.example.org");
}

static void
configured_urls_can_be_ignored(void **state)
{
	struct variable ignored[VARIABLES_MAX] = {
	    {"AWS_ENDPOINT_URL_ECS", "http://127.0.0.1:5000"},
	    {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True"}};

	(void)state;
	expect(ignored, "ecs", "https://ecs.eu-west-1.amazonaws.com/",
	       "ecs.eu-west-1.amazonaws.com");
}

static void
the_usual_port_is_not_in_the_host(void **state)
{
	static const char *const urls[][3] = {
	    {"http://x:80", "http://x/", "x"},
	    {"https://x:443/", "https://x/", "x"},
	    {"https://x:80", "https://x:80/", "x:80"},
	    {"http://[::1]:443", "http://[::1]:443/", "[::1]:443"},
	    {"HTTP://X.Example.org:8080", "http://x.example.org:8080/",
	     "x.example.org:8080"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct variable one[VARIABLES_MAX] = {
		    {"AWS_ENDPOINT_URL", urls[i][0]}};

		expect(one, "ecs", urls[i][1], urls[i][2]);
	}
}

static void
what_is_no_plain_url_is_refused_by_name(void **state)
{
	static const char *const wrong[] = {"x",
					    "ftp://x",
					    "http://",
					    "http://x/path",
					    "http://x?y",
					    "http://x#y",
					    "http://u@x",
					    "http://u:p@x",
					    "http://x y/",
					    "http://x:99999",
					    "//x",
					    "http:/x/y",
					    "http://x/ ",
					    "file:///etc",
					    "http://x\r\nY: z"};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct variable one[VARIABLES_MAX] = {
		    {"AWS_ENDPOINT_URL_ECS", wrong[i]}};

		expect_refusal(one, "eu-west-1", "AWS_ENDPOINT_URL_ECS");
		expect_refusal(one, "eu-west-1", "https://HOST[:PORT]");
	}
}

static void
a_password_in_a_url_is_not_repeated(void **state)
{
	struct variable one[VARIABLES_MAX] = {
	    {"AWS_ENDPOINT_URL", "http://u:SeCrEt@x"}};
	struct endpoint endpoint;
	struct err err = {0};

	(void)state;
	assert_false(
	    endpoint_resolve(&endpoint, "ecs", "eu-west-1", env_of, one, &err));
	assert_null(strstr(err.msg, "SeCrEt"));
}

static void
a_switch_is_true_or_false(void **state)
{
	static const char *const names[] = {
	    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	    "AWS_USE_FIPS_ENDPOINT",
	    "AWS_USE_DUALSTACK_ENDPOINT",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct variable one[VARIABLES_MAX] = {{names[i], "yes"}};

		expect_refusal(one, "eu-west-1", names[i]);
		expect_refusal(one, "eu-west-1", "\"yes\" must be true or");
	}
}

static void
fips_with_an_endpoint_url_is_refused(void **state)
{
	struct variable both[VARIABLES_MAX] = {
	    {"AWS_ENDPOINT_URL", "http://x"},
	    {"AWS_USE_FIPS_ENDPOINT", "true"}};

	(void)state;
	expect_refusal(both, "eu-west-1", "AWS_USE_FIPS_ENDPOINT");
}

static void
a_region_that_is_none_reaches_no_host(void **state)
{
	static const char *const wrong[] = {"", "evil.example.org/",
					    "eu-west-1.x", "EU", "a b"};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct variable none[VARIABLES_MAX] = {{0}};

		expect_refusal(none, wrong[i], "no AWS region");
	}
}

UNIT_MAIN(cmocka_unit_test(without_variables_it_is_aws_own),
	  cmocka_unit_test(the_service_s_url_comes_before_the_common_one),
	  cmocka_unit_test(configured_urls_can_be_ignored),
	  cmocka_unit_test(the_usual_port_is_not_in_the_host),
	  cmocka_unit_test(what_is_no_plain_url_is_refused_by_name),
	  cmocka_unit_test(a_password_in_a_url_is_not_repeated),
	  cmocka_unit_test(a_switch_is_true_or_false),
	  cmocka_unit_test(fips_with_an_endpoint_url_is_refused),
	  cmocka_unit_test(a_region_that_is_none_reaches_no_host))
