/* SPDX-License-Identifier: MIT */
/* What becomes of the poller's connections, and who waits for whom. */
#define _GNU_SOURCE /* POLLRDHUP */
#include "tests/unit/scalerd/poller_bench.h"

#include <sys/resource.h>

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

UNIT_MAIN(TEST(connections_are_kept_and_found_again),
	  TEST(a_suspect_gets_a_new_connection_each_time),
	  TEST(a_stale_connection_is_no_fault_of_the_gameserver),
	  TEST(a_failure_on_a_new_connection_is_not_asked_again),
	  TEST(a_slow_gameserver_has_the_whole_timeout),
	  TEST(hung_ones_among_the_good_do_not_delay_them),
	  TEST(our_own_lack_of_descriptors_is_no_fault_of_the_peer),
	  TEST(hung_suspects_do_not_delay_the_others),
	  TEST(a_full_queue_takes_no_question),
	  TEST(closing_drops_open_and_waiting_questions))
