/* SPDX-License-Identifier: MIT */
/* What counts as a name of AWS in an option. */
#ifndef GSM_COMMON_CONFIG_AWS_H
#define GSM_COMMON_CONFIG_AWS_H

#include <stdbool.h>

/* A cluster's name or ARN. */
bool config_aws_is_cluster(const char *text);

/* A family, family:revision or the ARN of a task definition. */
bool config_aws_is_task_definition(const char *text);

/* A launch template's name or id; what begins with "lt-" must be an id. */
bool config_aws_is_launch_template(const char *text);

/* One to `max` ids that begin with `prefix` ("subnet-"), a comma between
 * them. */
bool config_aws_is_id_list(const char *text, const char *prefix, int max);

#endif
