/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/aws_error.h"

#include <fnmatch.h>
#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	HTTP_OK = 200,
	HTTP_REQUEST_TIMEOUT = 408,
	HTTP_TOO_MANY_REQUESTS = 429,
	HTTP_ERROR_BEGIN = 300,
	HTTP_SERVER_ERROR_BEGIN = 500,
};

/* Patterns of fnmatch; of those that match, the first counts. */
static const struct {
	const char *code;
	const char *message;
	enum aws_error_class class;
} classes[] = {
    {"Throttl*", "*", AWS_ERROR_THROTTLED},
    {"RequestThrottled*", "*", AWS_ERROR_THROTTLED},
    {"RequestLimitExceeded", "*", AWS_ERROR_THROTTLED},
    {"TooManyRequests*", "*", AWS_ERROR_THROTTLED},
    {"EC2ThrottledException", "*", AWS_ERROR_THROTTLED},
    {"BandwidthLimitExceeded", "*", AWS_ERROR_THROTTLED},
    {"ProvisionedThroughputExceededException", "*", AWS_ERROR_THROTTLED},
    {"PriorRequestNotComplete", "*", AWS_ERROR_THROTTLED},
    {"SlowDown", "*", AWS_ERROR_THROTTLED},

    {"ExpiredToken*", "*", AWS_ERROR_CREDENTIALS},
    {"InvalidClientTokenId", "*", AWS_ERROR_CREDENTIALS},
    {"InvalidAccessKeyId", "*", AWS_ERROR_CREDENTIALS},
    {"InvalidToken", "*", AWS_ERROR_CREDENTIALS},
    {"TokenRefreshRequired", "*", AWS_ERROR_CREDENTIALS},
    {"UnrecognizedClientException", "*", AWS_ERROR_CREDENTIALS},
    {"AuthFailure", "*ot authorized for images*", AWS_ERROR_CONFIGURATION},
    {"AuthFailure", "*", AWS_ERROR_CREDENTIALS},

    {"RequestTimeTooSkewed", "*", AWS_ERROR_CLOCK},
    {"RequestInTheFuture", "*", AWS_ERROR_CLOCK},
    {"RequestExpired", "*", AWS_ERROR_CLOCK},
    {"InvalidSignatureException", "*Signature expired*", AWS_ERROR_CLOCK},
    {"InvalidSignatureException", "*not yet current*", AWS_ERROR_CLOCK},
    {"SignatureDoesNotMatch", "*Signature expired*", AWS_ERROR_CLOCK},
    {"SignatureDoesNotMatch", "*not yet current*", AWS_ERROR_CLOCK},
    /* The secret may have been replaced: worth to be read anew. */
    {"InvalidSignatureException", "*", AWS_ERROR_CREDENTIALS},
    {"SignatureDoesNotMatch", "*", AWS_ERROR_CREDENTIALS},

    {"Insufficient*Capacity*", "*", AWS_ERROR_CAPACITY},
    {"InsufficientFreeAddressesInSubnet", "*", AWS_ERROR_CAPACITY},
    {"SpotMaxPriceTooLow", "*", AWS_ERROR_CAPACITY},
    {"PendingVerification", "*", AWS_ERROR_CAPACITY},
    {"ClientException", "*apacity is unavailable*", AWS_ERROR_CAPACITY},

    {"MaxSpotInstanceCountExceeded", "*", AWS_ERROR_QUOTA},
    {"*LimitExceeded", "*", AWS_ERROR_QUOTA},
    {"LimitExceededException", "*", AWS_ERROR_QUOTA},
    {"ClientException", "*reached the limit*", AWS_ERROR_QUOTA},
    {"ClientException", "*PROVISIONING*", AWS_ERROR_QUOTA},

    {"IdempotentParameterMismatch", "*", AWS_ERROR_IDEMPOTENCY},
    {"IdempotentInstanceTerminated", "*", AWS_ERROR_IDEMPOTENCY},
    {"ConflictException", "*", AWS_ERROR_IDEMPOTENCY},

    {"InvalidInstanceID.NotFound", "*", AWS_ERROR_NOT_FOUND},
    {"InvalidNetworkInterfaceID.NotFound", "*", AWS_ERROR_NOT_FOUND},
    {"InvalidParameterException", "*task was not found*", AWS_ERROR_NOT_FOUND},
    {"InvalidParameterException", "*No Container Instances were found*",
     AWS_ERROR_NOT_FOUND},

    {"RequestTimeout*", "*", AWS_ERROR_TRANSIENT},
    {"ServerException", "*", AWS_ERROR_TRANSIENT},
    {"InternalError", "*", AWS_ERROR_TRANSIENT},
    {"InternalFailure", "*", AWS_ERROR_TRANSIENT},
    {"InternalServerError", "*", AWS_ERROR_TRANSIENT},
    {"Unavailable", "*", AWS_ERROR_TRANSIENT},
    {"ServiceUnavailable*", "*", AWS_ERROR_TRANSIENT},
};

static const struct {
	const char *code;
	const char *message;
	const char *advice;
} advices[] = {
    {"UnauthorizedOperation", "*iam:PassRole*",
     "Allow iam:PassRole on the instance profile's role of the launch template "
     "to scalerd's IAM role."},
    {"AccessDenied*", "*iam:PassRole*",
     "Allow iam:PassRole on the task role and the execution role of "
     "SERVER_TASK_DEFINITION to scalerd's IAM role."},
    {"AccessDenied*", "*ecs:TagResource*",
     "Allow ecs:TagResource on the cluster's tasks to scalerd's IAM role."},
    {"UnauthorizedOperation", "*ec2:CreateTags*",
     "Allow ec2:CreateTags for RunInstances to scalerd's IAM role."},
    {"UnauthorizedOperation", "*",
     "Allow the named EC2 action to scalerd's IAM role; RunInstances also "
     "needs ec2:CreateTags, and iam:PassRole if the launch template has an "
     "instance profile."},
    {"AccessDenied*", "*",
     "Allow the named action to scalerd's IAM role; RunTask also needs "
     "ecs:TagResource, and iam:PassRole on the task's roles."},

    {"ClusterNotFoundException", "*",
     "Set ECS_CLUSTER to a cluster that exists in AWS_REGION."},
    {"InvalidLaunchTemplate*NotFound*", "*",
     "Set ECS_INSTANCE_LAUNCH_TEMPLATE to a launch template that exists in "
     "AWS_REGION."},
    {"InvalidLaunchTemplate*", "*",
     "Set ECS_INSTANCE_LAUNCH_TEMPLATE to the name of a launch template."},
    {"ClientException", "*ask*efinition*",
     "Set SERVER_TASK_DEFINITION to a task definition that is ACTIVE in "
     "AWS_REGION."},
    {"InvalidParameterException", "*ask*efinition*",
     "Set SERVER_TASK_DEFINITION to a task definition that is ACTIVE in "
     "AWS_REGION."},
    {"InvalidAMIID.*", "*",
     "Put an ECS-optimised AMI that exists in AWS_REGION into the launch "
     "template's default version."},
    {"AuthFailure", "*ot authorized for images*",
     "Share the AMI of the launch template with this account, or put another "
     "one into it."},
    {"InvalidSubnetID.*", "*",
     "Put a subnet that exists in AWS_REGION into the launch template's "
     "default version."},
    {"InvalidSubnet", "*",
     "Put a subnet that exists in AWS_REGION into the launch template's "
     "default version."},
    {"InvalidGroup.*", "*",
     "Put a security group of the subnet's VPC into the launch template's "
     "default version."},
    {"InvalidKeyPair.*", "*",
     "Put a key pair that exists in AWS_REGION, or none, into the launch "
     "template's default version."},
    {"InvalidIamInstanceProfile*", "*",
     "Put an instance profile that exists into the launch template's default "
     "version."},
    {"InvalidParameterValue", "*IAM Instance Profile*",
     "Put an instance profile that exists into the launch template's default "
     "version."},
    {"VPCIdNotSpecified", "*",
     "Put a subnet into the launch template's default version: there is no "
     "default VPC."},
    {"Unsupported", "*",
     "Choose another instance type or subnet in the launch template: AWS does "
     "not offer this one there."},
    {"InvalidParameterException", "*subnet*",
     "Set FARGATE_SUBNETS to subnets that exist in AWS_REGION, all of one "
     "VPC."},
    {"InvalidParameterException", "*ecurity*roup*",
     "Set FARGATE_SECURITY_GROUPS to security groups of the VPC of "
     "FARGATE_SUBNETS."},
    {"Platform*Exception", "*",
     "Choose a LAUNCH_TYPE that SERVER_TASK_DEFINITION is compatible with."},

    {"InvalidSignatureException", "*Signature expired*",
     "Set this machine's clock right."},
    {"InvalidSignatureException", "*not yet current*",
     "Set this machine's clock right."},
    {"Request*Skewed", "*", "Set this machine's clock right."},
    {"RequestInTheFuture", "*", "Set this machine's clock right."},
    {"RequestExpired", "*",
     "Set this machine's clock right, or give scalerd keys that have not "
     "expired."},
    {"InvalidSignatureException", "*should be scoped to*",
     "Set AWS_REGION to the region of the endpoint."},
    {"SignatureDoesNotMatch", "*should be scoped to*",
     "Set AWS_REGION to the region of the endpoint."},
    {"AuthFailure", "*should be scoped to*",
     "Set AWS_REGION to the region of the endpoint."},
    {"InvalidSignatureException", "*",
     "Check AWS_SECRET_ACCESS_KEY: it does not belong to the access key id."},
    {"SignatureDoesNotMatch", "*",
     "Check AWS_SECRET_ACCESS_KEY: it does not belong to the access key id."},
    {"ExpiredToken*", "*",
     "Give scalerd keys that have not expired; an instance role or a "
     "container role renews them by itself."},
    {"InvalidClientTokenId", "*",
     "Give scalerd keys that exist and are active, of AWS_REGION's "
     "partition."},
    {"UnrecognizedClientException", "*",
     "Give scalerd keys that exist and are active, of AWS_REGION's "
     "partition."},
    {"AuthFailure", "*",
     "Give scalerd keys that exist and are active, and enable AWS_REGION for "
     "the account."},
    {"OptInRequired", "*",
     "Sign the account up for the service, or enable AWS_REGION for it."},
    {"Blocked*", "*", "Ask AWS Support: the account is blocked."},
    {"PendingVerification", "*",
     "Wait until AWS has verified the account, or ask AWS Support."},

    {"VcpuLimitExceeded", "*",
     "Ask AWS for a higher vCPU quota of the instance family (Service "
     "Quotas, EC2), or lower MAX_SERVERS."},
    {"*LimitExceeded*", "*",
     "Ask AWS for a higher quota (Service Quotas), or lower MAX_SERVERS."},
    {"MaxSpotInstanceCountExceeded", "*",
     "Ask AWS for a higher Spot quota (Service Quotas, EC2)."},
    {"ClientException", "*reached the limit*",
     "Ask AWS for a higher quota of tasks (Service Quotas, ECS or Fargate)."},
    {"InsufficientFreeAddressesInSubnet", "*",
     "Choose a larger subnet: this one has no free address."},
    {"OperationNotPermitted", "*",
     "Switch off termination protection in the launch template."},
};

static enum aws_error_class
class_of_status(long status)
{
	if (status == HTTP_OK)
		return AWS_ERROR_NONE;
	if (status == HTTP_TOO_MANY_REQUESTS)
		return AWS_ERROR_THROTTLED;
	if (status < HTTP_ERROR_BEGIN || status >= HTTP_SERVER_ERROR_BEGIN ||
	    status == HTTP_REQUEST_TIMEOUT)
		return AWS_ERROR_TRANSIENT;
	return AWS_ERROR_CONFIGURATION;
}

enum aws_error_class
aws_error_classify(const char *code, long status, const char *message)
{
	for (size_t i = 0; i < COUNT(classes); i++)
		if (fnmatch(classes[i].code, code, 0) == 0 &&
		    fnmatch(classes[i].message, message, 0) == 0)
			return classes[i].class;
	return class_of_status(status);
}

const char *
aws_error_advice(const char *code, const char *message)
{
	for (size_t i = 0; i < COUNT(advices); i++)
		if (fnmatch(advices[i].code, code, 0) == 0 &&
		    fnmatch(advices[i].message, message, 0) == 0)
			return advices[i].advice;
	return "";
}

bool
aws_error_say(const struct aws_error *error, struct err *err)
{
	const char *advice = aws_error_advice(error->code, error->message);

	if (error->code[0] == '\0')
		return err_set(err, "%s", error->message);
	return err_set(err, "%s: %s%s%s", error->code, advice,
		       advice[0] == '\0' ? "" : " AWS says: ", error->message);
}
