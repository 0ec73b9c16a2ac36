/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* realpath */
#include "common/config_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
ends_in_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;

	return name[0] != '\0' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* Appends the parts of the path to to[size]. */
static bool
append_parts(const char *path, char *to, size_t size)
{
	size_t used = strcmp(to, "/") == 0 ? 0 : strlen(to);

	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		if (len > 0 && !(len == 1 && path[0] == '.')) {
			if (used + len + 2 > size)
				return false;
			to[used++] = '/';
			memcpy(to + used, path, len);
			used += len;
			to[used] = '\0';
		}
		path += len;
		path += strspn(path, "/");
	}
	return true;
}

bool
config_path_absolute(const char *path, char *to, size_t size)
{
	char full[PATH_MAX], head[PATH_MAX], resolved[PATH_MAX];
	const char *relative = path[0] == '/' ? "" : "./";
	int cut = snprintf(full, sizeof(full), "%s%s", relative, path);
	int len;

	if (!ends_in_name(path) || cut < 0 || (size_t)cut >= sizeof(full))
		return false;
	/* As much of it as exists is resolved, the rest is kept. */
	do {
		len = snprintf(head, sizeof(head), "%.*s", cut, full);
		if (len == 0 && path[0] != '/')
			return false; /* no working directory */
		if (len == 0)
			memcpy(head, "/", sizeof("/"));
		if (realpath(head, resolved) != NULL)
			break;
		while (cut > 0 && full[cut - 1] != '/')
			cut--;
		if (cut > 0)
			cut--;
	} while (len > 0);
	len = snprintf(to, size, "%s", resolved);
	if (len < 0 || (size_t)len >= size)
		return false;
	return append_parts(full + cut, to, size);
}
