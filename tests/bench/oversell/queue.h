/* SPDX-License-Identifier: MIT */
/* What will happen, earliest first: a binary heap. */
#ifndef GSM_OVERSELL_QUEUE_H
#define GSM_OVERSELL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_JOIN, /* a client with a grant arrives */
	EVENT_WALK, /* a client without one */
	EVENT_ASK,  /* scalerd asks for the health */
	EVENT_SAY,  /* the gameserver makes its answer */
	EVENT_HEAR, /* scalerd has the answer */
	EVENT_MISS, /* the answer was lost: the question times out */
};

struct event {
	int64_t at_us;
	uint32_t server;
	uint8_t kind; /* enum event_kind */
	bool counted; /* EVENT_JOIN: granted after the warm-up */
};

struct queue {
	struct event *event;
	size_t n, size;
};

/* Ends the program if there is no memory. */
void queue_add(struct queue *queue, struct event event);
/* INT64_MAX: nothing will. */
int64_t queue_next_us(const struct queue *queue);
/* The earliest; the queue is not empty. */
struct event queue_take(struct queue *queue);
void queue_free(struct queue *queue);

#endif
