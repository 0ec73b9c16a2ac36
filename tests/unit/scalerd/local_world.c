/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/scalerd/local_world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scalerd/edge/local_process.h"
#include "scalerd/edge/proc.h"
#include "tests/unit/unit.h"

enum { TEXT_SIZE = 512 };

#define PATIENT "/bin/sleep 300"

struct local_world *
local_world_of(const struct conformance *c)
{
	return c->world;
}

static void
open_provider(struct conformance *c)
{
	struct local_world *w = c->world;
	struct err err = {""};

	if (!provider_local_open(&c->port, &w->config, w->loop, &c->sink, &err))
		fail_msg("open: %s", err.msg);
}

static void
close_provider(struct conformance *c)
{
	c->port.close(c->port.self);
}

void
local_world_pass(struct conformance *c, int64_t ms)
{
	struct err err;

	assert_true(loop_turn(local_world_of(c)->loop, ms, &err));
}

struct conformance *
local_fleet_open(const char *name)
{
	struct conformance *c = calloc(1, sizeof(*c));
	struct local_world *w = calloc(1, sizeof(*w));
	struct err err;

	assert_non_null(c);
	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/gsm-local-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->config.fleet_name, sizeof(w->config.fleet_name), "%s",
		 name);
	snprintf(w->config.database, sizeof(w->config.database), "%s/state.db",
		 w->dir);
	snprintf(w->mark, sizeof(w->mark), "%s@%s/state.db", name, w->dir);
	snprintf(w->config.local_command, sizeof(w->config.local_command), "%s",
		 PATIENT);
	snprintf(w->config.local_address, sizeof(w->config.local_address),
		 "127.0.0.1");
	w->config.local_port_first = 20000;
	w->config.local_port_last = 29999;
	w->config.local_stop_timeout_ms = 10000;
	w->config.server_capacity = 10;
	assert_true(loop_open(&w->loop, &err));
	c->world = w;
	c->open = open_provider;
	c->close = close_provider;
	c->pass = local_world_pass;
	conformance_begin(c);
	return c;
}

int
local_world_setup(void **state)
{
	*state = local_fleet_open("test");
	return 0;
}

static void
kill_fleet(const struct local_world *w)
{
	struct local_processes found = {0};
	struct err err;

	/* Again, as what is killed may just have started another one. */
	for (int i = 0; i < 3; i++) {
		if (!local_process_scan(&found, w->mark, &err))
			continue;
		for (size_t j = 0; j < found.count; j++)
			kill(found.process[j].pid, SIGKILL);
	}
	local_processes_free(&found);
}

void
local_fleet_close(struct conformance *c)
{
	static const char *const files[] = {"gameservers.log", "command.sh",
					    "ready"};
	struct local_world *w = c->world;
	char path[128];

	close_provider(c);
	kill_fleet(w);
	for (int i = 0; i < w->nother; i++) {
		/* The loop may have reaped it: the pid may be another's. */
		if (waitpid(w->other[i], NULL, WNOHANG) != 0)
			continue;
		kill(w->other[i], SIGKILL);
		waitpid(w->other[i], NULL, 0);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, files[i]);
		unlink(path);
	}
	rmdir(w->dir);
	loop_close(w->loop);
	free(w);
	free(c);
}

int
local_world_teardown(void **state)
{
	struct conformance *c = *state;

	if (local_world_of(c)->neighbour)
		local_fleet_close(local_world_of(c)->neighbour);
	local_fleet_close(c);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return 0;
}

/* ---- helpers of these tests -------------------------------------------- */

void
local_world_use_command(struct conformance *c, const char *command)
{
	struct local_world *w = c->world;

	snprintf(w->config.local_command, sizeof(w->config.local_command), "%s",
		 command);
	c->port.reconfigure(c->port.self, &w->config);
}

/* The gameserver is a shell script. */
void
local_world_use_script(struct conformance *c, const char *script)
{
	char path[128];
	char command[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/command.sh", local_world_of(c)->dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(script, file);
	fclose(file);
	snprintf(command, sizeof(command), "/bin/sh %s", path);
	local_world_use_command(c, command);
}

pid_t
local_world_pid_of(const struct gameserver *row)
{
	return (pid_t)strtol(row->ref, NULL, 10);
}

bool
local_world_is_alive(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) && !stat.ended;
}

/* A process that this test starts itself, with these two marks. */
pid_t
local_world_start_other(struct local_world *w, const char *fleet,
			const char *operation)
{
	char fleet_variable[256];
	char operation_variable[128];
	char address[] = LOCAL_MARK_ADDRESS "=127.0.0.1";
	char port[] = LOCAL_MARK_PORT "=19999";
	char program[] = "/bin/sleep";
	char argument[] = "300";
	char *argv[] = {program, argument, NULL};
	char *envp[] = {fleet_variable, address, port, operation_variable,
			NULL};
	int ready[2];
	char byte;
	pid_t pid;

	snprintf(fleet_variable, sizeof(fleet_variable), "%s=%s",
		 LOCAL_MARK_FLEET, fleet);
	snprintf(operation_variable, sizeof(operation_variable), "%s=%s",
		 LOCAL_MARK_OPERATION, operation ? operation : "");
	if (!operation)
		envp[3] = NULL;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execve(program, argv, envp);
		_exit(127);
	}
	assert_true(w->nother < LOCAL_WORLD_OTHERS_MAX);
	w->other[w->nother++] = pid;
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0); /* it has executed */
	close(ready[0]);
	return pid;
}

/* Launches a script that makes the file $ready when it has begun. */
void
local_world_launch_script(struct conformance *c, const char *script,
			  struct gameserver *row)
{
	int64_t deadline_ms = loop_now_ms() + LOCAL_WORLD_DEADLINE_MS;
	struct operation operation;
	char path[128];
	char text[TEXT_SIZE];

	snprintf(path, sizeof(path), "%s/ready", local_world_of(c)->dir);
	snprintf(text, sizeof(text), "ready=%s\n%s", path, script);
	local_world_use_script(c, text);
	conformance_launch(c, &operation, row);
	while (access(path, F_OK) != 0) {
		assert_true(loop_now_ms() < deadline_ms);
		local_world_pass(c, 10);
	}
}
