/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* pidfd_open */
#include "scalerd/edge/lock_holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "scalerd/edge/loop.h"

enum {
	RECORD_SIZE = 192,  /* bytes of the line, with NUL */
	LOOK_FOR_MS = 2000, /* time for a resumed holder to beat */
	LOOK_AGAIN_MS = 50,
	HOLDER_FD_MAX = 4096, /* descriptors of a holder looked at */
};

bool
lock_holder_self(struct lock_holder *self, struct err *err)
{
	struct proc_stat stat;

	if (!proc_boot_id(self->boot_id, err))
		return false;
	self->pid = getpid();
	if (!proc_stat_read(self->pid, &stat))
		return err_set(err, "lock: /proc/self can't be read");
	self->start_ticks = stat.start_ticks;
	return true;
}

bool
lock_holder_write(int fd, const struct lock_holder *self, struct err *err)
{
	char line[RECORD_SIZE];
	char utc[32] = "";
	time_t now = time(NULL);
	struct tm tm;
	int size;

	if (gmtime_r(&now, &tm))
		strftime(utc, sizeof(utc), "%Y-%m-%dT%H:%M:%SZ", &tm);
	/* Fixed width: a beat overwrites the last one in place. */
	size = snprintf(line, sizeof(line),
			"pid=%-10ld start=%-20" PRIu64
			" boot=%-36s beat_ms=%-19" PRId64 " beat=%-20s\n",
			(long)self->pid, self->start_ticks, self->boot_id,
			loop_now_ms(), utc);
	if (pwrite(fd, line, (size_t)size, 0) != size)
		return err_set(err, "lock file: %s", strerror(errno));
	return true;
}

/* The value of key in line, or NULL. */
static const char *
record_value(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? at + strlen(key) : NULL;
}

/* False: the file holds no record (it is new, or another program's). */
static bool
record_parse(const char *line, struct lock_holder *holder)
{
	const char *pid = record_value(line, "pid=");
	const char *start = record_value(line, " start=");
	const char *boot = record_value(line, " boot=");
	const char *beat_ms = record_value(line, " beat_ms=");
	const char *beat = record_value(line, " beat=");

	if (!pid || !start || !boot || !beat_ms || !beat)
		return false;
	holder->pid = (pid_t)strtol(pid, NULL, 10);
	holder->start_ticks = strtoull(start, NULL, 10);
	holder->beat_ms = strtoll(beat_ms, NULL, 10);
	snprintf(holder->boot_id, sizeof(holder->boot_id), "%s", boot);
	snprintf(holder->beat_utc, sizeof(holder->beat_utc), "%.*s",
		 (int)strcspn(beat, " \n"), beat);
	return holder->pid > 0;
}

bool
lock_holder_read(int fd, struct lock_holder *holder)
{
	char boot_id[PROC_BOOT_ID_SIZE];
	struct err ignored; /* an unknown boot only means: nobody known */
	char line[RECORD_SIZE];
	ssize_t size = pread(fd, line, sizeof(line) - 1, 0);

	*holder = (struct lock_holder){0};
	if (size > 0) {
		line[size] = '\0';
		if (record_parse(line, holder) &&
		    proc_boot_id(boot_id, &ignored) &&
		    strcmp(boot_id, holder->boot_id) == 0 &&
		    proc_is_alive(holder->pid, holder->start_ticks))
			return true;
	}
	holder->pid = 0;
	return false;
}

bool
lock_holder_hangs(int fd, struct lock_holder *holder, int64_t hung_after_ms)
{
	const struct timespec again = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
	int64_t look_until_ms = loop_now_ms() + LOOK_FOR_MS;

	for (;;) {
		int64_t now_ms = loop_now_ms();

		if (!lock_holder_read(fd, holder) ||
		    now_ms - holder->beat_ms < hung_after_ms)
			return false;
		if (now_ms >= look_until_ms)
			return true;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &again, NULL);
	}
}

/* ---- ending it --------------------------------------------------------- */

/* Whether descriptor `name` of the process is one that holds a flock. */
static bool
descriptor_is_locked(pid_t pid, const char *name)
{
	char path[64];
	char info[512] = "";
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/fdinfo/%.10s", (long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = read(fd, info, sizeof(info) - 1);
	close(fd);
	return size > 0 && strstr(info, "FLOCK") != NULL;
}

static bool
process_holds_lock(pid_t pid, const struct stat *file)
{
	char path[64];
	bool holds = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	for (int i = 0; i < HOLDER_FD_MAX && !holds; i++) {
		const struct dirent *entry = readdir(dir);
		struct stat st;

		if (!entry)
			break;
		holds = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			st.st_dev == file->st_dev &&
			st.st_ino == file->st_ino &&
			descriptor_is_locked(pid, entry->d_name);
	}
	closedir(dir);
	return holds;
}

static bool
wait_for_end(int pidfd)
{
	int64_t end_ms = loop_now_ms() + LOCK_END_WAIT_MS;

	for (;;) {
		struct pollfd wait = {.fd = pidfd, .events = POLLIN};
		int64_t left_ms = end_ms - loop_now_ms();

		if (left_ms < 0)
			left_ms = 0;
		if (poll(&wait, 1, (int)left_ms) > 0)
			return true;
		if (left_ms == 0)
			return false;
	}
}

/* Signals what pidfd names until it is gone. */
static bool
process_end(int pidfd, const struct lock_holder *holder, struct err *err)
{
	static const struct {
		int signo;
		const char *name;
	} signals[] = {{SIGTERM, "TERM"}, {SIGKILL, "KILL"}};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		log_warn("hung_scalerd_signalled", LOG_NUM("pid", holder->pid),
			 LOG_TEXT("signal", signals[i].name),
			 LOG_NUM("silent_ms", loop_now_ms() - holder->beat_ms));
		if (pidfd_send_signal(pidfd, signals[i].signo, NULL, 0) < 0 &&
		    errno != ESRCH)
			return err_set(
			    err,
			    "the lock's holder, pid %ld, can't be signalled: "
			    "%s",
			    (long)holder->pid, strerror(errno));
		if (wait_for_end(pidfd))
			return true;
	}
	return err_set(err, "the lock's holder, pid %ld, does not end",
		       (long)holder->pid);
}

bool
lock_holder_end(int fd, const struct lock_holder *holder, struct err *err)
{
	struct stat file;
	int pidfd;
	bool ended;

	if (fstat(fd, &file) < 0)
		return err_set(err, "lock file: %s", strerror(errno));
	/* From here on a pid that is used again can't be hit: the descriptor
	 * names one process, which is looked at before it is signalled. */
	pidfd = pidfd_open(holder->pid, 0);
	if (pidfd < 0)
		return errno == ESRCH ||
		       err_set(err,
			       "the lock's holder, pid %ld: pidfd_open: %s",
			       (long)holder->pid, strerror(errno));
	if (!proc_is_alive(holder->pid, holder->start_ticks))
		ended = true;
	else if (!process_holds_lock(holder->pid, &file))
		ended = err_set(
		    err,
		    "pid %ld is recorded as the lock's holder but does not "
		    "hold it",
		    (long)holder->pid);
	else
		ended = process_end(pidfd, holder, err);
	close(pidfd);
	return ended;
}
