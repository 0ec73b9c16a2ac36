/* SPDX-License-Identifier: MIT */
/*
 * scalerd: command line, configuration, lock; daemon.c is the rest of its
 * life.
 *
 * Exit codes: 0 ended by a signal, or --ensure and the holder lives; 64 usage;
 * 70 lost the writer's role, or the store is broken; 71 the system refused
 * something; 75 another scalerd holds the lock; 78 configuration.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/log.h"
#include "scalerd/daemon.h"
#include "scalerd/edge/lock.h"
#include "scalerd/options.h"
#include "scalerd/settings.h"

/* A descriptor below 3 that is closed would be the database's next, and
 * whatever is printed would be written into it. */
static bool
fill_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
			return false;
	return true;
}

static int
fail(int code, const char *event, const struct err *err)
{
	log_error(event, LOG_TEXT("error", err->msg));
	return code;
}

static int
run_locked(const struct options *options, const struct settings *settings)
{
	const struct config *config = &settings->config;
	struct lock *lock = NULL;
	struct err err;
	const enum lock_result result =
	    options->ensure ? lock_ensure(&lock, config->database,
					  config->hung_after_ms, &err)
			    : lock_take(&lock, config->database, &err);
	int code;

	if (result == LOCK_HELD && options->ensure)
		return EX_OK;
	settings_log_warnings(settings);
	if (result == LOCK_HELD)
		return fail(EX_TEMPFAIL, "lock_held", &err);
	if (result == LOCK_FAILED)
		return fail(EX_OSERR, "lock_failed", &err);
	code = daemon_run(config, options->config, lock);
	lock_release(lock);
	return code;
}

int
main(int argc, char **argv)
{
	static const struct sigaction ignore = {.sa_handler = SIG_IGN};
	static struct settings settings;
	struct options options;
	struct err err;

	if (!fill_standard_descriptors())
		return EX_OSERR;
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_SHOWN:
		return fflush(stdout) == 0 ? EX_OK : EX_OSERR;
	case OPTIONS_WRONG:
		return EX_USAGE;
	}
	sigaction(SIGPIPE, &ignore, NULL);
	if (!settings_load(&settings, options.config, &err)) {
		settings_log_warnings(&settings);
		return fail(EX_CONFIG, "config_refused", &err);
	}
	log_set_level(settings.config.log_level);
	return run_locked(&options, &settings);
}
