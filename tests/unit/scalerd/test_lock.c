/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scalerd/edge/lock.h"
#include "scalerd/edge/lock_holder.h"
#include "scalerd/edge/loop.h"

enum { CHILDREN_MAX = 4, NEVER_MS = 60000, DEADLINE_MS = 10000 };

struct room {
	char dir[64];
	char database[96];
	char path[128]; /* of the lock file */
	pid_t child[CHILDREN_MAX];
	int nchild;
	struct lock *lock;
};

static int
setup(void **state)
{
	struct room *room = calloc(1, sizeof(*room));

	assert_non_null(room);
	snprintf(room->dir, sizeof(room->dir), "/tmp/gsm-lock-XXXXXX");
	assert_non_null(mkdtemp(room->dir));
	snprintf(room->database, sizeof(room->database), "%s/state.db",
		 room->dir);
	snprintf(room->path, sizeof(room->path), "%s.lock", room->database);
	*state = room;
	return 0;
}

static int
teardown(void **state)
{
	struct room *room = *state;

	for (int i = 0; i < room->nchild; i++) {
		kill(room->child[i], SIGKILL);
		waitpid(room->child[i], NULL, 0);
	}
	lock_release(room->lock);
	unlink(room->path);
	rmdir(room->path);
	rmdir(room->dir);
	free(room);
	return 0;
}

/* ---- processes --------------------------------------------------------- */

enum behaviour {
	HANGS,        /* takes the lock and never beats again */
	HANGS_DEAF,   /* likewise, and ignores SIGTERM */
	BEATS_SLOWLY, /* beats once a second */
	ONLY_LIVES,   /* does not even take the lock */
};

/* What the child does, never returning. */
static void
behave(const struct room *room, enum behaviour behaviour, int ready)
{
	struct lock *lock = NULL;
	struct err err;

	if (behaviour == HANGS_DEAF)
		sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_IGN},
			  NULL);
	if (behaviour != ONLY_LIVES &&
	    lock_take(&lock, room->database, &err) != LOCK_TAKEN)
		_exit(1);
	if (write(ready, "x", 1) != 1)
		_exit(2);
	for (;;) {
		poll(NULL, 0, 1000);
		if (behaviour == BEATS_SLOWLY && !lock_beat(lock, &err))
			_exit(3);
	}
}

static pid_t
start(struct room *room, enum behaviour behaviour)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		behave(room, behaviour, ready[1]);
	assert_true(room->nchild < CHILDREN_MAX);
	room->child[room->nchild++] = pid;
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void
assert_killed_by(pid_t pid, int signo)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signo);
}

static void
assert_alive(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
}

static enum lock_result
take(struct room *room, struct err *err)
{
	return lock_take(&room->lock, room->database, err);
}

static enum lock_result
ensure(struct room *room, int64_t hung_after_ms, struct err *err)
{
	return lock_ensure(&room->lock, room->database, hung_after_ms, err);
}

/* Waits until the recorded beat is that old. */
static void
let_beat_age(const struct room *room, int64_t age_ms)
{
	int64_t deadline_ms = loop_now_ms() + DEADLINE_MS;
	struct lock_holder holder;
	int fd = open(room->path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	do {
		assert_true(loop_now_ms() < deadline_ms);
		assert_true(lock_holder_read(fd, &holder));
		poll(NULL, 0, 5);
	} while (loop_now_ms() - holder.beat_ms < age_ms);
	close(fd);
}

/* ---- taking ------------------------------------------------------------ */

static void
a_free_lock_is_taken_and_the_file_says_by_whom(void **state)
{
	struct room *room = *state;
	char text[256] = "";
	char pid[32];
	struct stat st;
	struct err err;
	int fd;

	umask(022);
	assert_int_equal(take(room, &err), LOCK_TAKEN);
	fd = open(room->path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	snprintf(pid, sizeof(pid), "pid=%ld ", (long)getpid());
	assert_non_null(strstr(text, pid));
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void
a_beat_keeps_the_file_at_one_line_of_the_same_size(void **state)
{
	struct room *room = *state;
	struct stat before, after;
	struct err err;

	assert_int_equal(take(room, &err), LOCK_TAKEN);
	assert_int_equal(stat(room->path, &before), 0);
	for (int i = 0; i < 3; i++)
		assert_true(lock_beat(room->lock, &err));
	assert_int_equal(stat(room->path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
}

static void
a_second_one_is_told_who_holds_it(void **state)
{
	struct room *room = *state;
	pid_t holder = start(room, HANGS);
	char pid[32];
	struct err err = {""};

	assert_int_equal(take(room, &err), LOCK_HELD);
	assert_null(room->lock);
	snprintf(pid, sizeof(pid), "pid %ld,", (long)holder);
	assert_non_null(strstr(err.msg, pid));
	assert_alive(holder);
}

static void
the_lock_of_a_killed_holder_is_free(void **state)
{
	struct room *room = *state;
	struct err err;

	kill(start(room, HANGS), SIGKILL);
	assert_int_equal(take(room, &err), LOCK_TAKEN);
}

static void
a_child_that_is_about_to_exec_is_waited_for(void **state)
{
	struct room *room = *state;
	struct err err;
	pid_t child, holder;
	char byte;
	int ready[2];

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	holder = fork();
	assert_true(holder >= 0);
	if (holder == 0) {
		struct lock *lock;

		if (lock_take(&lock, room->database, &err) != LOCK_TAKEN)
			_exit(1);
		child = fork(); /* shares the lock, as a spawned one does */
		if (child == 0) {
			if (write(ready[1], "x", 1) != 1)
				_exit(2);
			poll(NULL, 0, 300);
			_exit(0);
		}
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	assert_int_equal(take(room, &err), LOCK_TAKEN);
	close(ready[0]);
	close(ready[1]);
}

static void
what_is_no_plain_file_is_not_locked(void **state)
{
	struct room *room = *state;
	struct err err;

	assert_int_equal(symlink("elsewhere", room->path), 0);
	assert_int_equal(take(room, &err), LOCK_FAILED);
	assert_int_equal(unlink(room->path), 0);
	assert_int_equal(mkdir(room->path, 0700), 0);
	assert_int_equal(take(room, &err), LOCK_FAILED);
	assert_int_equal(rmdir(room->path), 0);
	assert_int_equal(mkfifo(room->path, 0600), 0);
	assert_int_equal(take(room, &err), LOCK_FAILED);
	assert_non_null(strstr(err.msg, "not a regular file"));
}

static void
a_missing_directory_is_an_error_that_names_the_file(void **state)
{
	struct room *room = *state;
	struct err err;

	assert_int_equal(lock_take(&room->lock, "/nonexistent/state.db", &err),
			 LOCK_FAILED);
	assert_non_null(strstr(err.msg, "/nonexistent/state.db.lock"));
}

/* ---- holding ----------------------------------------------------------- */

static void
a_removed_file_is_made_and_locked_anew(void **state)
{
	struct room *room = *state;
	struct lock *other = NULL;
	struct err err;

	assert_int_equal(take(room, &err), LOCK_TAKEN);
	assert_int_equal(unlink(room->path), 0);
	assert_true(lock_beat(room->lock, &err));
	assert_int_equal(lock_take(&other, room->database, &err), LOCK_HELD);
}

static void
a_beat_notices_that_another_one_took_over(void **state)
{
	struct room *room = *state;
	struct err err;

	assert_int_equal(take(room, &err), LOCK_TAKEN);
	assert_int_equal(unlink(room->path), 0);
	start(room, HANGS);
	assert_false(lock_beat(room->lock, &err));
	assert_non_null(strstr(err.msg, "another process"));
}

static void
a_beat_that_cannot_be_written_does_not_end_the_holder(void **state)
{
	struct room *room = *state;
	struct err err;

	assert_int_equal(take(room, &err), LOCK_TAKEN);
	assert_int_equal(unlink(room->path), 0);
	assert_int_equal(mkdir(room->path, 0700), 0);
	assert_true(lock_beat(room->lock, &err));
	assert_int_equal(rmdir(room->path), 0);
	assert_true(lock_beat(room->lock, &err));
	assert_int_equal(access(room->path, F_OK), 0);
}

/* ---- ensure ------------------------------------------------------------ */

static void
ensure_takes_a_free_lock(void **state)
{
	struct room *room = *state;
	struct err err;

	assert_int_equal(ensure(room, NEVER_MS, &err), LOCK_TAKEN);
}

static void
ensure_leaves_a_living_holder_alone(void **state)
{
	struct room *room = *state;
	pid_t holder = start(room, HANGS);
	struct err err;

	assert_int_equal(ensure(room, NEVER_MS, &err), LOCK_HELD);
	assert_alive(holder);
}

static void
ensure_gives_a_resumed_holder_time_to_beat(void **state)
{
	struct room *room = *state;
	pid_t holder = start(room, BEATS_SLOWLY);
	struct err err;

	let_beat_age(room, 500);
	assert_int_equal(ensure(room, 500, &err), LOCK_HELD);
	assert_alive(holder);
}

static void
ensure_replaces_a_holder_that_hangs(void **state)
{
	struct room *room = *state;
	pid_t holder = start(room, HANGS);
	struct err err;

	let_beat_age(room, 50);
	assert_int_equal(ensure(room, 50, &err), LOCK_TAKEN);
	assert_killed_by(holder, SIGTERM);
}

static void
ensure_kills_a_stopped_and_deaf_holder(void **state)
{
	struct room *room = *state;
	pid_t holder = start(room, HANGS_DEAF);
	struct err err;

	assert_int_equal(kill(holder, SIGSTOP), 0);
	let_beat_age(room, 50);
	assert_int_equal(ensure(room, 50, &err), LOCK_TAKEN);
	assert_killed_by(holder, SIGKILL);
}

/* Writes the file as if `victim` had taken the lock long ago. */
static void
accuse(const struct room *room, pid_t victim, uint64_t start_offset)
{
	struct lock_holder self = {.pid = victim};
	struct proc_stat stat;
	struct err err;
	int fd = open(room->path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(proc_stat_read(victim, &stat));
	assert_true(proc_boot_id(self.boot_id, &err));
	self.start_ticks = stat.start_ticks + start_offset;
	assert_true(lock_holder_write(fd, &self, &err));
	close(fd);
}

static void
ensure_never_signals_a_process_that_does_not_hold_the_lock(void **state)
{
	struct room *room = *state;
	pid_t victim = start(room, ONLY_LIVES);
	pid_t holder = start(room, HANGS);
	struct err err;

	accuse(room, victim, 0);
	let_beat_age(room, 20);
	assert_int_equal(ensure(room, 20, &err), LOCK_FAILED);
	assert_non_null(strstr(err.msg, "does not hold it"));
	assert_alive(victim);
	assert_alive(holder);
}

static void
ensure_never_signals_a_pid_that_was_used_again(void **state)
{
	struct room *room = *state;
	pid_t holder = start(room, HANGS);
	struct err err;

	accuse(room, holder, 1);
	assert_int_equal(ensure(room, 0, &err), LOCK_HELD);
	assert_alive(holder);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

UNIT_MAIN(TEST(a_free_lock_is_taken_and_the_file_says_by_whom),
	  TEST(a_beat_keeps_the_file_at_one_line_of_the_same_size),
	  TEST(a_second_one_is_told_who_holds_it),
	  TEST(the_lock_of_a_killed_holder_is_free),
	  TEST(a_child_that_is_about_to_exec_is_waited_for),
	  TEST(what_is_no_plain_file_is_not_locked),
	  TEST(a_missing_directory_is_an_error_that_names_the_file),
	  TEST(a_removed_file_is_made_and_locked_anew),
	  TEST(a_beat_notices_that_another_one_took_over),
	  TEST(a_beat_that_cannot_be_written_does_not_end_the_holder),
	  TEST(ensure_takes_a_free_lock),
	  TEST(ensure_leaves_a_living_holder_alone),
	  TEST(ensure_gives_a_resumed_holder_time_to_beat),
	  TEST(ensure_replaces_a_holder_that_hangs),
	  TEST(ensure_kills_a_stopped_and_deaf_holder),
	  TEST(ensure_never_signals_a_process_that_does_not_hold_the_lock),
	  TEST(ensure_never_signals_a_pid_that_was_used_again))
