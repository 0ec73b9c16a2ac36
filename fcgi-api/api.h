/* SPDX-License-Identifier: MIT */
/* What all threads of fcgi-api share. */
#ifndef GSM_FCGI_API_API_H
#define GSM_FCGI_API_API_H

#include <stdint.h>

#include "fcgi-api/counters.h"
#include "fcgi-api/limits.h"
#include "fcgi-api/publication.h"

struct api {
	char backup[ADDRESS_SIZE]; /* BACKUP_GAMESERVER; "": none */
	int64_t started_utc_ms;
	struct publication state;
	struct counters counters;
};

#endif
