/* SPDX-License-Identifier: MIT */
#include "fcgi-api/list.h"

#include <stdlib.h>
#include <string.h>

/* Not json-c: the bytes are those of the seed, Python's json.dumps, and a
 * valid address needs no escape. */
static size_t
add_grade(struct text *list, const struct seats *s, enum grade grade)
{
	size_t n = 0;
	uint32_t top = atomic_load(&s->top);
	for (uint32_t slot = 0; slot < top; slot++) {
		struct seat_row row;
		/* The only writer is this thread: it is always whole. */
		if (!seats_read(s, slot, &row) || row.grade != grade)
			continue;
		if (n++ > 0)
			text_add_bytes(list, ", ", 2);
		text_add_bytes(list, "\"", 1);
		text_add_bytes(list, row.address, strlen(row.address));
		text_add_bytes(list, "\"", 1);
	}
	return n;
}

struct text *
list_make(const struct seats *s)
{
	struct text *list = calloc(1, sizeof(*list));
	if (list == NULL)
		return NULL;
	text_add(list, "{\"server_list\": [");
	if (add_grade(list, s, GRADE_GOOD) == 0)
		(void)add_grade(list, s, GRADE_SUSPECT); /* perhaps none */
	text_add(list, "]}");
	if (text_ok(list))
		return list;
	list_free(list);
	return NULL;
}

void
list_free(void *list)
{
	if (list != NULL)
		text_free(list);
	free(list);
}
