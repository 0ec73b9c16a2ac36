/* SPDX-License-Identifier: MIT */
/*
 * Files in the .env format, as django-environ reads them:
 *
 *	# a comment
 *	KEY=value                # a comment after white space
 *	export KEY="a \"b\""     \x is x; \n, \r and \t stay two characters
 *	KEY='as it is'
 *
 * More lenient than django-environ: white space may stand before the line and
 * around the "=". Stricter: a quote must be closed and nothing but a comment
 * may follow it. Knows nothing of options; messages never quote the file, it
 * may hold secrets.
 */
#ifndef GSM_COMMON_ENV_FILE_H
#define GSM_COMMON_ENV_FILE_H

#include <stddef.h>

#include "common/err.h"

struct env_file_entry {
	const char *name;    /* "" when the line does not say one */
	const char *value;   /* "" when there is a problem */
	const char *problem; /* NULL: none; else what is wrong with the line */
	int line;            /* from 1 */
};

/* Is told every line that is not blank and not a comment, in order. */
typedef void env_file_fn(void *arg, const struct env_file_entry *entry);

/* Reads the whole file into *text (malloc; the caller frees it), with a NUL
 * after its *size bytes. False: it can't be read, is larger than `max` bytes,
 * is a directory or a pipe, or holds a NUL byte. */
NODISCARD bool env_file_read(const char *path, size_t max, char **text,
			     size_t *size, struct err *err);

/* Changes `text` (`size` bytes and a NUL) in place: names and values point
 * into it. */
void env_file_parse(char *text, size_t size, env_file_fn *fn, void *arg);

#endif
