/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "scalerd/edge/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
set_address(struct notify *notify, const char *path, struct err *err)
{
	const size_t size = strlen(path);

	if ((path[0] != '/' && path[0] != '@') ||
	    size >= sizeof(notify->to.sun_path))
		return err_set(err, "NOTIFY_SOCKET is no socket's path");
	notify->to.sun_family = AF_UNIX;
	memcpy(notify->to.sun_path, path, size);
	/* An abstract name begins with NUL; all of its bytes count. */
	if (path[0] == '@')
		notify->to.sun_path[0] = '\0';
	notify->to_size =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	return true;
}

bool
notify_open(struct notify *notify, struct err *err)
{
	const char *path = getenv("NOTIFY_SOCKET");

	*notify = (struct notify){.fd = -1};
	if (!path)
		return true;
	if (!set_address(notify, path, err))
		return false;
	unsetenv("NOTIFY_SOCKET");
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd < 0)
		return err_set(err, "notify: socket: %s", strerror(errno));
	return true;
}

void
notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

bool
notify_send(const struct notify *notify, const char *state, struct err *err)
{
	if (notify->fd < 0)
		return true;
	if (sendto(notify->fd, state, strlen(state),
		   MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&notify->to, notify->to_size) < 0)
		return err_set(err, "notify: %s", strerror(errno));
	return true;
}
