/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/scalerd/credentials_bench.h"

#include <curl/curl.h>
#include <stdlib.h>

const char *
bench_env_of(void *arg, const char *name)
{
	const struct bench *b = arg;

	for (size_t i = b->nenv; i-- > 0;)
		if (strcmp(b->env[i].name, name) == 0)
			return b->env[i].value;
	return NULL;
}

static void
on_changed(void *arg)
{
	struct bench *b = arg;

	assert_false(b->inside);
	b->changed++;
}

int
bench_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err err;

	assert_non_null(b);
	assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	assert_true(loop_open(&b->loop, &err));
	snprintf(b->directory, sizeof(b->directory), "/tmp/credentials.XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	/* No test may find the machine's own role. */
	bench_env(b, "AWS_EC2_METADATA_DISABLED", "true");
	*state = b;
	return 0;
}

int
bench_teardown(void **state)
{
	static const char *const names[] = {"credentials", "config", "token"};
	struct bench *b = *state;
	char path[2 * BENCH_PATH_SIZE];

	bench_close(b);
	bench_stop(b);
	loop_close(b->loop);
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", b->directory, names[i]);
		unlink(path);
	}
	rmdir(b->directory);
	free(b);
	curl_global_cleanup();
	return 0;
}

void
bench_env(struct bench *b, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < b->nenv && strcmp(b->env[i].name, name) != 0; i++)
		;
	assert_true(i < BENCH_ENV_MAX);
	if (i == b->nenv)
		b->nenv++;
	snprintf(b->env[i].name, sizeof(b->env[i].name), "%s", name);
	snprintf(b->env[i].value, sizeof(b->env[i].value), "%s", value);
}

const char *
bench_file(struct bench *b, const char *name, const char *text)
{
	static char path[2 * BENCH_PATH_SIZE];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", b->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* ---- the server -------------------------------------------------------- */

static void
serve(struct tcp_server *server, int fd)
{
	/* The bench that the server is a part of. */
	struct bench *b =
	    (void *)((char *)server - offsetof(struct bench, server));
	const int n = atomic_load(&server->connections);
	const struct reply *reply = atomic_load(&b->replies);

	if (n <= BENCH_REQUESTS_MAX)
		memcpy(b->request[n - 1], server->request,
		       sizeof(server->request));
	while (reply->begin && strncmp(server->request, reply->begin,
				       strlen(reply->begin)) != 0)
		reply++;
	if (!reply->begin)
		tcp_send(fd, "HTTP/1.1 404 No\r\n\r\n", 19);
	else if (reply->text)
		tcp_send(fd, reply->text,
			 reply->size ? reply->size : strlen(reply->text));
	else
		tcp_pause(fd, BENCH_DEADLINE_MS);
}

void
bench_serve(struct bench *b, const struct reply *replies)
{
	bench_stop(b);
	memset(b->request, 0, sizeof(b->request));
	atomic_store(&b->replies, replies);
	tcp_server_start(&b->server, serve, NULL, 0);
	b->serving = true;
}

void
bench_serve_as(struct bench *b, const char *variable, const char *path,
	       const struct reply *replies)
{
	char url[256];

	bench_serve(b, replies);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", b->server.port,
		 path);
	bench_env(b, variable, url);
}

int
bench_stop(struct bench *b)
{
	if (b->serving)
		tcp_server_stop(&b->server);
	b->serving = false;
	return atomic_load(&b->server.connections);
}

/* ---- the credentials --------------------------------------------------- */

void
bench_open(struct bench *b)
{
	const struct credentials_setup setup = {
	    .loop = b->loop,
	    .env = bench_env_of,
	    .env_arg = b,
	    .changed = on_changed,
	    .changed_arg = b,
	    .pace = {.pause_min_ms = 10,
		     .pause_max_ms = 40,
		     .rest_ms = BENCH_REST_MS},
	};

	bench_close(b);
	b->inside = true;
	assert_true(credentials_open(&b->credentials, &setup, &b->err));
	b->inside = false;
}

void
bench_close(struct bench *b)
{
	credentials_close(b->credentials);
	b->credentials = NULL;
}

enum credentials_state
bench_get(struct bench *b, int64_t now_utc_ms)
{
	enum credentials_state state;

	b->inside = true;
	b->err.msg[0] = '\0';
	state = credentials_get(b->credentials, now_utc_ms, &b->keys, &b->err);
	b->inside = false;
	assert_int_equal(state == CREDENTIALS_FAILED, b->err.msg[0] != '\0');
	return state;
}

void
bench_refuse(struct bench *b, const char *key_id)
{
	b->inside = true;
	credentials_refused(b->credentials, key_id,
			    &(struct err){"ExpiredToken"});
	b->inside = false;
}

void
bench_wait(struct bench *b, int64_t now_utc_ms, enum credentials_state state)
{
	const int64_t end_ms = loop_now_ms() + BENCH_DEADLINE_MS;
	struct err err;

	while (bench_get(b, now_utc_ms) != state) {
		if (loop_now_ms() >= end_ms)
			fail_msg("no state %d: %s", (int)state, b->err.msg);
		assert_true(loop_turn(b->loop, 20, &err));
	}
}

void
bench_expect_keys(struct bench *b, const char *id)
{
	bench_open(b);
	bench_wait(b, NOW_MS, CREDENTIALS_HAVE);
	assert_string_equal(b->keys.id, id);
	assert_string_equal(b->keys.secret, SECRET);
}

void
bench_expect_failure(struct bench *b, const char *says)
{
	bench_open(b);
	bench_wait(b, NOW_MS, CREDENTIALS_FAILED);
	if (!strstr(b->err.msg, says))
		fail_msg("\"%s\" does not say \"%s\"", b->err.msg, says);
	assert_null(strstr(b->err.msg, "SeCrEt"));
}
