/* SPDX-License-Identifier: MIT */
/*
 * The reference gameserver: speaks the protocol of the real one, small enough
 * to run hundreds of, and misbehaves when told to.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/gameserver/audit.h"
#include "tests/gameserver/server.h"

enum {
	EXIT_USAGE = 64,
	CAPACITY_DEFAULT = 1000,
	CAPACITY_MAX = 1000000,
	PORT_MAX = 65535,
};

static void
print_usage(FILE *to)
{
	fputs("usage: gameserver [--address A] [--port P] [--capacity N]\n"
	      "                  [--misbehave KIND[=VALUE]]\n"
	      "Defaults: GAMESERVER_ADDRESS or 127.0.0.1, GAMESERVER_PORT or\n"
	      "0 (any), SERVER_CAPACITY or 1000. KIND is one of\n",
	      to);
	misbehave_print_kinds(to);
}

static bool
parse_number(const char *text, int64_t max, int64_t *number)
{
	char *end = NULL;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || value < 0 ||
	    value > max)
		return false;
	*number = value;
	return true;
}

static bool
set_option(struct server *server, int option, const char *text)
{
	int64_t number = 0;
	size_t size = strlen(text);

	switch (option) {
	case 'a':
		if (size >= sizeof(server->address))
			return false;
		memcpy(server->address, text, size + 1);
		return true;
	case 'p':
		if (!parse_number(text, PORT_MAX, &number))
			return false;
		server->port = (int)number;
		return true;
	case 'c':
		return parse_number(text, CAPACITY_MAX, &server->site.capacity);
	default:
		return misbehave_parse(text, &server->site.misbehave);
	}
}

static bool
take_environment(struct server *server)
{
	static const struct {
		const char *name;
		int option;
	} variables[] = {
	    {"GAMESERVER_ADDRESS", 'a'},
	    {"GAMESERVER_PORT", 'p'},
	    {"SERVER_CAPACITY", 'c'},
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *text = getenv(variables[i].name);
		if (text == NULL ||
		    set_option(server, variables[i].option, text))
			continue;
		fprintf(stderr, "gameserver: bad %s: %s\n", variables[i].name,
			text);
		return false;
	}
	return true;
}

/* Without this a socket could become descriptor 1 or 2 of a process that was
 * started without them, and receive what is printed. */
static bool
fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd != -1 && fd <= STDERR_FILENO);
	return fd != -1 && close(fd) == 0;
}

static int
serve(struct server *server)
{
	int status = EXIT_FAILURE;
	bool v6 = strchr(server->address, ':') != NULL;

	if (!server_open(server)) {
		fprintf(stderr, "gameserver: can't listen on %s, port %d: %s\n",
			server->address, server->port, strerror(errno));
		goto out;
	}
	audit_started(server->port);
	printf("listening %s%s%s:%d\n", v6 ? "[" : "", server->address,
	       v6 ? "]" : "", server->port);
	fflush(stdout);
	if (!server_run(server)) {
		fprintf(stderr, "gameserver: %s\n", strerror(errno));
		goto out;
	}
	status = EXIT_SUCCESS;
out:
	server_close(server);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"address", required_argument, NULL, 'a'},
	    {"port", required_argument, NULL, 'p'},
	    {"capacity", required_argument, NULL, 'c'},
	    {"misbehave", required_argument, NULL, 'm'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	static struct server server = {.address = "127.0.0.1",
				       .site.capacity = CAPACITY_DEFAULT};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	int option;

	if (!fill_standard_descriptors() ||
	    sigaction(SIGPIPE, &ignore, NULL) == -1)
		return EXIT_FAILURE;
	if (!take_environment(&server))
		return EXIT_USAGE;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			print_usage(stdout);
			return EXIT_SUCCESS;
		}
		if (option == '?' || !set_option(&server, option, optarg)) {
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (server.site.misbehave.kind == MISBEHAVE_REFUSE_START) {
		audit_started(server.port);
		return EXIT_FAILURE;
	}
	return serve(&server);
}
