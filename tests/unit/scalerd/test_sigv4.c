/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "scalerd/aws/sigv4.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FORM     "application/x-www-form-urlencoded"
#define SECRET   "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SUITE_TOKEN                                                            \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWL" \
	"WsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQr" \
	"mGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HF" \
	"vlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scq" \
	"Kmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
#define ECS "AmazonEC2ContainerServiceV20141113."

enum { LONG_TOKEN = 1900 };

#define SUITE_MS     INT64_C(1440938160000) /* 2015-08-30T12:36:00Z */
#define ISSUE_MS     INT64_C(1795372696999) /* 2026-11-22T18:38:16.999Z */
#define CENTURY_MS   INT64_C(4102444799000) /* 2099-12-31T23:59:59Z */
#define YEAR_9999_MS INT64_C(253402300799999)

struct vector {
	const char *name;
	const char *service;
	const char *region;
	const char *host;
	const char *target;
	const char *content_type;
	const char *body;
	const char *token;
	int64_t utc_ms;
	const char *date;
	const char *authorization;
};

/* The first four are of AWS's published test suite (aws4_testsuite); what
 * botocore's signer says of the others was taken down. */
static const struct vector vectors[] = {
    {"post-vanilla", "service", "us-east-1", "example.amazonaws.com", NULL,
     NULL, "", "", SUITE_MS, "20150830T123600Z",
     "AWS4-HMAC-SHA256 "
     "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
     "SignedHeaders=host;x-amz-date, Signature="
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-x-www-form-urlencoded", "service", "us-east-1",
     "example.amazonaws.com", NULL, FORM, "Param1=value1", "", SUITE_MS,
     "20150830T123600Z",
     "AWS4-HMAC-SHA256 "
     "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date, Signature="
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters", "service", "us-east-1",
     "example.amazonaws.com", NULL, FORM "; charset=utf8", "Param1=value1", "",
     SUITE_MS, "20150830T123600Z",
     "AWS4-HMAC-SHA256 "
     "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date, Signature="
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
    {"post-sts-header-before", "service", "us-east-1", "example.amazonaws.com",
     NULL, NULL, "", SUITE_TOKEN, SUITE_MS, "20150830T123600Z",
     "AWS4-HMAC-SHA256 "
     "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
     "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {"RunTask", "ecs", "ap-south-1", "ecs.ap-south-1.amazonaws.com",
     ECS "RunTask", "application/x-amz-json-1.1",
     "{\"cluster\":\"chess\",\"count\":1}", "", ISSUE_MS, "20261122T183816Z",
     "AWS4-HMAC-SHA256 "
     "Credential=AKIDEXAMPLE/20261122/ap-south-1/ecs/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="
     "761dc1baaa0f93f588a6a3d2cfafa5da1e08ddedbeba60a2ffd03ff27ae18573"},
    {"RunInstances", "ec2", "us-gov-west-1", "ec2.us-gov-west-1.amazonaws.com",
     NULL, FORM "; charset=utf-8", "Action=RunInstances&Version=2016-11-15",
     SUITE_TOKEN, CENTURY_MS, "20991231T235959Z",
     "AWS4-HMAC-SHA256 "
     "Credential=AKIDEXAMPLE/20991231/us-gov-west-1/ec2/aws4_request, "
     "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
     "Signature="
     "79667d69fd1eb0d0f65864baaf99ea1506309d8477dc2e3d88e08282457aaade"},
};

static struct aws_keys
keys_with(const char *id, const char *secret, const char *token)
{
	struct aws_keys keys = {0};

	snprintf(keys.id, sizeof(keys.id), "%s", id);
	snprintf(keys.secret, sizeof(keys.secret), "%s", secret);
	snprintf(keys.token, sizeof(keys.token), "%s", token);
	return keys;
}

static struct sigv4_request
request_of(const struct vector *v)
{
	return (struct sigv4_request){
	    .service = v->service,
	    .region = v->region,
	    .host = v->host,
	    .target = v->target,
	    .content_type = v->content_type,
	    .body = v->body,
	    .body_size = strlen(v->body),
	    .utc_ms = v->utc_ms,
	};
}

static void
the_known_requests_get_the_known_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const struct vector *v = &vectors[i];
		const struct aws_keys keys =
		    keys_with("AKIDEXAMPLE", SECRET, v->token);
		const struct sigv4_request request = request_of(v);
		struct sigv4_headers headers;
		struct err err;

		print_message("%s\n", v->name);
		assert_true(sigv4_sign(&request, &keys, &headers, &err));
		assert_string_equal(headers.amz_date, v->date);
		assert_string_equal(headers.authorization, v->authorization);
	}
}

static void
a_long_token_and_a_port_are_signed(void **state)
{
	static const struct vector v = {
	    .service = "ecs",
	    .region = "eu-west-1",
	    .host = "127.0.0.1:5000",
	    .target = ECS "ListTasks",
	    .content_type = "application/x-amz-json-1.1",
	    .body = "{}",
	    .utc_ms = ISSUE_MS,
	};
	const struct sigv4_request request = request_of(&v);
	struct aws_keys keys = keys_with("ASIAEXAMPLE", "", "");
	struct sigv4_headers headers;
	struct err err;

	(void)state;
	memset(keys.secret, 's', 40);
	memset(keys.token, 't', LONG_TOKEN);
	assert_true(sigv4_sign(&request, &keys, &headers, &err));
	assert_non_null(strstr(
	    headers.authorization,
	    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
	    "x-amz-target, Signature="
	    "fea77906c559e994887e0f716dacf38aebbdabf357ff9e7083721f8328c85cc"
	    "f"));
}

static void
assert_signs(const struct vector *v, const struct aws_keys *keys, bool ok)
{
	const struct sigv4_request request = request_of(v);
	struct sigv4_headers headers;
	struct err err = {0};

	assert_int_equal(sigv4_sign(&request, keys, &headers, &err), ok);
	assert_int_equal(err.msg[0] == '\0', ok);
	assert_null(strstr(err.msg, "sssss"));
}

static void
the_longest_keys_fit(void **state)
{
	struct aws_keys keys = {0};

	(void)state;
	memset(keys.id, 'A', sizeof(keys.id) - 1);
	memset(keys.secret, 's', sizeof(keys.secret) - 1);
	memset(keys.token, 't', sizeof(keys.token) - 1);
	assert_signs(&vectors[4], &keys, true);
}

static void
what_does_not_fit_is_an_error(void **state)
{
	const struct aws_keys keys = keys_with("AKIDEXAMPLE", "sssss", "");
	struct vector v = vectors[4];
	char text[AWS_TOKEN_SIZE + 4096];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	v.host = text;
	assert_signs(&v, &keys, false);
	v = vectors[4];
	v.region = text;
	assert_signs(&v, &keys, false);
	v = vectors[4];
	v.service = text;
	assert_signs(&v, &keys, false);
	v = vectors[4];
	v.target = text;
	assert_signs(&v, &keys, false);
}

static void
a_time_out_of_range_is_an_error(void **state)
{
	const struct aws_keys keys = keys_with("AKIDEXAMPLE", "sssss", "");
	struct vector v = vectors[4];

	(void)state;
	v.utc_ms = YEAR_9999_MS;
	assert_signs(&v, &keys, true);
	v.utc_ms = YEAR_9999_MS + 1;
	assert_signs(&v, &keys, false);
	v.utc_ms = INT64_MAX;
	assert_signs(&v, &keys, false);
	v.utc_ms = -1;
	assert_signs(&v, &keys, false);
}

static void
no_body_is_signed_as_an_empty_one(void **state)
{
	const struct aws_keys keys = keys_with("AKIDEXAMPLE", SECRET, "");
	struct sigv4_request request = request_of(&vectors[0]);
	struct sigv4_headers headers;
	struct err err;

	(void)state;
	request.body = NULL;
	assert_true(sigv4_sign(&request, &keys, &headers, &err));
	assert_string_equal(headers.authorization, vectors[0].authorization);
}

UNIT_MAIN(cmocka_unit_test(the_known_requests_get_the_known_signatures),
	  cmocka_unit_test(a_long_token_and_a_port_are_signed),
	  cmocka_unit_test(the_longest_keys_fit),
	  cmocka_unit_test(what_does_not_fit_is_an_error),
	  cmocka_unit_test(a_time_out_of_range_is_an_error),
	  cmocka_unit_test(no_body_is_signed_as_an_empty_one))
