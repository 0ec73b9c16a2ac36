/* SPDX-License-Identifier: MIT */
/* The table of what the API answers: path, listener, handler. */
#ifndef GSM_FCGI_API_ROUTE_H
#define GSM_FCGI_API_ROUTE_H

#include "fcgi-api/request.h"

enum route_id {
	ROUTE_AVAILABLE,
	ROUTE_LIST,
	ROUTE_HEALTHZ,
	ROUTE_READYZ,
	ROUTE_METRICS,
	ROUTE_STATUS,
	ROUTE_UNKNOWN, /* 404: no row of the table */
	ROUTE_COUNT,
};

struct exchange;

/* Fills x->answer. */
typedef void route_handler_fn(struct exchange *x);

struct route {
	const char *path; /* as it is written in documents and metrics */
	enum request_listener listener; /* OPERATORS: 404 on the public one */
	route_handler_fn *handler;
};

/* By id; the path of ROUTE_UNKNOWN is "other", its handler answers 404. */
extern const struct route route_table[ROUTE_COUNT];

/* With and without the final slash. */
enum route_id route_find(const struct request *r);

#endif
