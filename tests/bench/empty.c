/* SPDX-License-Identifier: MIT */
/*
 * empty --socket PATH
 *
 * What fcgi-api is compared with: its own main loop (serve.c, listener.c) with
 * a handler that does nothing but write one answer, of the same bytes as a
 * granted seat's. It is linked with fcgi-api's library; the functions that are
 * defined here are what serve.c calls beside libfcgi, so the linker takes no
 * exchange.o and no refresher.o from there, and nothing behind them.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fcgi-api/exchange.h"
#include "fcgi-api/serve.h"

enum { EXIT_USAGE = 64, EXIT_OS = 71 };

static const char answer[] =
    "Status: 200 OK\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 36\r\n"
    "Cache-Control: no-store\r\n"
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: X-Gameserver-Source, "
    "X-Gameserver-State-Age, Retry-After\r\n"
    "X-Gameserver-Source: fleet\r\n"
    "\r\n"
    "{\"available\": \"203.0.113.199:27015\"}";

bool
exchange_thread_init(struct exchange_thread *thread, struct api *api,
		     unsigned slot, struct err *err)
{
	(void)err;
	thread->api = api;
	thread->slot = slot;
	return true;
}

void
exchange_run(struct exchange_thread *thread, const struct exchange_port *port)
{
	(void)thread;
	port->write(port->arg, answer, sizeof(answer) - 1);
}

void
refresher_turn(struct refresher *r, struct instant now)
{
	(void)r;
	(void)now;
}

void
refresher_run(struct refresher *r)
{
	(void)r;
	for (;;)
		(void)poll(NULL, 0, -1);
}

int
main(int argc, char **argv)
{
	static struct api api;
	static struct refresher refresher;
	struct err err;
	if (argc != 3 || strcmp(argv[1], "--socket") != 0) {
		fputs("usage: empty --socket PATH\n", stderr);
		return EXIT_USAGE;
	}
	if (!serve_fastcgi(&api, &refresher, argv[2], &err)) {
		(void)fprintf(stderr, "empty: %s\n", err.msg);
		_exit(EXIT_OS);
	}
	_exit(EXIT_SUCCESS); /* as fcgi-api: threads may still run */
}
