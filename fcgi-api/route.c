/* SPDX-License-Identifier: MIT */
#include "fcgi-api/route.h"

#include <string.h>

#include "fcgi-api/handlers.h"

const struct route route_table[ROUTE_COUNT] = {
    [ROUTE_AVAILABLE] = {"/available-gameserver/", LISTENER_PUBLIC,
			 handle_available},
    [ROUTE_LIST] = {"/available-gameserver-list/", LISTENER_PUBLIC,
		    handle_list},
    [ROUTE_HEALTHZ] = {"/healthz", LISTENER_PUBLIC, handle_healthz},
    [ROUTE_READYZ] = {"/readyz", LISTENER_OPERATORS, handle_readyz},
    [ROUTE_METRICS] = {"/metrics", LISTENER_OPERATORS, handle_metrics},
    [ROUTE_STATUS] = {"/status.json", LISTENER_OPERATORS, handle_status},
    [ROUTE_UNKNOWN] = {"other", LISTENER_PUBLIC, handle_unknown},
};

enum route_id
route_find(const struct request *r)
{
	for (int id = 0; id < ROUTE_UNKNOWN; id++) {
		const struct route *route = &route_table[id];
		size_t len = strlen(route->path);
		if (route->path[len - 1] == '/')
			len--;
		if (r->path_len != len ||
		    memcmp(r->path, route->path, len) != 0)
			continue;
		if (route->listener == LISTENER_OPERATORS &&
		    r->listener != LISTENER_OPERATORS)
			break;
		return (enum route_id)id;
	}
	return ROUTE_UNKNOWN;
}
