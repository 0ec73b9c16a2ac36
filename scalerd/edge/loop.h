/* SPDX-License-Identifier: MIT */
/*
 * The event loop: descriptors, timers, signals and deferred calls, on one
 * thread. It is the only place of scalerd that waits. Permitted blocking calls
 * elsewhere: SQLite commits, reading /proc, spawning a process.
 */
#ifndef GSM_EDGE_LOOP_H
#define GSM_EDGE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct loop;

typedef void loop_fn(void *arg);
typedef void loop_fd_fn(void *arg, int fd, uint32_t events); /* EPOLLIN ... */
typedef void loop_signal_fn(void *arg, int signo);

/* A timer is owned by its user, zeroed before first use, and must not move
 * while it is set. */
struct loop_timer {
	int64_t due_ms; /* CLOCK_BOOTTIME */
	loop_fn *fn;
	void *arg;
	struct loop_timer *next; /* the loop's own */
	bool set;
};

/* CLOCK_BOOTTIME in milliseconds. */
int64_t loop_now_ms(void);

NODISCARD bool loop_open(struct loop **loop, struct err *err);
void loop_close(struct loop *loop); /* accepts NULL */

/* Watches fd, or changes what it is watched for (EPOLLIN, EPOLLOUT). */
NODISCARD bool loop_watch(struct loop *loop, int fd, uint32_t events,
			  loop_fd_fn *fn, void *arg, struct err *err);
void loop_unwatch(struct loop *loop, int fd);

/* (Re)arms or disarms a timer. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms,
		    loop_fn *fn, void *arg);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* Blocks the signal for the process and delivers it here instead. */
NODISCARD bool loop_signal(struct loop *loop, int signo, loop_signal_fn *fn,
			   void *arg, struct err *err);
/* Forgets the handler. The signal stays blocked: it is dropped, it does not
 * end the process. */
void loop_unsignal(struct loop *loop, int signo);

/* Runs until loop_stop. False: the loop itself failed. */
NODISCARD bool loop_run(struct loop *loop, struct err *err);
/* One round: waits at most max_wait_ms for something, handles what is there.
 * For tests. */
NODISCARD bool loop_turn(struct loop *loop, int64_t max_wait_ms,
			 struct err *err);
void loop_stop(struct loop *loop);

#endif
