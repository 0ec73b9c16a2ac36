/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* environ, close_range, POSIX_SPAWN_SETSID */
#include "scalerd/edge/local_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "scalerd/edge/local_process.h"

enum {
	MARK_COUNT = 4,
	LOG_MODE = 0640,
};

/* ---- the environment --------------------------------------------------- */

/* What a gameserver does not get from scalerd's environment: names that begin
 * with or contain one of these. */
static const char *const withheld_prefixes[] = {"AWS_", "LISTEN_", "WATCHDOG_",
						"NOTIFY_SOCKET="};
static const char *const withheld_parts[] = {"SECRET", "TOKEN",      "PASSWORD",
					     "PASSWD", "CREDENTIAL", "_KEY"};
static const char *const marks[MARK_COUNT] = {
    LOCAL_MARK_FLEET, LOCAL_MARK_OPERATION, LOCAL_MARK_ADDRESS,
    LOCAL_MARK_PORT};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
name_contains(const char *name, size_t length, const char *part)
{
	size_t size = strlen(part);

	for (size_t i = 0; i + size <= length; i++) {
		if (strncasecmp(name + i, part, size) == 0)
			return true;
	}
	return false;
}

static bool
variable_is_withheld(const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (size_t i = 0; i < COUNT(withheld_prefixes); i++) {
		const char *prefix = withheld_prefixes[i];

		if (strncmp(variable, prefix, strlen(prefix)) == 0)
			return true;
	}
	for (size_t i = 0; i < COUNT(withheld_parts); i++) {
		if (name_contains(variable, length, withheld_parts[i]))
			return true;
	}
	for (size_t i = 0; i < MARK_COUNT; i++) {
		if (strlen(marks[i]) == length &&
		    memcmp(variable, marks[i], length) == 0)
			return true;
	}
	return false;
}

static char *
variable_new(const char *name, const char *value)
{
	size_t size = strlen(name) + 1 + strlen(value) + 1;
	char *variable = malloc(size);

	if (variable)
		snprintf(variable, size, "%s=%s", name, value);
	return variable;
}

/* The marks come first, so that they are found in an environment of any size.
 * They are freshly allocated, the rest is scalerd's own. */
static bool
environment_make(const struct local_spawn *spawn, char ***environment)
{
	char port[16];
	const char *values[MARK_COUNT] = {spawn->fleet, spawn->operation,
					  spawn->address, port};
	size_t inherited = 0;
	size_t count = 0;
	char **list;

	snprintf(port, sizeof(port), "%d", spawn->port);
	while (environ && environ[inherited])
		inherited++;
	list = calloc(MARK_COUNT + inherited + 1, sizeof(*list));
	*environment = list;
	if (!list)
		return false;
	for (; count < MARK_COUNT; count++) {
		list[count] = variable_new(marks[count], values[count]);
		if (!list[count])
			return false;
	}
	for (size_t i = 0; i < inherited; i++) {
		if (!variable_is_withheld(environ[i]))
			list[count++] = environ[i];
	}
	return true;
}

static void
environment_free(char **environment)
{
	for (size_t i = 0; environment && i < MARK_COUNT; i++)
		free(environment[i]);
	free(environment);
}

/* ---- the process ------------------------------------------------------- */

static int
attributes_set(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	error = posix_spawnattr_setsigmask(attributes, &none);
	if (!error)
		error = posix_spawnattr_setsigdefault(attributes, &all);
	if (!error)
		error = posix_spawnattr_setflags(
		    attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
				    POSIX_SPAWN_SETSIGDEF);
	return error;
}

static int
actions_set(posix_spawn_file_actions_t *actions, int log_fd)
{
	int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO,
						     "/dev/null", O_RDONLY, 0);

	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, log_fd,
							 STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, log_fd,
							 STDERR_FILENO);
	return error;
}

static int
spawn_with(const struct local_spawn *spawn, char **environment, int log_fd,
	   pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawnattr_init(&attributes);

	if (error)
		return error;
	error = posix_spawn_file_actions_init(&actions);
	if (error)
		goto out;
	error = attributes_set(&attributes);
	if (!error)
		error = actions_set(&actions, log_fd);
	/* Nothing of ours stays open in it, whatever a library opened. Closed
	 * by the exec and not before: up to then the child shares the lock. */
	(void)close_range(STDERR_FILENO + 1, ~0U, (int)CLOSE_RANGE_CLOEXEC);
	if (!error)
		error = posix_spawnp(pid, spawn->argv[0], &actions, &attributes,
				     spawn->argv, environment);
	posix_spawn_file_actions_destroy(&actions);
out:
	posix_spawnattr_destroy(&attributes);
	return error;
}

int
local_spawn(const struct local_spawn *spawn, pid_t *pid)
{
	char **environment = NULL;
	int error = ENOMEM;
	int log_fd;

	log_fd = open(spawn->log_path,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
			  O_NOCTTY,
		      LOG_MODE);
	if (log_fd < 0)
		log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (log_fd < 0)
		return errno;
	if (environment_make(spawn, &environment))
		error = spawn_with(spawn, environment, log_fd, pid);
	environment_free(environment);
	close(log_fd);
	return error;
}
