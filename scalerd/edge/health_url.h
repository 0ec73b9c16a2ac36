/* SPDX-License-Identifier: MIT */
/* HEALTH_URL with its parts filled in: where a gameserver's health is asked. */
#ifndef GSM_EDGE_HEALTH_URL_H
#define GSM_EDGE_HEALTH_URL_H

#include <stddef.h>

#include "common/err.h"

enum { HEALTH_URL_SIZE = 1024 };

/* False: the ip is no numeric address (nothing else may become a part of a
 * URL), or the URL would be longer than HEALTH_URL_SIZE. */
NODISCARD bool health_url(char url[HEALTH_URL_SIZE], const char *template,
			  const char *ip, int port);

#endif
