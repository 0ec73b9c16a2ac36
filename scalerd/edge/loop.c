/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOP_EVENTS_MAX = 64,    /* descriptors handled in one round */
	LOOP_SIGNALS_MAX = 16,   /* signals read in one round */
	LOOP_SIGNO_MAX = 64,     /* the kernel's highest signal */
	LOOP_WATCH_FIRST = 64,   /* first size of the table of descriptors */
	LOOP_WAIT_MAX_MS = 1000, /* epoll does not count suspended time: look
				    at the clock so often */
};

struct watch {
	loop_fd_fn *fn; /* NULL: not watched */
	void *arg;
	uint32_t events;
	uint32_t generation; /* tells an event for a former user of this fd
				number from one for the present user */
};

struct signal_handler {
	loop_signal_fn *fn;
	void *arg;
};

struct loop {
	int epoll_fd;
	int signal_fd;
	sigset_t signals;
	struct signal_handler handler[LOOP_SIGNO_MAX + 1];
	struct watch *watch; /* by fd; the kernel bounds fd numbers */
	size_t nwatch;
	uint32_t generation;
	struct loop_timer *timers; /* by due_ms; equal ones in setting order */
	struct loop_timer *firing; /* due in this round, not yet called */
	bool stopped;
};

int64_t
loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
on_signal_fd(void *arg, int fd, uint32_t events)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info[LOOP_SIGNALS_MAX];
	ssize_t size;

	(void)events;
	size = read(fd, info, sizeof(info));
	if (size < 0)
		return; /* EAGAIN, EINTR: epoll tells again */
	for (size_t i = 0; i < (size_t)size / sizeof(info[0]); i++) {
		struct signal_handler handler;

		if (info[i].ssi_signo > LOOP_SIGNO_MAX)
			continue;
		handler = loop->handler[info[i].ssi_signo];
		if (handler.fn)
			handler.fn(handler.arg, (int)info[i].ssi_signo);
	}
}

bool
loop_open(struct loop **out, struct err *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return err_set(err, "event loop: out of memory");
	sigemptyset(&loop->signals);
	loop->signal_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		err_set(err, "epoll_create1: %s", strerror(errno));
		goto fail;
	}
	loop->signal_fd =
	    signalfd(-1, &loop->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0) {
		err_set(err, "signalfd: %s", strerror(errno));
		goto fail;
	}
	if (!loop_watch(loop, loop->signal_fd, EPOLLIN, on_signal_fd, loop,
			err))
		goto fail;
	*out = loop;
	return true;
fail:
	loop_close(loop);
	return false;
}

void
loop_close(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop->watch);
	free(loop);
}

/* ---- descriptors ------------------------------------------------------- */

static bool
watch_table_grow(struct loop *loop, size_t need, struct err *err)
{
	size_t size = loop->nwatch ? loop->nwatch : LOOP_WATCH_FIRST;
	struct watch *table;

	while (size < need)
		size *= 2;
	if (size == loop->nwatch)
		return true;
	table = realloc(loop->watch, size * sizeof(*table));
	if (!table)
		return err_set(err, "event loop: out of memory");
	memset(table + loop->nwatch, 0, (size - loop->nwatch) * sizeof(*table));
	loop->watch = table;
	loop->nwatch = size;
	return true;
}

/* A descriptor that was closed without loop_unwatch left the epoll set by
 * itself, so what we believe of the set is tried first and then the other. */
static bool
epoll_set(int epoll_fd, int fd, bool known, struct epoll_event *event)
{
	int first = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int second = known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (epoll_ctl(epoll_fd, first, fd, event) == 0)
		return true;
	if (errno != ENOENT && errno != EEXIST)
		return false;
	return epoll_ctl(epoll_fd, second, fd, event) == 0;
}

bool
loop_watch(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn,
	   void *arg, struct err *err)
{
	struct epoll_event event = {.events = events};
	struct watch *watch;
	uint32_t generation;

	if (fd < 0)
		return err_set(err, "event loop: not a descriptor");
	if (!watch_table_grow(loop, (size_t)fd + 1, err))
		return false;
	watch = &loop->watch[fd];
	generation = watch->fn ? watch->generation : ++loop->generation;
	event.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd;
	if (!epoll_set(loop->epoll_fd, fd, watch->fn != NULL, &event))
		return err_set(err, "epoll_ctl: %s", strerror(errno));
	*watch = (struct watch){
	    .fn = fn, .arg = arg, .events = events, .generation = generation};
	return true;
}

void
loop_unwatch(struct loop *loop, int fd)
{
	if (fd < 0 || (size_t)fd >= loop->nwatch || !loop->watch[fd].fn)
		return;
	loop->watch[fd].fn = NULL;
	/* Fails only when the descriptor is closed, and then it is out. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void
handle_event(struct loop *loop, const struct epoll_event *event)
{
	int fd = (int)(uint32_t)event->data.u64;
	uint32_t generation = (uint32_t)(event->data.u64 >> 32);
	struct watch watch = loop->watch[fd];
	uint32_t events;

	/* A callback earlier in this round may have unwatched it, or closed it
	 * and another one has the number now. */
	if (!watch.fn || watch.generation != generation)
		return;
	events = event->events & (watch.events | EPOLLERR | EPOLLHUP);
	if (events)
		watch.fn(watch.arg, fd, events);
}

/* ---- timers ------------------------------------------------------------ */

static bool
timer_unlink(struct loop_timer **list, struct loop_timer *timer)
{
	for (; *list; list = &(*list)->next) {
		if (*list == timer) {
			*list = timer->next;
			return true;
		}
	}
	return false;
}

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due_ms,
	       loop_fn *fn, void *arg)
{
	struct loop_timer **place = &loop->timers;

	loop_timer_clear(loop, timer);
	while (*place && (*place)->due_ms <= due_ms)
		place = &(*place)->next;
	*timer = (struct loop_timer){.due_ms = due_ms,
				     .fn = fn,
				     .arg = arg,
				     .next = *place,
				     .set = true};
	*place = timer;
}

void
loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->set)
		return;
	if (!timer_unlink(&loop->timers, timer))
		(void)timer_unlink(&loop->firing, timer);
	timer->set = false;
}

/* Those due are taken off first: one that a callback sets for now or earlier
 * waits for the next round, so that no timer can starve the descriptors. */
static void
fire_timers(struct loop *loop)
{
	int64_t now_ms = loop_now_ms();
	struct loop_timer **last = &loop->timers;

	while (*last && (*last)->due_ms <= now_ms)
		last = &(*last)->next;
	if (last == &loop->timers)
		return;
	loop->firing = loop->timers;
	loop->timers = *last;
	*last = NULL;
	while (loop->firing) {
		struct loop_timer *timer = loop->firing;

		loop->firing = timer->next;
		timer->set = false;
		timer->fn(timer->arg);
	}
}

/* ---- signals ----------------------------------------------------------- */

bool
loop_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *arg,
	    struct err *err)
{
	sigset_t one;
	int error;

	if (signo < 1 || signo > LOOP_SIGNO_MAX)
		return err_set(err, "event loop: no such signal: %d", signo);
	sigemptyset(&one);
	sigaddset(&one, signo);
	error = pthread_sigmask(SIG_BLOCK, &one, NULL);
	if (error)
		return err_set(err, "pthread_sigmask: %s", strerror(error));
	loop->handler[signo] = (struct signal_handler){.fn = fn, .arg = arg};
	sigaddset(&loop->signals, signo);
	if (signalfd(loop->signal_fd, &loop->signals, 0) < 0)
		return err_set(err, "signalfd: %s", strerror(errno));
	return true;
}

void
loop_unsignal(struct loop *loop, int signo)
{
	if (signo >= 1 && signo <= LOOP_SIGNO_MAX)
		loop->handler[signo].fn = NULL;
}

/* ---- rounds ------------------------------------------------------------ */

static int
wait_ms(const struct loop *loop, int64_t max_wait_ms)
{
	int64_t wait = max_wait_ms;

	if (wait > LOOP_WAIT_MAX_MS)
		wait = LOOP_WAIT_MAX_MS;
	/* loop_now_ms rounds down, so this rounds the wait up. */
	if (loop->timers && loop->timers->due_ms - loop_now_ms() < wait)
		wait = loop->timers->due_ms - loop_now_ms();
	return wait < 0 ? 0 : (int)wait;
}

bool
loop_turn(struct loop *loop, int64_t max_wait_ms, struct err *err)
{
	struct epoll_event event[LOOP_EVENTS_MAX];
	int nevent = epoll_wait(loop->epoll_fd, event, LOOP_EVENTS_MAX,
				wait_ms(loop, max_wait_ms));

	if (nevent < 0 && errno != EINTR)
		return err_set(err, "epoll_wait: %s", strerror(errno));
	for (int i = 0; i < nevent; i++)
		handle_event(loop, &event[i]);
	fire_timers(loop);
	return true;
}

bool
loop_run(struct loop *loop, struct err *err)
{
	loop->stopped = false;
	while (!loop->stopped) {
		if (!loop_turn(loop, LOOP_WAIT_MAX_MS, err))
			return false;
	}
	return true;
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
