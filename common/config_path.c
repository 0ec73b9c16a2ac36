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
	char head[PATH_MAX]; /* "./" and the path, then less and less of it */
	char resolved[PATH_MAX];
	int len;

	if (!ends_in_name(path))
		return false;
	if (path[0] == '/') {
		len = snprintf(to, size, "%s", path);
		return len >= 0 && (size_t)len < size;
	}
	len = snprintf(head, sizeof(head), "./%s", path);
	if (len < 0 || (size_t)len >= sizeof(head))
		return false;
	do {
		char *slash = strrchr(head, '/');

		if (slash == NULL)
			return false;
		*slash = '\0';
	} while (realpath(head, resolved) == NULL);
	len = snprintf(to, size, "%s", resolved);
	if (len < 0 || (size_t)len >= size)
		return false;
	/* head is "./" and the beginning of path that exists, or "." */
	return append_parts(strlen(head) > 2 ? path + strlen(head) - 2 : path,
			    to, size);
}
