/* SPDX-License-Identifier: MIT */
/*
 * Where a service of AWS is: https://<service>.<region>.<partition's suffix>,
 * or what AWS_ENDPOINT_URL_<SERVICE>, else AWS_ENDPOINT_URL, says (unless
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true). AWS_USE_FIPS_ENDPOINT and
 * AWS_USE_DUALSTACK_ENDPOINT as in AWS's SDKs; both together too, but neither
 * together with an endpoint URL. (AWS SDKs and Tools Reference Guide,
 * "Service-specific endpoints".) Pure but for env.
 */
#ifndef GSM_AWS_ENDPOINT_H
#define GSM_AWS_ENDPOINT_H

#include "common/err.h"
#include "scalerd/aws/credentials_source.h"

enum {
	ENDPOINT_URL_SIZE = 512,
	ENDPOINT_HOST_SIZE = 300,
};

struct endpoint {
	char url[ENDPOINT_URL_SIZE];   /* scheme://host[:port]/ */
	char host[ENDPOINT_HOST_SIZE]; /* the Host header: as in url, without a
					  port that is the scheme's usual one */
};

/* service: "ecs", "ec2". False: a variable is no http or https URL (with a
 * path, a query, a user, ...) or no true or false, or the region is none; err
 * names it, its value and what is accepted. */
NODISCARD bool endpoint_resolve(struct endpoint *endpoint, const char *service,
				const char *region, credentials_env_fn *env,
				void *env_arg, struct err *err);

#endif
