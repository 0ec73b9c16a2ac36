/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scalerd/edge/local_process.h"
#include "scalerd/edge/proc.h"
#include "tests/unit/scalerd/local_world.h"

enum { TEXT_MAX = 65536 };

static size_t
read_proc(pid_t pid, const char *name, char text[TEXT_MAX])
{
	char path[64];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	size = read(fd, text, TEXT_MAX - 1);
	assert_true(size >= 0);
	close(fd);
	text[size] = '\0';
	return (size_t)size;
}

/* Whether the environment has the entry, exactly. */
static bool
has_variable(pid_t pid, const char *entry)
{
	static char text[TEXT_MAX];
	size_t size = read_proc(pid, "environ", text);

	for (const char *at = text; at < text + size; at += strlen(at) + 1) {
		if (strcmp(at, entry) == 0)
			return true;
	}
	return false;
}

/* ---- launching --------------------------------------------------------- */

static void
a_gameserver_has_its_marks_a_session_and_its_address(void **state)
{
	struct conformance *c = *state;
	struct operation operation;
	struct gameserver row;
	struct proc_stat stat;
	char text[256];

	conformance_launch(c, &operation, &row);
	assert_true(proc_stat_read(local_world_pid_of(&row), &stat));
	assert_int_equal(stat.session, local_world_pid_of(&row));
	snprintf(text, sizeof(text), "GAMESERVER_FLEET=%s",
		 local_world_of(c)->mark);
	assert_true(has_variable(local_world_pid_of(&row), text));
	snprintf(text, sizeof(text), "GAMESERVER_OPERATION=%s", operation.id);
	assert_true(has_variable(local_world_pid_of(&row), text));
	assert_true(has_variable(local_world_pid_of(&row),
				 "GAMESERVER_ADDRESS=127.0.0.1"));
	snprintf(text, sizeof(text), "127.0.0.1:%d", row.port);
	assert_string_equal(row.address, text);
	snprintf(text, sizeof(text), "%ld:%" PRIu64,
		 (long)local_world_pid_of(&row), stat.start_ticks);
	assert_string_equal(row.ref, text);
}

static void
its_environment_holds_no_secret_but_the_rest(void **state)
{
	struct conformance *c = *state;
	struct operation operation;
	struct gameserver row;
	pid_t pid;

	setenv("SECRET_KEY", "lol", 1);
	setenv("AWS_SESSION_TOKEN", "a", 1);
	setenv("AWS_REGION", "b", 1);
	setenv("db_password", "c", 1);
	setenv("NOTIFY_SOCKET", "d", 1);
	setenv("GAMESERVER_OPERATION", "inherited", 1);
	setenv("SERVER_CAPACITY", "7", 1);
	conformance_launch(c, &operation, &row);
	unsetenv("GAMESERVER_OPERATION");
	pid = local_world_pid_of(&row);
	assert_false(has_variable(pid, "SECRET_KEY=lol"));
	assert_false(has_variable(pid, "AWS_SESSION_TOKEN=a"));
	assert_false(has_variable(pid, "AWS_REGION=b"));
	assert_false(has_variable(pid, "db_password=c"));
	assert_false(has_variable(pid, "NOTIFY_SOCKET=d"));
	assert_false(has_variable(pid, "GAMESERVER_OPERATION=inherited"));
	assert_true(has_variable(pid, "SERVER_CAPACITY=7"));
}

static void
it_starts_with_default_signals_and_no_descriptor_of_ours(void **state)
{
	static char text[TEXT_MAX];
	struct conformance *c = *state;
	struct operation operation;
	struct gameserver row;
	int leaky = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	const char *ignored;
	char path[64];

	assert_true(leaky > STDERR_FILENO);
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	conformance_launch(c, &operation, &row);
	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	read_proc(local_world_pid_of(&row), "status", text);
	assert_non_null(strstr(text, "SigBlk:\t0000000000000000"));
	ignored = strstr(text, "SigIgn:");
	assert_non_null(ignored);
	/* glibc ignores two of its own in what it spawns: 32 and 33. */
	assert_int_equal(
	    strtoull(ignored + strlen("SigIgn:"), NULL, 16) & 0x7fffffff, 0);
	snprintf(path, sizeof(path), "/proc/%ld/fd/%d",
		 (long)local_world_pid_of(&row), leaky);
	assert_int_not_equal(access(path, F_OK), 0);
	close(leaky);
}

static void
its_output_goes_to_a_file_beside_the_database(void **state)
{
	static char text[TEXT_MAX];
	struct conformance *c = *state;
	int64_t deadline_ms = loop_now_ms() + LOCAL_WORLD_DEADLINE_MS;
	struct operation operation;
	struct gameserver row;
	char path[128];
	FILE *file;

	local_world_use_script(c, "echo said; echo also >&2; exec sleep 300\n");
	conformance_launch(c, &operation, &row);
	snprintf(path, sizeof(path), "%s/gameservers.log",
		 local_world_of(c)->dir);
	do {
		assert_true(loop_now_ms() < deadline_ms);
		file = fopen(path, "re");
		assert_non_null(file);
		text[fread(text, 1, TEXT_MAX - 1, file)] = '\0';
		fclose(file);
	} while (strcmp(text, "said\nalso\n") != 0);
}

static void
the_command_is_filled_in_and_split_into_words(void **state)
{
	static char text[TEXT_MAX];
	struct conformance *c = *state;
	struct operation operation;
	char port[32];
	int64_t first = local_world_of(c)->config.local_port_first;

	local_world_of(c)->config.local_port_last = first;
	local_world_use_command(
	    c, " prog  a={address} \t{port}{port} {capacity} {port $x");
	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	snprintf(port, sizeof(port), "%d%d", (int)first, (int)first);
	snprintf(text, sizeof(text),
		 "{\"address\":\"127.0.0.1\",\"port\":%d,\"argv\":[\"prog\","
		 "\"a=127.0.0.1\",\"%s\",\"10\",\"{port\",\"$x\"]}",
		 (int)first, port);
	assert_string_equal(operation.request, text);
	assert_string_equal(operation.phase, "spawn");
}

static void
without_a_command_it_is_the_gameserver_beside_the_program(void **state)
{
	struct conformance *c = *state;
	struct operation operation;
	char path[4096];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(size > 0);
	path[size] = '\0';
	*strrchr(path, '/') = '\0';
	local_world_use_command(c, "");
	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	assert_non_null(strstr(operation.request, path));
	assert_non_null(
	    strstr(operation.request,
		   "/gameserver\",\"--address\",\"127.0.0.1\",\"--port\",\""));
	assert_non_null(strstr(operation.request, "\"--capacity\",\"10\"]"));
}

static void
a_command_that_does_not_exist_is_refused_by_name(void **state)
{
	struct conformance *c = *state;
	struct operation operation;

	local_world_use_command(c, "/nonexistent/gameserver {port}");
	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_REFUSED);
	assert_non_null(strstr(c->step[0].detail,
			       "LOCAL_COMMAND: /nonexistent/gameserver"));
	assert_non_null(strstr(c->step[0].detail, "No such file"));
	local_world_use_command(c, "/dev/null");
	conformance_prepare(c, OP_LAUNCH, NULL, &operation);
	assert_int_equal(conformance_finish(c, &operation), STEP_REFUSED);
}

static void
a_record_that_cannot_be_read_is_refused(void **state)
{
	static const char *const requests[] = {
	    "",
	    "{",
	    "[]",
	    "{}",
	    "{\"address\":\"127.0.0.1\",\"port\":70000,\"argv\":[\"true\"]}",
	    "{\"address\":\"127.0.0.1\",\"port\":7000,\"argv\":[]}",
	    "{\"address\":\"127.0.0.1\",\"port\":7000,\"argv\":[null]}"};
	struct conformance *c = *state;
	struct operation operation;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		conformance_prepare(c, OP_LAUNCH, NULL, &operation);
		snprintf(operation.request, sizeof(operation.request), "%s",
			 requests[i]);
		assert_int_equal(conformance_finish(c, &operation),
				 STEP_REFUSED);
	}
	conformance_list(c);
	assert_int_equal(c->listing.nsighting, 0);
}

/* ---- ports ------------------------------------------------------------- */

static int
listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, 1) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Two neighbouring ports, of which the first is listened on. */
static int
listen_beside_a_free_port(int *port)
{
	for (*port = 30000 + (int)(getpid() % 1000) * 20; *port < 65000;
	     (*port)++) {
		int fd = listen_on(*port);
		int next = listen_on(*port + 1);

		if (next >= 0)
			close(next);
		if (fd >= 0 && next >= 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	fail_msg("no two free ports");
	return -1;
}

static void
a_port_that_is_used_or_promised_is_not_given(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	struct gameserver row = {.id = 1};
	struct operation operation = {.kind = OP_LAUNCH, .id = "1"};
	struct err err;
	char member[32];
	int port;
	int fd = listen_beside_a_free_port(&port);

	w->config.local_port_first = port;
	w->config.local_port_last = port + 1;
	c->port.reconfigure(c->port.self, &w->config);
	assert_true(c->port.prepare(c->port.self, &row, &operation, &err));
	snprintf(member, sizeof(member), "\"port\":%d,", port + 1);
	assert_non_null(strstr(operation.request, member));
	assert_false(c->port.prepare(c->port.self, &row, &operation, &err));
	assert_non_null(strstr(err.msg, "no port is free"));
	assert_non_null(strstr(err.msg, "LOCAL_PORTS"));
	close(fd);
}

static void
a_port_of_a_gameserver_that_does_not_listen_yet_is_not_given(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	struct gameserver row = {.id = 1};
	struct operation operation = {.kind = OP_LAUNCH, .id = "1"};
	struct err err;

	local_world_start_other(w, w->mark, "aaaa"); /* on port 19999 */
	w->config.local_port_first = w->config.local_port_last = 19999;
	c->port.reconfigure(c->port.self, &w->config);
	conformance_list(c);
	assert_false(c->port.prepare(c->port.self, &row, &operation, &err));
}

static void
an_address_of_another_machine_is_an_error_that_names_it(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	struct gameserver row = {.id = 1};
	struct operation operation = {.kind = OP_LAUNCH, .id = "1"};
	struct err err;

	snprintf(w->config.local_address, sizeof(w->config.local_address),
		 "192.0.2.1");
	c->port.reconfigure(c->port.self, &w->config);
	assert_false(c->port.prepare(c->port.self, &row, &operation, &err));
	assert_non_null(strstr(err.msg, "LOCAL_ADDRESS=192.0.2.1"));
}

static void
an_ipv6_address_is_written_in_brackets(void **state)
{
	struct conformance *c = *state;
	struct local_world *w = local_world_of(c);
	struct operation operation;
	struct gameserver row;
	char address[64];

	if (access("/proc/net/if_inet6", F_OK) != 0)
		skip();
	snprintf(w->config.local_address, sizeof(w->config.local_address),
		 "::1");
	c->port.reconfigure(c->port.self, &w->config);
	conformance_launch(c, &operation, &row);
	snprintf(address, sizeof(address), "[::1]:%d", row.port);
	assert_string_equal(row.address, address);
	assert_string_equal(row.ip, "::1");
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, local_world_setup,                  \
					local_world_teardown)

UNIT_MAIN(TEST(a_gameserver_has_its_marks_a_session_and_its_address),
	  TEST(its_environment_holds_no_secret_but_the_rest),
	  TEST(it_starts_with_default_signals_and_no_descriptor_of_ours),
	  TEST(its_output_goes_to_a_file_beside_the_database),
	  TEST(the_command_is_filled_in_and_split_into_words),
	  TEST(without_a_command_it_is_the_gameserver_beside_the_program),
	  TEST(a_command_that_does_not_exist_is_refused_by_name),
	  TEST(a_record_that_cannot_be_read_is_refused),
	  TEST(a_port_that_is_used_or_promised_is_not_given),
	  TEST(a_port_of_a_gameserver_that_does_not_listen_yet_is_not_given),
	  TEST(an_address_of_another_machine_is_an_error_that_names_it),
	  TEST(an_ipv6_address_is_written_in_brackets))
