/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* accept4 */
#include "fcgi-api/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "fcgi-api/limits.h"

enum { SOCKET_MODE = 0660 };

bool
listener_is_inherited(void)
{
	int listening = 0;
	socklen_t len = sizeof(listening);
	return getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening,
			  &len) == 0 &&
	       listening != 0;
}

/* Removes a socket whose owner has died. */
static bool
remove_stale(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ||
		       err_set(err, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, "%s: exists and is not a socket", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "socket: %s", strerror(errno));
	int rc =
	    connect(fd, (const struct sockaddr *)address, sizeof(*address));
	int why = errno;
	(void)close(fd);
	if (rc == 0 || why != ECONNREFUSED)
		return err_set(err, "%s: in use (%s)", path,
			       rc == 0 ? "somebody answers" : strerror(why));
	if (unlink(path) != 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	return true;
}

static bool
bind_path(struct listener *l, const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, "%s: longer than %zu bytes", path,
			       sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!remove_stale(&address, err))
		return false;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return err_set(err, "socket: %s", strerror(errno));
	/* Nobody can connect before listen(), so the mode is set in time. */
	if (bind(l->fd, (const struct sockaddr *)&address, sizeof(address)) !=
		0 ||
	    chmod(path, SOCKET_MODE) != 0 || stat(path, &st) != 0 ||
	    listen(l->fd, API_BACKLOG) != 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	l->path = path;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return true;
}

bool
listener_open(struct listener *l, const char *path, int stop_fd,
	      struct err *err)
{
	*l = (struct listener){
	    .fd = STDIN_FILENO,
	    .stop_fd = stop_fd,
	    .backoff_ms = ACCEPT_BACKOFF_MIN_MS,
	};
	int rc = pthread_mutex_init(&l->turn, NULL);
	if (rc != 0)
		return err_set(err, "mutex: %s", strerror(rc));
	if (path != NULL && !bind_path(l, path, err))
		return false;
	/* Another process on the same socket may be faster than we are. */
	int flags = fcntl(l->fd, F_GETFL);
	if (flags < 0 || fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return err_set(err, "listener: %s", strerror(errno));
	return true;
}

static bool
is_readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, timeout_ms) > 0;
}

/* Out of files or memory: the same for all threads, so the turn is kept. */
static void
back_off(struct listener *l, int why)
{
	if (!l->failing)
		log_error("accept_failing", LOG_TEXT("error", strerror(why)));
	l->failing = true;
	(void)is_readable(l->stop_fd, l->backoff_ms);
	l->backoff_ms *= 2;
	if (l->backoff_ms > ACCEPT_BACKOFF_MAX_MS)
		l->backoff_ms = ACCEPT_BACKOFF_MAX_MS;
}

static int
accept_now(struct listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= FD_SETSIZE) {
		/* libfcgi would write past the end of its fd_set. */
		(void)close(fd);
		errno = EMFILE;
		fd = -1;
	}
	if (fd < 0)
		return -1;
	if (l->failing)
		log_info("accept_works", LOG_NUM("fd", fd));
	l->failing = false;
	l->backoff_ms = ACCEPT_BACKOFF_MIN_MS;
	return fd;
}

/* Nothing wrong with the listener: try again at once. */
static bool
is_passing(int why)
{
	return why == EAGAIN || why == EINTR || why == ECONNABORTED ||
	       why == EPROTO;
}

/* One attempt, under the turn. False: no more connections. */
static bool
try_accept(struct listener *l, int *fd)
{
	struct pollfd fds[] = {
	    {.fd = l->stop_fd, .events = POLLIN},
	    {.fd = l->fd, .events = POLLIN},
	};
	*fd = -1;
	if (poll(fds, 2, -1) < 0)
		return true; /* EINTR, ENOMEM: again */
	bool stopped = fds[0].revents != 0;
	if (stopped && l->path == NULL)
		return false;
	*fd = accept_now(l);
	if (*fd >= 0)
		return true;
	if (stopped)
		return is_passing(errno) && errno != EAGAIN;
	if (!is_passing(errno))
		back_off(l, errno);
	return true;
}

static bool
set_timeout(int fd, int option, int ms)
{
	struct timeval tv = {
	    .tv_sec = ms / 1000,
	    .tv_usec = ms % 1000 * 1000,
	};
	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) == 0;
}

/* nginx sends at once. Who does not must not keep a thread (libfcgi by itself
 * would wait for 2 s, and then without end for the rest of the request). */
static bool
speaks(int fd)
{
	return is_readable(fd, FIRST_BYTE_MS) &&
	       set_timeout(fd, SO_RCVTIMEO, READ_MAX_MS) &&
	       set_timeout(fd, SO_SNDTIMEO, WRITE_MAX_MS);
}

int
listener_accept(struct listener *l)
{
	for (;;) { /* until a client speaks or the listener is stopped */
		int fd = -1;
		bool more = true;
		(void)pthread_mutex_lock(&l->turn);
		while (more && fd < 0)
			more = try_accept(l, &fd);
		(void)pthread_mutex_unlock(&l->turn);
		if (fd < 0)
			return -1;
		if (speaks(fd))
			return fd;
		(void)close(fd);
	}
}

void
listener_withdraw(struct listener *l)
{
	struct stat st;
	if (l->path == NULL || stat(l->path, &st) != 0 ||
	    st.st_dev != l->device || st.st_ino != l->inode)
		return;
	if (unlink(l->path) != 0)
		log_warn("socket_left", LOG_TEXT("path", l->path),
			 LOG_TEXT("error", strerror(errno)));
}
