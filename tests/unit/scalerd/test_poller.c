/* SPDX-License-Identifier: MIT */
/* What the poller asks a gameserver, and what it makes of each answer. */
#define _GNU_SOURCE /* POLLRDHUP */
#include "tests/unit/scalerd/poller_bench.h"

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
	  TEST(a_new_url_holds_from_the_next_question_on))
