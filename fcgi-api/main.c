/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config.h"
#include "common/log.h"
#include "common/version.h"
#include "fcgi-api/cgi.h"
#include "fcgi-api/listener.h"
#include "fcgi-api/serve.h"

/* As in sysexits.h. */
enum { EXIT_USAGE = 64, EXIT_OS = 71, EXIT_CONFIG = 78 };

enum { GO_ON = -1, HEAPS = 2, MMAP_BYTES = 65536 };

static const char usage[] =
    "usage: fcgi-api [--config FILE] [--socket PATH]\n"
    "       fcgi-api --version | --help\n"
    "FastCGI on standard input if that is a listening socket, or on the UNIX\n"
    "socket PATH; otherwise plain CGI.\n";

struct arguments {
	const char *config;
	const char *socket;
};

/* GO_ON, or the exit status. */
static int
parse_arguments(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"socket", required_argument, NULL, 's'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			a->config = optarg;
			break;
		case 's':
			a->socket = optarg;
			break;
		case 'v':
			puts("fcgi-api " GSM_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return GO_ON;
	fputs(usage, stderr);
	return EXIT_USAGE;
}

static void
warn_config(void *arg, const char *text)
{
	(void)arg;
	log_warn("config", LOG_TEXT("warning", text));
}

/* 256 threads that each take a little must not leave 16 heaps behind, and what
 * operators asked for, megabytes, goes back when it is freed. */
static void
save_memory(void)
{
	(void)mallopt(M_ARENA_MAX, HEAPS);
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, MMAP_BYTES);
}

static bool
set_up(struct api *api, const struct config *config, struct err *err)
{
	const char *backup = config->backup_gameserver;
	if (backup[0] != '\0' && !seats_address_valid(backup))
		return err_set(err, "BACKUP_GAMESERVER is not an address: %s",
			       backup);
	api_init(api, config->ledger);
	memcpy(api->backup, backup, strlen(backup) + 1);
	api->started_utc_ms = instant_now().utc_ms;
	return ledger_guard(err);
}

int
main(int argc, char **argv)
{
	/* Static: threads may outlive main. */
	static struct config config;
	static struct api api;
	static struct refresher refresher;
	static char boot_id[BOOT_ID_SIZE];
	struct arguments arguments = {0};
	struct err err;
	int status = parse_arguments(&arguments, argc, argv);
	if (status != GO_ON)
		return status;
	save_memory();
	if (!config_load(&config, CONFIG_FCGI_API, arguments.config,
			 warn_config, NULL, &err) ||
	    !set_up(&api, &config, &err)) {
		log_error("config", LOG_TEXT("error", err.msg));
		return EXIT_CONFIG;
	}
	log_set_level(config.log_level);
	/* Without it the heartbeat is measured with the wall clock. */
	if (!instant_read_boot_id(boot_id, &err))
		log_warn("boot_id", LOG_TEXT("error", err.msg));
	refresher_init(&refresher, &api, config.database, boot_id);
	bool ok;
	bool cgi = arguments.socket == NULL && !listener_is_inherited();
	if (cgi)
		ok = cgi_answer(&api, &refresher, &err);
	else
		ok = serve_fastcgi(&api, &refresher, arguments.socket, &err);
	if (!ok)
		log_error("failed", LOG_TEXT("error", err.msg));
	/* Not exit(): it would free under threads that have not ended. */
	_exit(ok ? EXIT_SUCCESS : EXIT_OS);
}
