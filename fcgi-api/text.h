/* SPDX-License-Identifier: MIT */
/*
 * A text that grows. A failed allocation is remembered: append as often as
 * you like and check text_ok once at the end.
 */
#ifndef GSM_FCGI_API_TEXT_H
#define GSM_FCGI_API_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* owned; NUL-terminated once something was added */
	size_t len;
	size_t size;
	bool failed;
};

void text_add(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *t, const char *bytes, size_t len);

/* Something was added and no allocation failed. */
bool text_ok(const struct text *t);

void text_free(struct text *t);

#endif
