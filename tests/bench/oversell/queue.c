/* SPDX-License-Identifier: MIT */
#include "tests/bench/oversell/queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_SIZE = 1024 };

static void
grow(struct queue *queue)
{
	const size_t size = queue->size == 0 ? FIRST_SIZE : 2 * queue->size;
	struct event *event = realloc(queue->event, size * sizeof(*event));

	if (event == NULL) {
		fputs("oversell: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	queue->event = event;
	queue->size = size;
}

void
queue_add(struct queue *queue, struct event event)
{
	size_t at = queue->n++;

	if (queue->n > queue->size)
		grow(queue);
	while (at > 0 && queue->event[(at - 1) / 2].at_us > event.at_us) {
		queue->event[at] = queue->event[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	queue->event[at] = event;
}

int64_t
queue_next_us(const struct queue *queue)
{
	return queue->n == 0 ? INT64_MAX : queue->event[0].at_us;
}

struct event
queue_take(struct queue *queue)
{
	size_t at = 0;

	assert(queue->n > 0);
	const struct event first = queue->event[0];
	const struct event last = queue->event[--queue->n];

	for (size_t next = 1; next < queue->n; next = 2 * at + 1) {
		if (next + 1 < queue->n &&
		    queue->event[next + 1].at_us < queue->event[next].at_us)
			next++;
		if (queue->event[next].at_us >= last.at_us)
			break;
		queue->event[at] = queue->event[next];
		at = next;
	}
	queue->event[at] = last;
	return first;
}

void
queue_free(struct queue *queue)
{
	free(queue->event);
	*queue = (struct queue){.n = 0};
}
