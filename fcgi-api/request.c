/* SPDX-License-Identifier: MIT */
#include "fcgi-api/request.h"

#include <string.h>

static const struct {
	const char *name;
	enum request_method method;
} methods[] = {
    {"GET", METHOD_GET},
    {"HEAD", METHOD_HEAD},
    {"OPTIONS", METHOD_OPTIONS},
};

static enum request_method
parse_method(const char *name)
{
	if (name == NULL)
		return METHOD_OTHER;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	}
	return METHOD_OTHER;
}

void
request_parse(struct request *r, request_variable_fn *variable, void *arg)
{
	const char *listener = variable(arg, "LISTENER");
	/* PATH_INFO: a CGI program somewhere below the server's root. */
	const char *path = variable(arg, "PATH_INFO");
	if (path == NULL || path[0] == '\0')
		path = variable(arg, "REQUEST_URI");
	if (path == NULL)
		path = "";
	r->method = parse_method(variable(arg, "REQUEST_METHOD"));
	r->listener = LISTENER_PUBLIC;
	if (listener != NULL && strcmp(listener, "operators") == 0)
		r->listener = LISTENER_OPERATORS;
	r->path = path;
	r->path_len = strcspn(path, "?");
	if (r->path_len > 1 && path[r->path_len - 1] == '/')
		r->path_len--;
}
