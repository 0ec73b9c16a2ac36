/* SPDX-License-Identifier: MIT */
#include "fcgi-api/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE_MIN = 256 };

static bool
make_room(struct text *t, size_t more)
{
	if (t->failed)
		return false;
	if (t->size - t->len > more)
		return true;
	size_t size = t->size < TEXT_SIZE_MIN ? TEXT_SIZE_MIN : t->size;
	while (size - t->len <= more) {
		if (size > SIZE_MAX / 2)
			goto fail;
		size *= 2;
	}
	char *data = realloc(t->data, size);
	if (data == NULL)
		goto fail;
	t->data = data;
	t->size = size;
	return true;
fail:
	t->failed = true;
	return false;
}

void
text_add_bytes(struct text *t, const char *bytes, size_t len)
{
	if (!make_room(t, len))
		return;
	memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void
text_add(struct text *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		t->failed = true;
	if (len < 0 || !make_room(t, (size_t)len))
		return;
	va_start(args, fmt);
	(void)vsnprintf(t->data + t->len, t->size - t->len, fmt, args);
	va_end(args);
	t->len += (size_t)len;
}

bool
text_ok(const struct text *t)
{
	return !t->failed && t->data != NULL;
}

void
text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}
