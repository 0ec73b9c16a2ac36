/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/marks.h"

#include <stdio.h>
#include <string.h>

void
marks_take(const char *key, const char *value, char fleet[FACTS_NAME_SIZE],
	   char mark[MARK_SIZE])
{
	if (strcmp(key, MARKS_FLEET_TAG) == 0)
		snprintf(fleet, FACTS_NAME_SIZE, "%s", value);
	else if (strcmp(key, MARKS_OPERATION_TAG) == 0)
		snprintf(mark, MARK_SIZE, "%s",
			 strlen(value) < MARK_SIZE ? value : "");
}
