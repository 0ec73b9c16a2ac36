/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/scalerd/client_bench.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#include "scalerd/aws/credentials_answer.h"

#define FILLER "X: 123456789012345678901234567890\r\n"

enum { HEADER_SIZE = 1024, TURN_MS = 20 };

const struct line bench_good[1] = {{.text = EMPTY_JSON}};
const struct line bench_silent[1] = {{.text = NULL}};
const struct client_request bench_describe = {
    CLIENT_EC2, "DescribeInstances",
    "Action=DescribeInstances&Version=2016-11-15", false};
const struct client_request bench_launch = {
    CLIENT_EC2, "RunInstances", "Action=RunInstances&Version=2016-11-15", true};

/* ---- the server -------------------------------------------------------- */

/* False: the connection is to be closed. */
static bool
answer(struct aws_server *server, struct aws_connection *c)
{
	const int n = atomic_fetch_add(&server->requests, 1);
	const struct line *line =
	    &server->script[(size_t)n < server->nscript ? (size_t)n
							: server->nscript - 1];
	bool ok = true;

	if (n < AWS_REQUESTS_MAX)
		memcpy(server->request[n], c->request, sizeof(c->request));
	c->used = 0;
	if (line->delay_ms > 0)
		tcp_pause(c->fd, line->delay_ms);
	if (line->text)
		ok = tcp_send(c->fd, line->text, strlen(line->text));
	for (size_t sent = 0; ok && sent < line->filler;
	     sent += sizeof(FILLER) - 1)
		ok = tcp_send(c->fd, FILLER, sizeof(FILLER) - 1);
	return ok && !line->closes;
}

static bool
is_complete(const struct aws_connection *c)
{
	const char *end = strstr(c->request, "\r\n\r\n");
	const char *length = strcasestr(c->request, "\r\nContent-Length:");

	return end && (!length ||
		       strlen(end + 4) >= strtoul(length + strlen("\r\nContent-"
								  "Length:"),
						  NULL, 10));
}

static bool
serve(struct aws_server *server, struct aws_connection *c)
{
	const ssize_t n =
	    read(c->fd, c->request + c->used, sizeof(c->request) - 1 - c->used);

	if (n <= 0)
		return false;
	c->used += (size_t)n;
	c->request[c->used] = '\0';
	return !is_complete(c) || answer(server, c);
}

static void
take(struct aws_server *server)
{
	const int fd = accept(server->fd, NULL, NULL);

	if (fd < 0)
		return;
	if (server->nconnection == AWS_CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	atomic_fetch_add(&server->connections, 1);
	server->connection[server->nconnection].fd = fd;
	server->connection[server->nconnection].used = 0;
	server->nconnection++;
}

static void *
run(void *arg)
{
	struct aws_server *server = arg;
	struct pollfd pfd[AWS_CONNECTIONS_MAX + 1];

	while (!atomic_load(&server->stopping)) {
		const size_t n = server->nconnection;

		pfd[n] = (struct pollfd){.fd = server->fd, .events = POLLIN};
		for (size_t i = 0; i < n; i++)
			pfd[i] = (struct pollfd){.fd = server->connection[i].fd,
						 .events = POLLIN};
		poll(pfd, n + 1, -1);
		/* From the end: the last takes the place of one that closes. */
		for (size_t i = n; i-- > 0;) {
			struct aws_connection *c = &server->connection[i];

			if (pfd[i].revents == 0 || serve(server, c))
				continue;
			close(c->fd);
			*c = server->connection[--server->nconnection];
		}
		if (pfd[n].revents & POLLIN)
			take(server);
	}
	while (server->nconnection > 0)
		close(server->connection[--server->nconnection].fd);
	return NULL;
}

void
client_bench_serve(struct client_bench *b, const struct line *script, size_t n)
{
	struct aws_server *server = &b->server;

	assert_false(b->serving);
	atomic_store(&server->stopping, false);
	server->script = script;
	server->nscript = n;
	assert_int_equal(listen(server->fd, AWS_CONNECTIONS_MAX), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
	b->serving = true;
}

int
client_bench_stop(struct client_bench *b)
{
	if (b->serving) {
		atomic_store(&b->server.stopping, true);
		shutdown(b->server.fd, SHUT_RDWR);
		pthread_join(b->server.thread, NULL);
	}
	b->serving = false;
	return atomic_load(&b->server.requests);
}

/* ---- calls ------------------------------------------------------------- */

static void
on_answered(void *arg, const struct client_answer *answer)
{
	struct told *told = arg;

	assert_false(told->b->inside);
	told->times++;
	told->outcome = answer->outcome;
	told->error = answer->error;
	told->size = answer->size;
	assert_int_equal(answer->body[answer->size], '\0');
	snprintf(told->body, sizeof(told->body), "%.*s",
		 (int)sizeof(told->body) - 1, answer->body);
}

static void
open_client(struct client_bench *b)
{
	const struct client_setup setup = {
	    .loop = b->keys->loop,
	    .region = "eu-west-1",
	    .env = bench_env_of,
	    .env_arg = b->keys,
	    .pace = {.pause_min_ms = b->pause_ms,
		     .pause_max_ms = 40,
		     .rest_ms = b->rest_ms},
	    .times = b->times,
	};
	struct err err;

	if (!b->client && !client_open(&b->client, &setup, &err))
		fail_msg("%s", err.msg);
}

struct told *
client_bench_call(struct client_bench *b, const struct client_request *request)
{
	struct told *told = &b->told[b->ncall];
	struct err err;

	open_client(b);
	assert_true(b->ncall < AWS_CALLS_MAX);
	told->b = b;
	b->inside = true;
	b->call[b->ncall] =
	    client_call(b->client, request, on_answered, told, &err);
	b->inside = false;
	if (!b->call[b->ncall])
		fail_msg("%s", err.msg);
	b->ncall++;
	return told;
}

struct told *
client_bench_read(struct client_bench *b)
{
	return client_bench_call(
	    b, &(struct client_request){CLIENT_ECS, "ListTasks", "{}", false});
}

struct told *
client_bench_change(struct client_bench *b)
{
	return client_bench_call(
	    b, &(struct client_request){CLIENT_ECS, "RunTask",
					"{\"clientToken\":\"1\"}", true});
}

static void
turn_until(struct client_bench *b, int64_t end_ms)
{
	struct err err;

	if (loop_now_ms() >= end_ms)
		fail_msg("it does not come to pass");
	assert_true(loop_turn(b->keys->loop, TURN_MS, &err));
}

void
client_bench_wait(struct client_bench *b, const struct told *told)
{
	const int64_t end_ms = loop_now_ms() + BENCH_DEADLINE_MS;

	while (told->times == 0)
		turn_until(b, end_ms);
	assert_int_equal(told->times, 1);
}

void
client_bench_wait_requests(struct client_bench *b, int n)
{
	const int64_t end_ms = loop_now_ms() + BENCH_DEADLINE_MS;

	while (atomic_load(&b->server.requests) < n)
		turn_until(b, end_ms);
}

void
client_bench_expect(const struct told *told, enum client_outcome outcome,
		    enum aws_error_class class)
{
	if (told->outcome != outcome || told->error.class != class)
		fail_msg("outcome %d, class %d: %s", (int)told->outcome,
			 (int)told->error.class, told->error.message);
}

/* ---- what arrived ------------------------------------------------------ */

const char *
client_bench_header(struct client_bench *b, int n, const char *name)
{
	static char value[HEADER_SIZE];
	char start[HEADER_SIZE];
	const char *at;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	at = strcasestr(b->server.request[n], start);
	if (!at || at > strstr(b->server.request[n], "\r\n\r\n"))
		return NULL;
	at += strlen(start);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r\n"), at);
	return value;
}

int64_t
client_bench_sent_ms(struct client_bench *b, int n)
{
	const char *date = client_bench_header(b, n, "X-Amz-Date");
	char text[sizeof("2026-11-22T18:38:16Z")];
	int64_t ms = 0;

	assert_int_equal(strlen(date), strlen("20261122T183816Z"));
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date,
		 date + 4, date + 6, date + 9, date + 11, date + 13);
	assert_true(credentials_time_parse(text, &ms));
	return ms;
}

const char *
client_bench_body(struct client_bench *b, int n)
{
	return strstr(b->server.request[n], "\r\n\r\n") + 4;
}

/* ------------------------------------------------------------------------ */

int
client_bench_setup(void **state)
{
	struct client_bench *b = calloc(1, sizeof(*b));
	char url[BENCH_PATH_SIZE];

	assert_non_null(b);
	if (bench_setup((void **)&b->keys) != 0)
		return -1;
	b->times = (struct client_times){.connect_ms = BENCH_DEADLINE_MS,
					 .read_ms = BENCH_DEADLINE_MS,
					 .change_ms = BENCH_DEADLINE_MS,
					 .call_ms = BENCH_DEADLINE_MS,
					 .second_ms = 2};
	b->pause_ms = 10;
	b->rest_ms = 1;
	b->server.fd = tcp_bind(AF_INET, &b->server.port);
	assert_true(b->server.fd >= 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", b->server.port);
	bench_env(b->keys, "AWS_ENDPOINT_URL", url);
	bench_env(b->keys, "AWS_ACCESS_KEY_ID", "ID");
	bench_env(b->keys, "AWS_SECRET_ACCESS_KEY", SECRET);
	*state = b;
	return 0;
}

int
client_bench_teardown(void **state)
{
	struct client_bench *b = *state;

	for (size_t i = 0; i < b->ncall; i++)
		if (b->call[i] && b->told[i].times == 0)
			client_cancel(b->client, b->call[i]);
	client_close(b->client);
	client_bench_stop(b);
	close(b->server.fd);
	bench_teardown((void **)&b->keys);
	free(b);
	return 0;
}
