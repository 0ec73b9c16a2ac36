/* SPDX-License-Identifier: MIT */
/* Bytes that come and go, with a bound. Holds no memory while empty. */
#ifndef GSM_GAMESERVER_BUFFER_H
#define GSM_GAMESERVER_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

enum { BUFFER_MAX = 80 * 1024 };

struct buffer { /* zeroed: empty */
	unsigned char *data;
	size_t used;
	size_t size;
};

/* Makes room for `extra` bytes after those used. False: over BUFFER_MAX, or
 * out of memory. */
bool buffer_reserve(struct buffer *buffer, size_t extra);
/* Appends; false as above, and nothing is changed. */
bool buffer_add(struct buffer *buffer, const void *data, size_t size);
/* Removes the first `size` bytes. */
void buffer_drop(struct buffer *buffer, size_t size);
void buffer_free(struct buffer *buffer);

#endif
