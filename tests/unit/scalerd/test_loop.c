/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "scalerd/edge/loop.h"

enum { SEEN_MAX = 16, PIPES = 2 };

struct room {
	struct loop *loop;
	int pipe[PIPES][2]; /* read end, write end */
	int seen[SEEN_MAX]; /* what the callbacks noted, in order */
	int nseen;
};

/* What a callback does besides noting its number. */
struct note {
	struct room *room;
	int number;
	struct loop_timer timer;
	struct note *clears; /* another timer */
	int unwatches;       /* a descriptor, 0: none */
	bool again;          /* sets itself for now */
};

static int
setup(void **state)
{
	struct room *room = calloc(1, sizeof(*room));
	struct err err;

	assert_non_null(room);
	assert_true(loop_open(&room->loop, &err));
	for (int i = 0; i < PIPES; i++)
		assert_int_equal(pipe2(room->pipe[i], O_CLOEXEC), 0);
	*state = room;
	return 0;
}

static int
teardown(void **state)
{
	struct room *room = *state;

	loop_close(room->loop);
	for (int i = 0; i < PIPES; i++) {
		close(room->pipe[i][0]);
		close(room->pipe[i][1]);
	}
	free(room);
	return 0;
}

static void
turn(struct room *room, int64_t max_wait_ms)
{
	struct err err;

	assert_true(loop_turn(room->loop, max_wait_ms, &err));
}

static void
see(struct room *room, int number)
{
	assert_true(room->nseen < SEEN_MAX);
	room->seen[room->nseen++] = number;
}

static void
assert_seen(const struct room *room, int n, const int *numbers)
{
	assert_int_equal(room->nseen, n);
	assert_memory_equal(room->seen, numbers, (size_t)n * sizeof(int));
}
#define ASSERT_SEEN(room, ...)                                                 \
	assert_seen((room), (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), \
		    (int[]){__VA_ARGS__})

static void
on_timer(void *arg)
{
	struct note *note = arg;

	see(note->room, note->number);
	if (note->clears)
		loop_timer_clear(note->room->loop, &note->clears->timer);
	if (note->again)
		loop_timer_set(note->room->loop, &note->timer,
			       loop_now_ms() - 10, on_timer, note);
}

static void
on_fd(void *arg, int fd, uint32_t events)
{
	struct note *note = arg;
	char byte;

	see(note->room, note->number);
	assert_true(events & (EPOLLIN | EPOLLHUP));
	assert_true(read(fd, &byte, 1) >= 0);
	if (note->unwatches)
		loop_unwatch(note->room->loop, note->unwatches);
}

static void
set(struct note *note, int64_t due_ms)
{
	loop_timer_set(note->room->loop, &note->timer, due_ms, on_timer, note);
}

static void
watch(struct room *room, int fd, struct note *note)
{
	struct err err;

	assert_true(loop_watch(room->loop, fd, EPOLLIN, on_fd, note, &err));
}

static void
poke(const struct room *room, int i)
{
	assert_int_equal(write(room->pipe[i][1], "x", 1), 1);
}

/* ---- timers ------------------------------------------------------------ */

static void
timers_fire_by_time_and_then_by_order_of_setting(void **state)
{
	struct room *room = *state;
	int64_t now_ms = loop_now_ms();
	struct note a = {.room = room, .number = 1};
	struct note b = {.room = room, .number = 2};
	struct note c = {.room = room, .number = 3};

	set(&a, now_ms - 1);
	set(&b, now_ms - 2);
	set(&c, now_ms - 1);
	turn(room, 0);
	ASSERT_SEEN(room, 2, 1, 3);
	assert_false(a.timer.set);
}

static void
a_timer_never_fires_early_and_the_wait_ends_with_it(void **state)
{
	struct room *room = *state;
	struct note note = {.room = room, .number = 1};
	int64_t due_ms = loop_now_ms() + 30;

	set(&note, due_ms);
	while (room->nseen == 0) {
		assert_true(loop_now_ms() < due_ms + 5000);
		turn(room, 10000);
	}
	assert_true(loop_now_ms() >= due_ms);
}

static void
setting_a_timer_again_moves_it(void **state)
{
	struct room *room = *state;
	struct note note = {.room = room, .number = 1};

	set(&note, loop_now_ms() - 1);
	set(&note, loop_now_ms() + 60000);
	turn(room, 0);
	assert_int_equal(room->nseen, 0);
	set(&note, loop_now_ms());
	turn(room, 0);
	turn(room, 0);
	ASSERT_SEEN(room, 1);
}

static void
a_timer_cleared_by_another_one_of_the_same_round_does_not_fire(void **state)
{
	struct room *room = *state;
	struct note b = {.room = room, .number = 2};
	struct note a = {.room = room, .number = 1, .clears = &b};
	int64_t now_ms = loop_now_ms();

	set(&a, now_ms);
	set(&b, now_ms);
	turn(room, 10);
	turn(room, 0);
	ASSERT_SEEN(room, 1);
	loop_timer_clear(room->loop, &b.timer);
}

static void
a_timer_that_sets_itself_for_now_starves_nobody(void **state)
{
	struct room *room = *state;
	struct note a = {.room = room, .number = 1, .again = true};
	struct note b = {.room = room, .number = 2};
	struct note c = {.room = room, .number = 3};

	watch(room, room->pipe[0][0], &c);
	poke(room, 0);
	set(&a, loop_now_ms() - 2);
	set(&b, loop_now_ms() - 1);
	turn(room, 0);
	ASSERT_SEEN(room, 3, 1, 2);
	turn(room, 0);
	ASSERT_SEEN(room, 3, 1, 2, 1);
}

/* ---- descriptors ------------------------------------------------------- */

static void
a_readable_descriptor_is_told_to_its_watcher_only(void **state)
{
	struct room *room = *state;
	struct note a = {.room = room, .number = 1};
	struct note b = {.room = room, .number = 2};

	watch(room, room->pipe[0][0], &a);
	watch(room, room->pipe[1][0], &b);
	turn(room, 0);
	assert_int_equal(room->nseen, 0);
	poke(room, 1);
	turn(room, 1000);
	ASSERT_SEEN(room, 2);
	loop_unwatch(room->loop, room->pipe[1][0]);
	poke(room, 1);
	turn(room, 0);
	ASSERT_SEEN(room, 2);
}

static void
watching_again_changes_events_and_watcher(void **state)
{
	struct room *room = *state;
	struct note a = {.room = room, .number = 1};
	struct note b = {.room = room, .number = 2};
	struct err err;

	watch(room, room->pipe[0][0], &a);
	poke(room, 0);
	assert_true(
	    loop_watch(room->loop, room->pipe[0][0], 0, on_fd, &a, &err));
	turn(room, 0);
	assert_int_equal(room->nseen, 0);
	watch(room, room->pipe[0][0], &b);
	turn(room, 1000);
	ASSERT_SEEN(room, 2);
}

static void
a_descriptor_unwatched_in_the_same_round_is_not_told(void **state)
{
	struct room *room = *state;
	struct note a = {
	    .room = room, .number = 1, .unwatches = room->pipe[1][0]};
	struct note b = {
	    .room = room, .number = 2, .unwatches = room->pipe[0][0]};

	watch(room, room->pipe[0][0], &a);
	watch(room, room->pipe[1][0], &b);
	poke(room, 0);
	poke(room, 1);
	turn(room, 1000);
	turn(room, 0);
	assert_int_equal(room->nseen, 1); /* whichever came first */
}

static struct note *reuse_note;

/* Closes the other pipe's read end and watches something unreadable under
 * the same number. */
static void
on_fd_reuse(void *arg, int fd, uint32_t events)
{
	struct room *room = arg;
	int other = fd == room->pipe[0][0] ? 1 : 0;
	int number = room->pipe[other][0];
	int quiet[2];

	(void)events;
	see(room, 1);
	loop_unwatch(room->loop, fd);
	loop_unwatch(room->loop, number);
	assert_int_equal(pipe2(quiet, O_CLOEXEC), 0);
	assert_int_equal(dup3(quiet[0], number, O_CLOEXEC), number);
	close(quiet[0]);
	close(room->pipe[other][1]);
	room->pipe[other][1] = quiet[1];
	watch(room, number, reuse_note);
}

static void
an_event_of_a_former_descriptor_is_not_told_to_the_next(void **state)
{
	struct room *room = *state;
	struct note fresh = {.room = room, .number = 2};
	struct err err;

	reuse_note = &fresh;
	for (int i = 0; i < PIPES; i++) {
		assert_true(loop_watch(room->loop, room->pipe[i][0], EPOLLIN,
				       on_fd_reuse, room, &err));
		poke(room, i);
	}
	turn(room, 1000);
	ASSERT_SEEN(room, 1);
}

static void
a_descriptor_closed_without_unwatching_can_be_watched_again(void **state)
{
	struct room *room = *state;
	struct note a = {.room = room, .number = 1};
	struct note b = {.room = room, .number = 2};
	int number = room->pipe[0][0];

	watch(room, number, &a);
	close(number);
	assert_int_equal(dup3(room->pipe[1][0], number, O_CLOEXEC), number);
	watch(room, number, &b);
	poke(room, 1);
	turn(room, 1000);
	ASSERT_SEEN(room, 2);
}

static void
a_high_descriptor_number_works(void **state)
{
	struct room *room = *state;
	struct note a = {.room = room, .number = 1};
	int fd = fcntl(room->pipe[0][0], F_DUPFD_CLOEXEC, 500);

	assert_true(fd >= 500);
	watch(room, fd, &a);
	poke(room, 0);
	turn(room, 1000);
	ASSERT_SEEN(room, 1);
	loop_unwatch(room->loop, fd);
	loop_unwatch(room->loop, 100000);
	close(fd);
}

static void
what_cannot_be_watched_is_an_error(void **state)
{
	struct room *room = *state;
	struct err err;

	assert_false(loop_watch(room->loop, -1, EPOLLIN, on_fd, NULL, &err));
	assert_false(loop_watch(room->loop, 900, EPOLLIN, on_fd, NULL, &err));
	assert_non_null(strstr(err.msg, "epoll_ctl"));
}

/* ---- signals and the end ----------------------------------------------- */

static void
on_signal(void *arg, int signo)
{
	see(arg, signo);
}

static void
a_signal_is_delivered_by_the_loop_and_dropped_when_forgotten(void **state)
{
	struct room *room = *state;
	struct err err;

	assert_true(loop_signal(room->loop, SIGUSR1, on_signal, room, &err));
	assert_true(loop_signal(room->loop, SIGUSR2, on_signal, room, &err));
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	turn(room, 1000);
	ASSERT_SEEN(room, SIGUSR1);
	loop_unsignal(room->loop, SIGUSR1);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	turn(room, 0);
	ASSERT_SEEN(room, SIGUSR1);
	assert_false(loop_signal(room->loop, 0, on_signal, room, &err));
}

static void
on_stop(void *arg)
{
	loop_stop(arg);
}

static void
stopping_ends_the_run(void **state)
{
	struct room *room = *state;
	struct loop_timer timer = {0};
	struct err err;

	loop_timer_set(room->loop, &timer, loop_now_ms() + 5, on_stop,
		       room->loop);
	assert_true(loop_run(room->loop, &err));
	assert_false(timer.set);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

UNIT_MAIN(TEST(timers_fire_by_time_and_then_by_order_of_setting),
	  TEST(a_timer_never_fires_early_and_the_wait_ends_with_it),
	  TEST(setting_a_timer_again_moves_it),
	  TEST(a_timer_cleared_by_another_one_of_the_same_round_does_not_fire),
	  TEST(a_timer_that_sets_itself_for_now_starves_nobody),
	  TEST(a_readable_descriptor_is_told_to_its_watcher_only),
	  TEST(watching_again_changes_events_and_watcher),
	  TEST(a_descriptor_unwatched_in_the_same_round_is_not_told),
	  TEST(an_event_of_a_former_descriptor_is_not_told_to_the_next),
	  TEST(a_descriptor_closed_without_unwatching_can_be_watched_again),
	  TEST(a_high_descriptor_number_works),
	  TEST(what_cannot_be_watched_is_an_error),
	  TEST(a_signal_is_delivered_by_the_loop_and_dropped_when_forgotten),
	  TEST(stopping_ends_the_run))
