/* SPDX-License-Identifier: MIT */
/* What fcgi-api needs to know of a request. */
#ifndef GSM_FCGI_API_REQUEST_H
#define GSM_FCGI_API_REQUEST_H

#include <stddef.h>

enum request_method { METHOD_GET, METHOD_HEAD, METHOD_OPTIONS, METHOD_OTHER };

/* LISTENER, set by nginx: which of its listeners the request came by. */
enum request_listener { LISTENER_PUBLIC, LISTENER_OPERATORS };

struct request {
	enum request_method method;
	enum request_listener listener;
	const char *path; /* borrowed, without query and final slash; not
			     NUL-terminated, not decoded, any bytes */
	size_t path_len;
};

/* The value of a CGI variable; NULL if it is not set. */
typedef const char *request_variable_fn(void *arg, const char *name);

/* Never fails: what is not understood leads to a 404 or 405. */
void request_parse(struct request *r, request_variable_fn *variable, void *arg);

#endif
