/* SPDX-License-Identifier: MIT */
/*
 * What the tests of provider local stand on: fleets of real processes in
 * temporary directories.
 */
#ifndef GSM_TESTS_LOCAL_WORLD_H
#define GSM_TESTS_LOCAL_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/config.h"
#include "scalerd/edge/loop.h"
#include "scalerd/edge/provider_local.h"
#include "tests/unit/scalerd/provider_conformance.h"

enum { LOCAL_WORLD_DEADLINE_MS = 10000, LOCAL_WORLD_OTHERS_MAX = 4 };

/* A fleet in a directory of its own. */
struct local_world {
	char dir[64];
	char mark[160]; /* of the fleet, as a process carries it */
	struct config config;
	struct loop *loop;
	struct conformance *neighbour;       /* a second fleet, NULL: none */
	pid_t other[LOCAL_WORLD_OTHERS_MAX]; /* processes that are not the
						provider's */
	int nother;
};

/* Setup and teardown of a test: *state is the struct conformance of a fleet
 * named test. Whatever runs of it is killed at the end. */
int local_world_setup(void **state);
int local_world_teardown(void **state);
/* A fleet with a directory, a loop and an open provider of its own. */
struct conformance *local_fleet_open(const char *name);
void local_fleet_close(struct conformance *c);
struct local_world *local_world_of(const struct conformance *c);
void local_world_pass(struct conformance *c, int64_t ms);
/* LOCAL_COMMAND of the next launches. */
void local_world_use_command(struct conformance *c, const char *command);
/* The same, a shell script. */
void local_world_use_script(struct conformance *c, const char *script);
/* Launches a script, and waits until it has made the file $ready. */
void local_world_launch_script(struct conformance *c, const char *script,
			       struct gameserver *row);
pid_t local_world_pid_of(const struct gameserver *row);
bool local_world_is_alive(pid_t pid);
/* A process that the test starts itself, on port 19999, with these two marks
 * (`operation` NULL: without one). Returns when it has executed. */
pid_t local_world_start_other(struct local_world *w, const char *fleet,
			      const char *operation);

#endif
