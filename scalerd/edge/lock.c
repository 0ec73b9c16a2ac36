/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* flock */
#include "scalerd/edge/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/config.h"
#include "common/log.h"
#include "scalerd/edge/lock_holder.h"
#include "scalerd/edge/loop.h"

enum {
	LOCK_PATH_SIZE = CONFIG_TEXT_SIZE + sizeof(".lock"),
	LOCK_FILE_MODE = 0640,
	LOCK_TRY_FOR_MS = 1000,      /* while nobody alive is known to hold it:
					a child of a dead holder may be about
					to exec */
	LOCK_TRY_ALIVE_FOR_MS = 300, /* a holder that was just killed */
	LOCK_TRY_AGAIN_MS = 20,
	LOCK_REOPEN_MAX = 10, /* times that the file may vanish under us */
};

struct lock {
	int fd; /* -1: none */
	char path[LOCK_PATH_SIZE];
	dev_t dev;
	ino_t ino;
	struct lock_holder self;
	bool troubled; /* a failed beat was logged */
};

static struct lock *
lock_new(const char *database, struct err *err)
{
	struct lock *lock = calloc(1, sizeof(*lock));
	int size;

	if (!lock) {
		err_set(err, "lock: out of memory");
		return NULL;
	}
	lock->fd = -1;
	size = snprintf(lock->path, sizeof(lock->path), "%s.lock", database);
	if (size < 0 || (size_t)size >= sizeof(lock->path)) {
		err_set(err, "lock: the database's path is too long");
		goto fail;
	}
	if (!lock_holder_self(&lock->self, err))
		goto fail;
	return lock;
fail:
	free(lock);
	return NULL;
}

/* ---- taking ------------------------------------------------------------ */

static void
lock_close(struct lock *lock)
{
	if (lock->fd >= 0)
		close(lock->fd);
	lock->fd = -1;
}

static bool
lock_open_file(struct lock *lock, struct err *err)
{
	struct stat st;

	lock->fd = open(lock->path,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			LOCK_FILE_MODE);
	if (lock->fd < 0)
		return err_set(err, "DATABASE: lock file %s: %s", lock->path,
			       strerror(errno));
	if (fstat(lock->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		lock_close(lock);
		return err_set(err, "lock file %s: not a regular file",
			       lock->path);
	}
	lock->dev = st.st_dev;
	lock->ino = st.st_ino;
	return true;
}

static bool
path_leads_to_lock(const struct lock *lock)
{
	struct stat st;

	return lstat(lock->path, &st) == 0 && st.st_dev == lock->dev &&
	       st.st_ino == lock->ino;
}

/* Tries once. The file stays open when it is held, too. */
static enum lock_result
lock_try(struct lock *lock, struct err *err)
{
	for (int i = 0; i < LOCK_REOPEN_MAX; i++) {
		lock_close(lock);
		if (!lock_open_file(lock, err))
			return LOCK_FAILED;
		if (flock(lock->fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno == EWOULDBLOCK)
				return LOCK_HELD;
			err_set(err, "DATABASE: lock file %s: %s", lock->path,
				strerror(errno));
			return LOCK_FAILED;
		}
		/* Removed between open and flock: the next one to come would
		 * lock another file. */
		if (path_leads_to_lock(lock))
			return lock_holder_write(lock->fd, &lock->self, err)
				   ? LOCK_TAKEN
				   : LOCK_FAILED;
	}
	err_set(err, "lock file %s: is removed again and again", lock->path);
	return LOCK_FAILED;
}

static void
describe_holder(const struct lock *lock, const struct lock_holder *holder,
		struct err *err)
{
	err_set(err,
		"%s: held by scalerd, pid %ld, whose loop last turned at %s, "
		"%" PRId64 " s ago",
		lock->path, (long)holder->pid, holder->beat_utc,
		(loop_now_ms() - holder->beat_ms) / 1000);
}

/* Tries until it is taken or it is clear that somebody holds it: *holder. */
static enum lock_result
lock_try_for_a_while(struct lock *lock, struct lock_holder *holder,
		     struct err *err)
{
	const struct timespec again = {.tv_nsec = LOCK_TRY_AGAIN_MS * 1000000L};
	int64_t begin_ms = loop_now_ms();

	for (;;) {
		enum lock_result result = lock_try(lock, err);
		int64_t try_for_ms;

		if (result != LOCK_HELD)
			return result;
		if (lock_holder_read(lock->fd, holder)) {
			try_for_ms = LOCK_TRY_ALIVE_FOR_MS;
			describe_holder(lock, holder, err);
		} else {
			try_for_ms = LOCK_TRY_FOR_MS;
			err_set(
			    err,
			    "%s: held, but not by the process that it names",
			    lock->path);
		}
		if (loop_now_ms() - begin_ms >= try_for_ms)
			return LOCK_HELD;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &again, NULL);
	}
}

/* Hands out what was taken, or frees what `result` left. */
static enum lock_result
lock_finish(struct lock *lock, enum lock_result result, struct lock **out)
{
	if (result == LOCK_TAKEN)
		*out = lock;
	else
		lock_release(lock);
	return result;
}

enum lock_result
lock_take(struct lock **out, const char *database, struct err *err)
{
	struct lock *lock = lock_new(database, err);
	struct lock_holder holder;

	if (!lock)
		return LOCK_FAILED;
	return lock_finish(lock, lock_try_for_a_while(lock, &holder, err), out);
}

enum lock_result
lock_ensure(struct lock **out, const char *database, int64_t hung_after_ms,
	    struct err *err)
{
	struct lock *lock = lock_new(database, err);
	struct lock_holder holder;
	enum lock_result result;

	if (!lock)
		return LOCK_FAILED;
	result = lock_try_for_a_while(lock, &holder, err);
	if (result == LOCK_HELD && holder.pid > 0 &&
	    lock_holder_hangs(lock->fd, &holder, hung_after_ms)) {
		if (lock_holder_end(lock->fd, &holder, err))
			result = lock_try_for_a_while(lock, &holder, err);
		else
			result = LOCK_FAILED;
	}
	return lock_finish(lock, result, out);
}

/* ---- holding ----------------------------------------------------------- */

/* The path leads elsewhere: locks what is there, so that the next one to come
 * finds it held. */
static enum lock_result
lock_move(struct lock *lock, struct err *err)
{
	struct lock next = *lock;
	enum lock_result result;

	next.fd = -1;
	result = lock_try(&next, err);
	if (result == LOCK_TAKEN) {
		lock_close(lock);
		*lock = next;
		return result;
	}
	lock_close(&next);
	if (result == LOCK_HELD)
		err_set(err,
			"%s was removed and another process has locked its "
			"successor",
			lock->path);
	return result;
}

bool
lock_beat(struct lock *lock, struct err *err)
{
	enum lock_result result;

	if (!path_leads_to_lock(lock))
		result = lock_move(lock, err);
	else
		result = lock_holder_write(lock->fd, &lock->self, err)
			     ? LOCK_TAKEN
			     : LOCK_FAILED;
	/* Failed: the file that was opened is still ours, and the database has
	 * a fence of its own. A full disk or a missing directory must not end
	 * the fleet's manager. */
	if (result == LOCK_FAILED && !lock->troubled)
		log_warn("lock_beat_failed", LOG_TEXT("error", err->msg));
	lock->troubled = result == LOCK_FAILED;
	return result != LOCK_HELD;
}

void
lock_release(struct lock *lock)
{
	if (!lock)
		return;
	/* Not LOCK_UN: a child that is about to exec shares the lock and must
	 * keep it until its program runs. */
	lock_close(lock);
	free(lock);
}
