/* SPDX-License-Identifier: MIT */
/*
 * decide [--ms N]
 *
 * What one decision costs for each gameserver, on fleets of 10 to 10,000: the
 * cost must grow linearly. Each fleet is judged for --ms (200); one line of
 * JSON each.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scalerd/core/decide.h"

enum { EXIT_USAGE = 64 };

enum { MS_DEFAULT = 200, MS_MAX = 60000, SERVERS_MAX = 10000, SEATS = 100 };

#define NOW_MS INT64_C(10000000)

static const size_t sizes[] = {10, 100, 1000, SERVERS_MAX};

/* Of each kind: how a gameserver that is the i-th looks. */
struct kind {
	const char *name;
	void (*make)(struct server_view *server, size_t i);
};

/* Nothing to do: all of them serve. */
static void
make_steady(struct server_view *server, size_t i)
{
	server->seats = (int64_t)(i * 37 % SEATS);
}

/* All that can be asked for at once: to be brought back, stopped, replaced;
 * more than fits one decision. */
static void
make_busy(struct server_view *server, size_t i)
{
	static const enum state states[] = {STATE_AVAILABLE, STATE_STANDBY,
					    STATE_STARTING, STATE_STANDBY};

	server->state = states[i % (sizeof(states) / sizeof(states[0]))];
	server->proven = i % 3 == 0;
	server->proof_answers = PROOF_ANSWERS;
	server->host_leaving = i % 11 == 0;
	server->seats = (int64_t)(i * 37 % SEATS);
	if (i % 7 == 0)
		server->health = HEALTH_SUSPECT;
}

static const struct kind kinds[] = {
    {"steady", make_steady},
    {"busy", make_busy},
};

static const struct policy policy = {
    .upscale_margin = 100,
    .downscale_margin = 1000,
    .server_capacity = SEATS,
    .min_servers = 1,
    .max_servers = 2 * SERVERS_MAX,
    .launches_per_turn = 10,
    .launches_per_hour = 1000,
    .scale_down_delay_ms = 60000,
    .dead_after_ms = 600000,
    .panic_launch_interval_ms = 60000,
    .fresh_ms = 60000,
    .health = {.fall = 3, .rise = 2},
};

static int64_t
cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
make_servers(struct server_view *server, size_t n, const struct kind *kind)
{
	for (size_t i = 0; i < n; i++) {
		server[i] = (struct server_view){
		    .id = (int64_t)i + 1,
		    .state = STATE_AVAILABLE,
		    .health = HEALTH_GOOD,
		    .origin = ORIGIN_LAUNCHED,
		    .ours = true,
		    .heard = true,
		    .seats = SEATS,
		    .asked_ms = NOW_MS - 1000,
		};
		kind->make(&server[i], i);
	}
}

static void
measure(struct server_view *server, size_t n, const struct kind *kind,
	int64_t ms)
{
	const struct fleet_view view = {
	    .server = server,
	    .nserver = n,
	    .now_ms = NOW_MS,
	    .listed = true,
	    .settled = true,
	    .surplus_ms = 3600000,
	    .last_launch_ms = INT64_MIN,
	};
	static struct decision decision;
	int64_t began_ns, spent_ns;
	size_t turns = 0;

	make_servers(server, n, kind);
	began_ns = cpu_ns();
	do {
		for (size_t i = 0; i < SERVERS_MAX / n; i++, turns++)
			decide(&view, &policy, &decision);
		spent_ns = cpu_ns() - began_ns;
	} while (spent_ns < ms * 1000000);
	printf("{\"name\": \"decide\", \"fleet\": \"%s\", "
	       "\"gameservers\": %zu, \"ns_per_gameserver\": %.2f, "
	       "\"actions\": %zu}\n",
	       kind->name, n, (double)spent_ns / (double)(turns * n),
	       decision.naction);
}

static bool
parse_ms(int argc, char **argv, long *ms)
{
	char *end;

	if (argc == 1)
		return true;
	if (argc != 3 || strcmp(argv[1], "--ms") != 0)
		return false;
	errno = 0;
	*ms = strtol(argv[2], &end, 10);
	return errno == 0 && *end == '\0' && *ms >= 1 && *ms <= MS_MAX;
}

int
main(int argc, char **argv)
{
	static struct server_view server[SERVERS_MAX];
	long ms = MS_DEFAULT;

	if (!parse_ms(argc, argv, &ms)) {
		fputs("usage: decide [--ms N]\n", stderr);
		return EXIT_USAGE;
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			measure(server, sizes[i], &kinds[k], ms);
	}
	return EXIT_SUCCESS;
}
