/* SPDX-License-Identifier: MIT */
/*
 * The bench of the poller's tests: a poller in an event loop, which asks small
 * servers on loopback (tcp_server.h), and the answers that came of it.
 */
#ifndef GSM_SCALERD_POLLER_BENCH_H
#define GSM_SCALERD_POLLER_BENCH_H

#include "tests/unit/unit.h"

#include <stdlib.h>

#include "scalerd/edge/lane.h"
#include "scalerd/edge/poller.h"
#include "tests/unit/scalerd/tcp_server.h"

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define JSON        "{\"available_capacity\":7,\"ready_to_close\":true}"
#define OK          "HTTP/1.1 200 OK\r\n"
#define GOOD_ANSWER OK "Connection: close\r\n\r\n" JSON
#define KEPT_ANSWER OK "Content-Length: 46\r\n\r\n" JSON

enum {
	TIMEOUT_MS = 400,
	SLACK_MS = 3000,     /* a busy machine's */
	DEADLINE_MS = 30000, /* of a test's wait */
	ANSWERS_MAX = LANE_QUEUE_MAX + 16,
};

struct bench {
	struct loop *loop;
	struct poller *poller;
	struct prober_port port;
	struct config config;
	bool asking;
	size_t nanswer;
	struct answer answer[ANSWERS_MAX];
};

static inline void
on_answered(void *arg, const struct answer *answer)
{
	struct bench *b = arg;

	assert_false(b->asking);
	assert_true(b->nanswer < ANSWERS_MAX);
	b->answer[b->nanswer++] = *answer;
}

static inline void
set_health_url(struct bench *b, const char *url)
{
	snprintf(b->config.health_url, sizeof(b->config.health_url), "%s", url);
}

static inline void
open_poller(struct bench *b)
{
	const struct port_sink sink = {.arg = b, .answered = on_answered};
	struct err err;

	assert_true(poller_open(&b->poller, &b->port, &b->config, b->loop,
				&sink, &err));
}

static inline int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err err;

	assert_non_null(b);
	set_health_url(b, "http://{ip}:{port}/health/");
	b->config.health_timeout_ms = TIMEOUT_MS;
	assert_true(loop_open(&b->loop, &err));
	open_poller(b);
	*state = b;
	return 0;
}

static inline void
close_poller(struct bench *b)
{
	poller_close(b->poller);
	b->poller = NULL;
}

static inline int
teardown(void **state)
{
	struct bench *b = *state;

	close_poller(b);
	loop_close(b->loop);
	free(b);
	return 0;
}

static inline bool
ask(struct bench *b, int64_t gameserver, int port, bool suspect)
{
	const struct question question = {.gameserver = gameserver,
					  .ip = "127.0.0.1",
					  .port = port,
					  .told_state = "standby",
					  .suspect = suspect};
	bool ok;

	b->asking = true;
	ok = b->port.ask(b->port.self, &question);
	b->asking = false;
	return ok;
}

static inline void
wait_answers(struct bench *b, size_t n)
{
	const int64_t end_ms = loop_now_ms() + DEADLINE_MS;
	struct err err;

	while (b->nanswer < n) {
		assert_true(loop_now_ms() < end_ms);
		assert_true(loop_turn(b->loop, 50, &err));
	}
}

/* Asks once and waits for the answer, which is the last one then. */
static inline const struct answer *
ask_and_wait(struct bench *b, int port)
{
	const size_t n = b->nanswer;

	assert_true(ask(b, 17, port, false));
	wait_answers(b, n + 1);
	assert_int_equal(b->answer[n].gameserver, 17);
	return &b->answer[n];
}

static inline void
assert_kind(const struct answer *answer, enum answer_kind kind,
	    const char *what)
{
	if (answer->kind != kind)
		fail_msg("%s: kind %d, not %d (%s)", what, (int)answer->kind,
			 (int)kind, answer->detail);
	assert_int_equal(answer->detail[0] == '\0', kind == ANSWER_GOOD);
}

/* Answers with arg. */
static inline void
serve_bytes(struct tcp_server *server, int fd)
{
	tcp_send(fd, server->arg, server->arg_size);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
