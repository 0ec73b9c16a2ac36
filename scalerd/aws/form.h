/* SPDX-License-Identifier: MIT */
/*
 * The body of a request in EC2's Query protocol: name=value&name=value, in the
 * order in which they are added. Of a value everything but A-Za-z0-9-_.~ is
 * percent-encoded; names are ours and need none of that.
 */
#ifndef GSM_AWS_FORM_H
#define GSM_AWS_FORM_H

#include <stddef.h>
#include <stdio.h>

#include "common/err.h"

struct form {
	FILE *out; /* NULL: out of memory */
	char *text;
	size_t size;
};

void form_open(struct form *form, const char *action, const char *version);
/* The name is formatted. */
void form_add(struct form *form, const char *value, const char *name, ...)
    __attribute__((format(printf, 3, 4)));
/* The text, which the caller frees. NULL: out of memory, then or before. */
NODISCARD char *form_close(struct form *form);

#endif
