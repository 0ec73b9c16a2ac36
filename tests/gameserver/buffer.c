/* SPDX-License-Identifier: MIT */
#include "tests/gameserver/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_STEP = 1024 };

bool
buffer_reserve(struct buffer *buffer, size_t extra)
{
	if (extra <= buffer->size - buffer->used)
		return true;
	if (extra > BUFFER_MAX - buffer->used)
		return false;
	size_t size = buffer->used + extra;
	size += BUFFER_STEP - size % BUFFER_STEP;
	unsigned char *data = realloc(buffer->data, size);
	if (data == NULL)
		return false;
	buffer->data = data;
	buffer->size = size;
	return true;
}

bool
buffer_add(struct buffer *buffer, const void *data, size_t size)
{
	if (!buffer_reserve(buffer, size))
		return false;
	if (size > 0)
		memcpy(buffer->data + buffer->used, data, size);
	buffer->used += size;
	return true;
}

void
buffer_drop(struct buffer *buffer, size_t size)
{
	assert(size <= buffer->used);
	buffer->used -= size;
	if (buffer->used == 0)
		buffer_free(buffer);
	else
		memmove(buffer->data, buffer->data + size, buffer->used);
}

void
buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}
