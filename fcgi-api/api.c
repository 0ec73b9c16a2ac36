/* SPDX-License-Identifier: MIT */
#include "fcgi-api/api.h"

#include <stddef.h>

void
api_init(struct api *api, const char *ledger)
{
	ledger_map_init(&api->ledger, ledger);
	api->list.free_item = list_free;
	report_init(&api->reports);
}

void
api_free(struct api *api)
{
	publication_put(&api->ledger.published, NULL);
	publication_put(&api->list, NULL);
	text_free(&api->reports.last.status);
}
