/* SPDX-License-Identifier: MIT */
#include "fcgi-api/cgi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fcgi-api/exchange.h"

static const char *
cgi_variable(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static void
cgi_write(void *arg, const char *bytes, size_t len)
{
	(void)arg;
	/* stdio remembers a failure until fflush and ferror below. */
	(void)fwrite(bytes, 1, len, stdout);
}

bool
cgi_answer(struct api *api, struct refresher *refresher, struct err *err)
{
	struct exchange_thread thread;
	const struct exchange_port port = {
	    .variable = cgi_variable,
	    .write = cgi_write,
	};
	if (!exchange_thread_init(&thread, api, 0, err))
		return false;
	/* There is no refresher to ask later. */
	const char *listener = getenv("LISTENER");
	if (listener != NULL && strcmp(listener, "operators") == 0)
		atomic_store(&api->reports.wanted, true);
	refresher_turn(refresher, instant_now());
	exchange_run(&thread, &port);
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_set(err, "standard output: %s", strerror(errno));
	return true;
}
