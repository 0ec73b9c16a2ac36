/* SPDX-License-Identifier: MIT */
/*
 * How AWS is told, and tells, whose a machine or a task is (provider_ecs.h).
 */
#ifndef GSM_AWS_MARKS_H
#define GSM_AWS_MARKS_H

#define MARKS_FLEET_TAG     "gameserver-manager:fleet"
#define MARKS_OPERATION_TAG "gameserver-manager:operation"
#define MARKS_STARTED_BY    "gsm/" /* and FLEET_NAME */

#endif
