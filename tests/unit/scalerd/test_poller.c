/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/resource.h>

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

static void
on_answered(void *arg, const struct answer *answer)
{
	struct bench *b = arg;

	assert_false(b->asking);
	assert_true(b->nanswer < ANSWERS_MAX);
	b->answer[b->nanswer++] = *answer;
}

static void
set_health_url(struct bench *b, const char *url)
{
	snprintf(b->config.health_url, sizeof(b->config.health_url), "%s", url);
}

static void
open_poller(struct bench *b)
{
	const struct port_sink sink = {.arg = b, .answered = on_answered};
	struct err err;

	assert_true(poller_open(&b->poller, &b->port, &b->config, b->loop,
				&sink, &err));
}

static int
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

static void
close_poller(struct bench *b)
{
	poller_close(b->poller);
	b->poller = NULL;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	close_poller(b);
	loop_close(b->loop);
	free(b);
	return 0;
}

static bool
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

static void
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
static const struct answer *
ask_and_wait(struct bench *b, int port)
{
	const size_t n = b->nanswer;

	assert_true(ask(b, 17, port, false));
	wait_answers(b, n + 1);
	assert_int_equal(b->answer[n].gameserver, 17);
	return &b->answer[n];
}

static void
assert_kind(const struct answer *answer, enum answer_kind kind,
	    const char *what)
{
	if (answer->kind != kind)
		fail_msg("%s: kind %d, not %d (%s)", what, (int)answer->kind,
			 (int)kind, answer->detail);
	assert_int_equal(answer->detail[0] == '\0', kind == ANSWER_GOOD);
}

/* ---- servers ----------------------------------------------------------- */

static void
serve_bytes(struct tcp_server *server, int fd)
{
	tcp_send(fd, server->arg, server->arg_size);
}

/* Says the first text once, then the second for ever. */
struct endless {
	const char *name;
	const char *first;
	const char *again;
	enum answer_kind kind;
};

static void
serve_endless(struct tcp_server *server, int fd)
{
	const struct endless *e = server->arg;

	if (!tcp_send(fd, e->first, strlen(e->first)))
		return;
	while (tcp_send(fd, e->again, strlen(e->again)))
		;
}

static void
serve_drip(struct tcp_server *server, int fd)
{
	static const char answer[] = GOOD_ANSWER;

	(void)server;
	for (size_t i = 0; i < sizeof(answer) - 1; i++)
		if (!tcp_pause(fd, 50) || !tcp_send(fd, answer + i, 1))
			return;
}

static void
serve_reset(struct tcp_server *server, int fd)
{
	const struct linger at_once = {.l_onoff = 1};

	(void)server;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* Whether another request came on the same connection. */
static bool
next_request(struct tcp_server *server, int fd)
{
	server->request[0] = '\0';
	tcp_server_read(server, fd);
	return server->request[0] != '\0';
}

static void
serve_kept(struct tcp_server *server, int fd)
{
	do {
		if (!tcp_send(fd, KEPT_ANSWER, strlen(KEPT_ANSWER)))
			return;
	} while (next_request(server, fd));
}

/* Answers one request of each connection, the next with arg: NULL not at all,
 * "" by closing. */
static void
serve_once(struct tcp_server *server, int fd)
{
	if (!tcp_send(fd, KEPT_ANSWER, strlen(KEPT_ANSWER)) ||
	    !next_request(server, fd))
		return;
	if (server->arg)
		tcp_send(fd, server->arg, server->arg_size);
	else
		tcp_pause(fd, DEADLINE_MS);
}

/* ---- answers ----------------------------------------------------------- */

static void
a_good_answer_is_understood(void **state)
{
	struct bench *b = *state;
	const int64_t before_ms = loop_now_ms();
	const struct answer *answer;
	struct tcp_server server;

	tcp_server_start(&server, serve_bytes, GOOD_ANSWER,
			 strlen(GOOD_ANSWER));
	answer = ask_and_wait(b, server.port);
	assert_kind(answer, ANSWER_GOOD, "good");
	assert_int_equal(answer->seats, 7);
	assert_true(answer->ready_to_close);
	assert_in_range(answer->asked_ms, before_ms, loop_now_ms());
	tcp_server_stop(&server);
}

#define CANNED(n, k, b)                                                        \
	{                                                                      \
		.name = (n), .kind = (k), .body = (b), .size = sizeof(b) - 1   \
	}

static void
each_answer_is_classed(void **state)
{
	static const struct {
		const char *name;
		enum answer_kind kind;
		const char *body;
		size_t size;
	} canned[] = {
	    CANNED("with a length", ANSWER_GOOD,
		   OK "Content-Length: 46\r\n\r\n" JSON),
	    CANNED("HTTP/1.0", ANSWER_GOOD, "HTTP/1.0 200 OK\r\n\r\n" JSON),
	    CANNED("chunked", ANSWER_GOOD,
		   OK "Transfer-Encoding: chunked\r\n\r\n"
		      "2e\r\n" JSON "\r\n0\r\n\r\n"),
	    CANNED("100 before", ANSWER_GOOD,
		   "HTTP/1.1 100 Continue\r\n\r\n" GOOD_ANSWER),
	    CANNED("201", ANSWER_WRONG, "HTTP/1.1 201 Created\r\n\r\n" JSON),
	    CANNED("204", ANSWER_WRONG, "HTTP/1.1 204 No Content\r\n\r\n"),
	    CANNED("401", ANSWER_WRONG,
		   "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\n" JSON),
	    CANNED("404", ANSWER_WRONG, "HTTP/1.1 404 Not Found\r\n\r\n" JSON),
	    CANNED("500", ANSWER_WRONG, "HTTP/1.1 500 No\r\n\r\n" JSON),
	    CANNED("no body", ANSWER_WRONG, OK "Content-Length: 0\r\n\r\n"),
	    CANNED("no JSON", ANSWER_WRONG, OK "\r\n<html>hello</html>"),
	    CANNED("announced too long", ANSWER_WRONG,
		   OK "Content-Length: 104857600\r\n\r\n" JSON),
	    CANNED("length that is none", ANSWER_WRONG,
		   OK "Content-Length: -1\r\n\r\n" JSON),
	    CANNED("cut off", ANSWER_WRONG,
		   OK "Content-Length: 4000\r\n\r\n" JSON),
	    CANNED("cut off, chunked", ANSWER_WRONG,
		   OK "Transfer-Encoding: chunked\r\n\r\n2e\r\n" JSON),
	    CANNED("compressed", ANSWER_WRONG,
		   OK "Content-Encoding: gzip\r\n\r\n"
		      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
		      "\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00"),
	    CANNED("HTTP/0.9", ANSWER_WRONG, JSON),
	    CANNED("no HTTP", ANSWER_WRONG, "220 smtp.example ESMTP\r\n"),
	    CANNED("NUL in the header", ANSWER_WRONG,
		   OK "X: a\0b\r\n\r\n" JSON),
	    CANNED("closed at once", ANSWER_TIMEOUT, ""),
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(canned); i++) {
		struct tcp_server server;

		tcp_server_start(&server, serve_bytes, canned[i].body,
				 canned[i].size);
		assert_kind(ask_and_wait(b, server.port), canned[i].kind,
			    canned[i].name);
		tcp_server_stop(&server);
	}
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1K X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64 X64

static void
an_endless_answer_is_cut_off(void **state)
{
	static const struct endless endless[] = {
	    {"body without length", OK "\r\n", X1K, ANSWER_WRONG},
	    {"chunked body", OK "Transfer-Encoding: chunked\r\n\r\n",
	     "400\r\n" X1K "\r\n", ANSWER_WRONG},
	    {"header lines", OK, "X: " X64 "\r\n", ANSWER_WRONG},
	    {"one header line", OK "X: ", X1K, ANSWER_WRONG},
	    {"status line", "HTTP/1.1 200 ", X1K, ANSWER_WRONG},
	    {"answers 100", "", "HTTP/1.1 100 Continue\r\n\r\n", ANSWER_WRONG},
	    {"trailers",
	     OK "Transfer-Encoding: chunked\r\n\r\n2e\r\n" JSON "\r\n0\r\n",
	     "X: " X64 "\r\n", ANSWER_WRONG},
	    {"error's body", "HTTP/1.1 500 No\r\n\r\n", X1K, ANSWER_WRONG},
	    {"chunk extension", OK "Transfer-Encoding: chunked\r\n\r\n2e;", X1K,
	     ANSWER_TIMEOUT},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(endless); i++) {
		const int64_t begin_ms = loop_now_ms();
		struct tcp_server server;

		tcp_server_start(&server, serve_endless, &endless[i], 0);
		assert_kind(ask_and_wait(b, server.port), endless[i].kind,
			    endless[i].name);
		assert_true(loop_now_ms() - begin_ms < TIMEOUT_MS + SLACK_MS);
		tcp_server_stop(&server);
	}
}

static void
assert_times_out(struct bench *b, tcp_serve_fn *serve)
{
	const int64_t begin_ms = loop_now_ms();
	struct tcp_server server;
	int64_t took_ms;

	tcp_server_start(&server, serve, NULL, 0);
	assert_kind(ask_and_wait(b, server.port), ANSWER_TIMEOUT, "slow");
	took_ms = loop_now_ms() - begin_ms;
	assert_in_range(took_ms, TIMEOUT_MS, TIMEOUT_MS + SLACK_MS);
	tcp_server_stop(&server);
}

static void
an_answer_that_drips_ends_with_the_timeout(void **state)
{
	assert_times_out(*state, serve_drip);
}

static void
a_hung_gameserver_ends_with_the_timeout(void **state)
{
	assert_times_out(*state, NULL);
}

static void
a_reset_is_a_timeout(void **state)
{
	struct tcp_server server;

	tcp_server_start(&server, serve_reset, NULL, 0);
	assert_kind(ask_and_wait(*state, server.port), ANSWER_TIMEOUT, "reset");
	tcp_server_stop(&server);
}

static void
a_port_where_nobody_listens_is_refused(void **state)
{
	int port = 0;
	const int fd = tcp_bind(AF_INET, &port);

	assert_true(fd >= 0);
	assert_kind(ask_and_wait(*state, port), ANSWER_REFUSED, "refused");
	close(fd);
}

static void
a_redirect_is_not_followed(void **state)
{
	struct bench *b = *state;
	struct tcp_server target;
	struct tcp_server server;
	char text[128];

	tcp_server_start(&target, serve_bytes, GOOD_ANSWER,
			 strlen(GOOD_ANSWER));
	snprintf(text, sizeof(text),
		 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\n\r\n",
		 target.port);
	tcp_server_start(&server, serve_bytes, text, strlen(text));
	assert_kind(ask_and_wait(b, server.port), ANSWER_WRONG, "redirect");
	assert_int_equal(atomic_load(&server.connections), 1);
	assert_int_equal(atomic_load(&target.connections), 0);
	tcp_server_stop(&server);
	tcp_server_stop(&target);
}

/* ---- the question ------------------------------------------------------ */

static void
the_question_tells_the_state_and_asks_for_no_encoding(void **state)
{
	struct tcp_server server;
	char host[64];

	tcp_server_start(&server, serve_bytes, GOOD_ANSWER,
			 strlen(GOOD_ANSWER));
	ask_and_wait(*state, server.port);
	close_poller(*state);
	tcp_server_stop(&server);
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n", server.port);
	assert_memory_equal(server.request, "GET /health/ HTTP/1.1\r\n", 23);
	assert_non_null(strstr(server.request, host));
	assert_non_null(
	    strstr(server.request, "\r\nX-Gameserver-State: standby\r\n"));
	assert_non_null(
	    strstr(server.request, "\r\nUser-Agent: gameserver-manager\r\n"));
	assert_null(strstr(server.request, "Accept-Encoding"));
}

static void
an_ipv6_address_is_bracketed(void **state)
{
	struct bench *b = *state;
	struct tcp_server server;
	struct question question = {
	    .gameserver = 17, .ip = "::1", .told_state = "available"};

	if (!tcp_server_start_on(&server, AF_INET6, serve_bytes, GOOD_ANSWER,
				 strlen(GOOD_ANSWER)))
		skip();
	question.port = server.port;
	assert_true(b->port.ask(b->port.self, &question));
	wait_answers(b, 1);
	assert_kind(&b->answer[0], ANSWER_GOOD, "IPv6");
	tcp_server_stop(&server);
	assert_non_null(strstr(server.request, "Host: [::1]:"));
}

static void
what_is_no_numeric_address_is_not_asked(void **state)
{
	static const char *const ips[] = {"", "localhost", "127.0.0.1@evil",
					  "127.0.0.1/", "1.2.3"};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(ips); i++) {
		const struct question question = {.gameserver = 17,
						  .ip = ips[i],
						  .port = 80,
						  .told_state = "available"};

		assert_true(b->port.ask(b->port.self, &question));
		wait_answers(b, i + 1);
		assert_kind(&b->answer[i], ANSWER_LOCAL_ERROR, ips[i]);
	}
}

static void
a_proxy_of_the_environment_is_not_used(void **state)
{
	struct tcp_server server;
	char proxy[64];
	int port = 0;
	const int fd = tcp_bind(AF_INET, &port);

	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", port);
	assert_int_equal(setenv("http_proxy", proxy, 1), 0);
	assert_int_equal(setenv("ALL_PROXY", proxy, 1), 0);
	tcp_server_start(&server, serve_bytes, GOOD_ANSWER,
			 strlen(GOOD_ANSWER));
	assert_kind(ask_and_wait(*state, server.port), ANSWER_GOOD, "proxy");
	tcp_server_stop(&server);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	close(fd);
}

static void
a_new_url_holds_from_the_next_question_on(void **state)
{
	struct bench *b = *state;
	struct tcp_server server;

	tcp_server_start(&server, serve_bytes, GOOD_ANSWER,
			 strlen(GOOD_ANSWER));
	ask_and_wait(b, server.port);
	set_health_url(b, "http://{ip}:{port}/{port}/{ip}?{x}");
	poller_reconfigure(b->poller, &b->config);
	ask_and_wait(b, server.port);
	close_poller(b);
	tcp_server_stop(&server);
	assert_non_null(strstr(server.request, "/127.0.0.1?{x} HTTP/1.1"));
}

/* ---- connections ------------------------------------------------------- */

static void
connections_are_kept_and_found_again(void **state)
{
	enum { HANDLES = 3, SERVERS = 2 * HANDLES, TIMES = 4 };
	struct bench *b = *state;
	struct tcp_server server[SERVERS];

	/* More than one multi handle, and more than one connection in each. */
	b->config.max_servers = HANDLES * LANE_SHARD_SIZE;
	poller_reconfigure(b->poller, &b->config);
	for (int i = 0; i < SERVERS; i++)
		tcp_server_start(&server[i], serve_kept, NULL, 0);
	for (size_t n = 0; n < SERVERS * TIMES; n++) {
		const int i = (int)n % SERVERS;

		assert_true(ask(b, 17 + i, server[i].port, false));
		wait_answers(b, n + 1);
		assert_kind(&b->answer[n], ANSWER_GOOD, "kept");
	}
	close_poller(b);
	for (int i = 0; i < SERVERS; i++) {
		assert_int_equal(atomic_load(&server[i].connections), 1);
		tcp_server_stop(&server[i]);
	}
}

static void
a_suspect_gets_a_new_connection_each_time(void **state)
{
	struct bench *b = *state;
	struct tcp_server server;

	tcp_server_start(&server, serve_kept, NULL, 0);
	for (size_t n = 0; n < 3; n++) {
		assert_true(ask(b, 17, server.port, true));
		wait_answers(b, n + 1);
		assert_kind(&b->answer[n], ANSWER_GOOD, "suspect");
	}
	close_poller(b);
	assert_int_equal(atomic_load(&server.connections), 3);
	tcp_server_stop(&server);
}

/* Whatever comes of the second question on a kept connection. */
static void
a_stale_connection_is_no_fault_of_the_gameserver(void **state)
{
	static const struct {
		const char *name;
		const char *again; /* NULL: nothing for ever */
	} stale[] = {
	    {"closed", ""},
	    {"leads nowhere", NULL},
	    {"closed with a word", "HTTP/1.1 408 Request Timeout\r\n\r\n"},
	    {"garbage", "gone"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < COUNT(stale); i++) {
		struct tcp_server server;

		tcp_server_start(&server, serve_once, stale[i].again,
				 stale[i].again ? strlen(stale[i].again) : 0);
		assert_kind(ask_and_wait(b, server.port), ANSWER_GOOD, "first");
		assert_kind(ask_and_wait(b, server.port), ANSWER_GOOD,
			    stale[i].name);
		assert_int_equal(atomic_load(&server.connections), 2);
		close_poller(b);
		tcp_server_stop(&server);
		open_poller(b);
	}
}

static void
a_failure_on_a_new_connection_is_not_asked_again(void **state)
{
	static const char error[] = "HTTP/1.1 500 No\r\n\r\n";
	struct tcp_server server;

	tcp_server_start(&server, serve_bytes, error, strlen(error));
	assert_kind(ask_and_wait(*state, server.port), ANSWER_WRONG, "500");
	assert_int_equal(atomic_load(&server.connections), 1);
	tcp_server_stop(&server);
}

/* Slower than the first question's timeout, faster than the whole one. */
static void
serve_slowly(struct tcp_server *server, int fd)
{
	if (tcp_pause(fd, TIMEOUT_MS / POLLER_FIRST_DIV * 2))
		tcp_send(fd, server->arg, server->arg_size);
}

static void
a_slow_gameserver_has_the_whole_timeout(void **state)
{
	struct tcp_server server;

	tcp_server_start(&server, serve_slowly, GOOD_ANSWER,
			 strlen(GOOD_ANSWER));
	assert_kind(ask_and_wait(*state, server.port), ANSWER_GOOD, "slow");
	tcp_server_stop(&server);
}

/* ---- lanes ------------------------------------------------------------- */

static void
our_own_lack_of_descriptors_is_no_fault_of_the_peer(void **state)
{
	struct bench *b = *state;
	const struct answer *answer;
	struct rlimit before;
	struct rlimit none;
	struct tcp_server server;

	tcp_server_start(&server, serve_bytes, GOOD_ANSWER,
			 strlen(GOOD_ANSWER));
	assert_kind(ask_and_wait(b, server.port), ANSWER_GOOD, "before");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	answer = ask_and_wait(b, server.port);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_kind(answer, ANSWER_LOCAL_ERROR, "no descriptors");
	tcp_server_stop(&server);
}

static void
hung_suspects_do_not_delay_the_others(void **state)
{
	enum { HUNG = LANE_OPEN_MAX + 44, WELL = 50 };
	struct bench *b = *state;
	int64_t first_ms = INT64_MAX;
	int64_t last_ms = 0;
	struct tcp_server hung;
	struct tcp_server well;

	tcp_server_start(&hung, NULL, NULL, 0);
	tcp_server_start(&well, serve_bytes, GOOD_ANSWER, strlen(GOOD_ANSWER));
	for (int i = 0; i < HUNG; i++)
		assert_true(ask(b, 1000 + i, hung.port, true));
	for (int i = 0; i < WELL; i++)
		assert_true(ask(b, 1 + i, well.port, false));
	wait_answers(b, WELL);
	for (size_t i = 0; i < WELL; i++) {
		assert_kind(&b->answer[i], ANSWER_GOOD, "well");
		assert_in_range(b->answer[i].gameserver, 1, WELL);
	}
	wait_answers(b, HUNG + WELL);
	for (size_t i = WELL; i < HUNG + WELL; i++) {
		assert_kind(&b->answer[i], ANSWER_TIMEOUT, "hung");
		if (b->answer[i].asked_ms < first_ms)
			first_ms = b->answer[i].asked_ms;
		if (b->answer[i].asked_ms > last_ms)
			last_ms = b->answer[i].asked_ms;
	}
	/* Those beyond LANE_OPEN_MAX waited, and asked_ms says so. */
	assert_in_range(last_ms - first_ms, TIMEOUT_MS, TIMEOUT_MS + SLACK_MS);
	tcp_server_stop(&hung);
	tcp_server_stop(&well);
}

/* Such as have just begun to hang: nobody suspects them yet. */
static void
hung_ones_among_the_good_do_not_delay_them(void **state)
{
	enum { HUNG = 4 * LANE_YOUNG_MAX, WELL = 50 };
	struct bench *b = *state;
	struct tcp_server hung;
	struct tcp_server well;

	tcp_server_start(&hung, NULL, NULL, 0);
	tcp_server_start(&well, serve_bytes, GOOD_ANSWER, strlen(GOOD_ANSWER));
	for (int i = 0; i < HUNG; i++)
		assert_true(ask(b, 1000 + i, hung.port, false));
	for (int i = 0; i < WELL; i++)
		assert_true(ask(b, 1 + i, well.port, false));
	wait_answers(b, HUNG + WELL);
	for (size_t i = 0; i < WELL; i++) {
		assert_kind(&b->answer[i], ANSWER_GOOD, "well");
		assert_in_range(b->answer[i].gameserver, 1, WELL);
	}
	for (size_t i = WELL; i < HUNG + WELL; i++)
		assert_kind(&b->answer[i], ANSWER_TIMEOUT, "hung");
	tcp_server_stop(&hung);
	tcp_server_stop(&well);
}

static void
a_full_queue_takes_no_question(void **state)
{
	struct bench *b = *state;
	int port = 0;
	const int fd = tcp_bind(AF_INET, &port);

	for (int i = 0; i < LANE_QUEUE_MAX; i++)
		assert_true(ask(b, i, port, false));
	assert_false(ask(b, 1, port, false));
	assert_true(ask(b, 1, port, true));
	wait_answers(b, LANE_QUEUE_MAX + 1);
	assert_true(ask(b, 1, port, false));
	wait_answers(b, LANE_QUEUE_MAX + 2);
	close(fd);
}

static void
closing_drops_open_and_waiting_questions(void **state)
{
	struct bench *b = *state;
	struct tcp_server hung;
	struct err err;

	tcp_server_start(&hung, NULL, NULL, 0);
	for (int i = 0; i < LANE_OPEN_MAX + 10; i++)
		assert_true(ask(b, i, hung.port, i % 2));
	assert_true(ask(b, 1, hung.port, false));
	for (int i = 0; i < 5; i++)
		assert_true(loop_turn(b->loop, 10, &err));
	assert_true(ask(b, 2, hung.port, false));
	close_poller(b);
	for (int i = 0; i < 5; i++)
		assert_true(loop_turn(b->loop, 0, &err));
	assert_int_equal(b->nanswer, 0);
	tcp_server_stop(&hung);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

UNIT_MAIN(TEST(a_good_answer_is_understood), TEST(each_answer_is_classed),
	  TEST(an_endless_answer_is_cut_off),
	  TEST(an_answer_that_drips_ends_with_the_timeout),
	  TEST(a_hung_gameserver_ends_with_the_timeout),
	  TEST(a_reset_is_a_timeout),
	  TEST(a_port_where_nobody_listens_is_refused),
	  TEST(a_redirect_is_not_followed),
	  TEST(the_question_tells_the_state_and_asks_for_no_encoding),
	  TEST(an_ipv6_address_is_bracketed),
	  TEST(what_is_no_numeric_address_is_not_asked),
	  TEST(a_proxy_of_the_environment_is_not_used),
	  TEST(a_new_url_holds_from_the_next_question_on),
	  TEST(connections_are_kept_and_found_again),
	  TEST(a_suspect_gets_a_new_connection_each_time),
	  TEST(a_stale_connection_is_no_fault_of_the_gameserver),
	  TEST(a_failure_on_a_new_connection_is_not_asked_again),
	  TEST(a_slow_gameserver_has_the_whole_timeout),
	  TEST(hung_ones_among_the_good_do_not_delay_them),
	  TEST(our_own_lack_of_descriptors_is_no_fault_of_the_peer),
	  TEST(hung_suspects_do_not_delay_the_others),
	  TEST(a_full_queue_takes_no_question),
	  TEST(closing_drops_open_and_waiting_questions))
