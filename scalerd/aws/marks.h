/* SPDX-License-Identifier: MIT */
/*
 * How AWS is told, and tells, whose a machine or a task is (provider_ecs.h).
 */
#ifndef GSM_AWS_MARKS_H
#define GSM_AWS_MARKS_H

#include "scalerd/aws/facts.h"

#define MARKS_FLEET_TAG     "gameserver-manager:fleet"
#define MARKS_OPERATION_TAG "gameserver-manager:operation"
#define MARKS_STARTED_BY    "gsm/" /* and FLEET_NAME */

/* Takes over a tag if it is one of ours. Anybody may set it to anything: a
 * value that no manager writes is taken for no operation and for another
 * fleet. */
void marks_take(const char *key, const char *value, char fleet[FACTS_NAME_SIZE],
		char mark[MARK_SIZE]);

#endif
