/* SPDX-License-Identifier: MIT */
/* What all threads of fcgi-api share. Large: static or from calloc. */
#ifndef GSM_FCGI_API_API_H
#define GSM_FCGI_API_API_H

#include <stdint.h>

#include "fcgi-api/counters.h"
#include "fcgi-api/fleet.h"
#include "fcgi-api/ledger_map.h"
#include "fcgi-api/limits.h"
#include "fcgi-api/list.h"
#include "fcgi-api/publication.h"
#include "fcgi-api/report.h"
#include "fcgi-api/seats.h"

struct api {
	char backup[ADDRESS_SIZE]; /* BACKUP_GAMESERVER; "": none */
	int64_t started_utc_ms;
	struct fleet_now fleet;
	struct seats seats;
	struct ledger_map ledger;
	struct publication list; /* of struct text */
	struct report_desk reports;
	struct counters counters;
};

/* Of a zeroed one. `ledger` is the file's path, borrowed for its life. */
void api_init(struct api *api, const char *ledger);

/* No other thread may use it any more. */
void api_free(struct api *api);

#endif
