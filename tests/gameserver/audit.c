/* SPDX-License-Identifier: MIT */
#include "tests/gameserver/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 256, PATH_SIZE = 4096 };

static void
append(int port, const char *line)
{
	const char *dir = getenv("GAMESERVER_LOG");
	char path[PATH_SIZE];

	if (dir == NULL || dir[0] == '\0')
		return;
	snprintf(path, sizeof(path), "%s/%d-%ld.log", dir, port,
		 (long)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd == -1 || write(fd, line, strlen(line)) == -1)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd != -1)
		close(fd);
}

void
audit_started(int port)
{
	const char *operation = getenv("GAMESERVER_OPERATION");
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "started pid=%ld port=%d operation=%s\n",
		 (long)getpid(), port, operation != NULL ? operation : "");
	append(port, line);
}

void
audit_terminating(int port, int64_t connections)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line),
		 "terminating connections=%" PRId64 " pid=%ld port=%d\n",
		 connections, (long)getpid(), port);
	fputs(line, stderr);
	append(port, line);
}
