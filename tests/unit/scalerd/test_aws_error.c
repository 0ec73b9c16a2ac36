/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "scalerd/aws/aws_error.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct sample {
	const char *code;
	long status;
	const char *message;
	enum aws_error_class class;
};

static void
expect_classes(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const enum aws_error_class class = aws_error_classify(
		    samples[i].code, samples[i].status, samples[i].message);

		if (class != samples[i].class)
			fail_msg("%s %ld \"%s\": class %d, not %d",
				 samples[i].code, samples[i].status,
				 samples[i].message, (int)class,
				 (int)samples[i].class);
	}
}

static void
a_code_counts_before_the_status(void **state)
{
	static const struct sample samples[] = {
	    {"InsufficientInstanceCapacity", 500, "", AWS_ERROR_CAPACITY},
	    {"RequestLimitExceeded", 503, "", AWS_ERROR_THROTTLED},
	    {"ServerException", 400, "", AWS_ERROR_TRANSIENT},
	    {"VcpuLimitExceeded", 500, "", AWS_ERROR_QUOTA},
	};

	(void)state;
	expect_classes(samples, COUNT(samples));
}

static void
codes_have_their_class(void **state)
{
	static const struct sample samples[] = {
	    {"ThrottlingException", 400, "Rate exceeded", AWS_ERROR_THROTTLED},
	    {"Throttling", 400, "", AWS_ERROR_THROTTLED},
	    {"TooManyRequestsException", 400, "", AWS_ERROR_THROTTLED},
	    {"ExpiredTokenException", 400, "", AWS_ERROR_CREDENTIALS},
	    {"AuthFailure", 401, "AWS was not able to validate",
	     AWS_ERROR_CREDENTIALS},
	    {"RequestExpired", 400, "", AWS_ERROR_CLOCK},
	    {"MaxSpotInstanceCountExceeded", 400, "", AWS_ERROR_QUOTA},
	    {"InstanceLimitExceeded", 400, "", AWS_ERROR_QUOTA},
	    {"InsufficientFreeAddressesInSubnet", 400, "", AWS_ERROR_CAPACITY},
	    {"IdempotentParameterMismatch", 400, "", AWS_ERROR_IDEMPOTENCY},
	    {"ConflictException", 400, "", AWS_ERROR_IDEMPOTENCY},
	    {"InvalidInstanceID.NotFound", 400, "", AWS_ERROR_NOT_FOUND},
	    {"InvalidLaunchTemplateName.NotFoundException", 400, "",
	     AWS_ERROR_CONFIGURATION},
	    {"ClusterNotFoundException", 400, "", AWS_ERROR_CONFIGURATION},
	    {"UnauthorizedOperation", 403, "", AWS_ERROR_CONFIGURATION},
	    {"InternalError", 500, "", AWS_ERROR_TRANSIENT},
	};

	(void)state;
	expect_classes(samples, COUNT(samples));
}

static void
a_message_tells_errors_of_one_code_apart(void **state)
{
	static const struct sample samples[] = {
	    {"InvalidSignatureException", 400,
	     "Signature expired: 20261122T000000Z is now earlier than ...",
	     AWS_ERROR_CLOCK},
	    {"InvalidSignatureException", 400,
	     "Signature not yet current: 20261122T000000Z is still later",
	     AWS_ERROR_CLOCK},
	    {"InvalidSignatureException", 400,
	     "The request signature we calculated does not match",
	     AWS_ERROR_CREDENTIALS},
	    {"AuthFailure", 403, "Not authorized for images: [ami-1]",
	     AWS_ERROR_CONFIGURATION},
	    {"ClientException", 400,
	     "Capacity is unavailable at this time. Please try again later",
	     AWS_ERROR_CAPACITY},
	    {"ClientException", 400,
	     "You've reached the limit on the number of tasks you can run "
	     "concurrently",
	     AWS_ERROR_QUOTA},
	    {"ClientException", 400, "TaskDefinition not found.",
	     AWS_ERROR_CONFIGURATION},
	    {"InvalidParameterException", 400,
	     "The referenced task was not found.", AWS_ERROR_NOT_FOUND},
	    {"InvalidParameterException", 400, "Invalid revision number",
	     AWS_ERROR_CONFIGURATION},
	};

	(void)state;
	expect_classes(samples, COUNT(samples));
}

static void
without_a_known_code_the_status_counts(void **state)
{
	static const struct sample samples[] = {
	    {"", 0, "", AWS_ERROR_TRANSIENT},
	    {"", 200, "", AWS_ERROR_NONE},
	    {"", 204, "", AWS_ERROR_TRANSIENT},
	    {"", 301, "", AWS_ERROR_CONFIGURATION},
	    {"", 400, "", AWS_ERROR_CONFIGURATION},
	    {"", 408, "", AWS_ERROR_TRANSIENT},
	    {"", 429, "", AWS_ERROR_THROTTLED},
	    {"", 500, "", AWS_ERROR_TRANSIENT},
	    {"NewIn2030", 404, "", AWS_ERROR_CONFIGURATION},
	    {"NewIn2030", 503, "", AWS_ERROR_TRANSIENT},
	};

	(void)state;
	expect_classes(samples, COUNT(samples));
}

static void
advice_names_the_option_or_the_permission(void **state)
{
	static const struct {
		const char *code;
		const char *message;
		const char *says;
	} samples[] = {
	    {"UnauthorizedOperation",
	     "User: x is not authorized to perform: iam:PassRole on resource",
	     "iam:PassRole"},
	    {"UnauthorizedOperation",
	     "User: x is not authorized to perform: ec2:CreateTags on ...",
	     "ec2:CreateTags"},
	    {"UnauthorizedOperation", "You are not authorized", "EC2 action"},
	    {"AccessDeniedException", "not authorized to perform: ecs:RunTask",
	     "Allow the named action"},
	    {"AccessDeniedException",
	     "not authorized to perform: ecs:TagResource", "ecs:TagResource"},
	    {"ClusterNotFoundException", "Cluster not found.", "ECS_CLUSTER"},
	    {"InvalidLaunchTemplateName.NotFoundException", "",
	     "ECS_INSTANCE_LAUNCH_TEMPLATE"},
	    {"ClientException", "TaskDefinition is inactive",
	     "SERVER_TASK_DEFINITION"},
	    {"ClientException", "Unable to describe task definition.",
	     "SERVER_TASK_DEFINITION"},
	    {"InvalidAMIID.NotFound", "", "AMI"},
	    {"VcpuLimitExceeded", "", "vCPU quota"},
	    {"InstanceLimitExceeded", "", "Service Quotas"},
	    {"SignatureDoesNotMatch", "", "AWS_SECRET_ACCESS_KEY"},
	    {"ExpiredTokenException", "", "have not expired"},
	    {"UnrecognizedClientException", "", "exist and are active"},
	    {"InvalidSignatureException", "Signature expired: ...", "clock"},
	    {"InvalidSignatureException",
	     "Credential should be scoped to a valid region.", "AWS_REGION"},
	    {"InvalidParameterException",
	     "Error retrieving subnet information for [subnet-1]: "
	     "InvalidSubnetID.NotFound",
	     "FARGATE_SUBNETS"},
	    {"InvalidParameterException",
	     "Error retrieving security group information for [sg-1]",
	     "FARGATE_SECURITY_GROUPS"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		const char *advice =
		    aws_error_advice(samples[i].code, samples[i].message);

		if (!strstr(advice, samples[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"",
				 samples[i].code, advice, samples[i].says);
	}
	assert_string_equal(aws_error_advice("", ""), "");
	assert_string_equal(aws_error_advice("InternalError", ""), "");
}

UNIT_MAIN(cmocka_unit_test(a_code_counts_before_the_status),
	  cmocka_unit_test(codes_have_their_class),
	  cmocka_unit_test(a_message_tells_errors_of_one_code_apart),
	  cmocka_unit_test(without_a_known_code_the_status_counts),
	  cmocka_unit_test(advice_names_the_option_or_the_permission))
