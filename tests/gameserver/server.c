/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* accept4 */
#include "tests/gameserver/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/gameserver/audit.h"
#include "tests/gameserver/conn.h"

enum {
	EVENTS_MAX = 64,  /* handled in one round */
	ACCEPTS_MAX = 64, /* in one round */
	BACKLOG = 511,
	ACCEPT_PAUSE_MS = 100, /* when descriptors have run out */
	ENDING_MS = 500,       /* for players to take their leave */
	KEEPALIVE_IDLE_S = 10, /* a vanished player frees its seat */
	KEEPALIVE_EVERY_S = 5,
	KEEPALIVE_PROBES = 3,
	UNSENT_MS = 20000, /* what it was sent and never took */
};

static int64_t
clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
watch(struct server *server, int fd, uint32_t events, int how, void *what)
{
	struct epoll_event event = {.events = events, .data.ptr = what};

	return epoll_ctl(server->epoll, how, fd, &event) == 0;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool
open_listener(struct server *server)
{
	union address at = {.any.sa_family = AF_UNSPEC};
	socklen_t size = sizeof(at);
	const int on = 1;

	if (inet_pton(AF_INET, server->address, &at.v4.sin_addr) == 1) {
		at.v4.sin_family = AF_INET;
		at.v4.sin_port = htons((uint16_t)server->port);
		size = sizeof(at.v4);
	} else if (inet_pton(AF_INET6, server->address, &at.v6.sin6_addr) ==
		   1) {
		at.v6.sin6_family = AF_INET6;
		at.v6.sin6_port = htons((uint16_t)server->port);
		size = sizeof(at.v6);
	} else {
		errno = EINVAL;
		return false;
	}
	server->listener = socket(
	    at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->listener == -1 ||
	    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on,
		       sizeof(on)) == -1 ||
	    bind(server->listener, &at.any, size) == -1 ||
	    listen(server->listener, BACKLOG) == -1 ||
	    getsockname(server->listener, &at.any, &size) == -1)
		return false;
	server->port = ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port
							 : at.v6.sin6_port);
	return watch(server, server->listener, EPOLLIN, EPOLL_CTL_ADD,
		     &server->listener);
}

static bool
open_signals(struct server *server)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return false;
	server->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return server->signals != -1 && watch(server, server->signals, EPOLLIN,
					      EPOLL_CTL_ADD, &server->signals);
}

bool
server_open(struct server *server)
{
	server->listener = -1;
	server->signals = -1;
	server->accept_again_ms = INT64_MAX;
	server->next_due_ms = INT64_MAX;
	server->end_ms = INT64_MAX;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	return server->epoll != -1 && open_signals(server) &&
	       open_listener(server);
}

static void
set_up_socket(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S},
	    {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, UNSENT_MS},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	};

	/* A connection without one of them still works. */
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name,
				 &options[i].value, sizeof(options[i].value));
}

/* Out of descriptors or memory: the listener would be ready all the time, so
 * it is left alone for a moment. */
static void
pause_accepting(struct server *server)
{
	if (watch(server, server->listener, 0, EPOLL_CTL_MOD,
		  &server->listener))
		server->accept_again_ms = server->now_ms + ACCEPT_PAUSE_MS;
}

static void
resume_accepting(struct server *server)
{
	if (server->listener == -1 || server->now_ms < server->accept_again_ms)
		return;
	if (watch(server, server->listener, EPOLLIN, EPOLL_CTL_MOD,
		  &server->listener))
		server->accept_again_ms = INT64_MAX;
}

static void
accept_all(struct server *server)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(server->listener, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			set_up_socket(fd);
			conn_new(server, fd);
		} else if (errno == EMFILE || errno == ENFILE ||
			   errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(server);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

static void
begin_to_end(struct server *server)
{
	struct signalfd_siginfo info;
	struct conn *next;

	server->told_to_end = false;
	while (read(server->signals, &info, sizeof(info)) > 0)
		continue;
	audit_terminating(server->port, server->site.connections);
	if (server->site.misbehave.kind == MISBEHAVE_IGNORE_TERM ||
	    server->listener == -1)
		return;
	close(server->listener);
	server->listener = -1;
	server->end_ms = server->now_ms + ENDING_MS;
	for (struct conn *conn = server->conns; conn != NULL; conn = next) {
		next = conn->next;
		conn_end(server, conn);
	}
}

static void
handle_dues(struct server *server)
{
	struct conn *next;
	int64_t earliest = INT64_MAX;

	if (server->now_ms < server->next_due_ms)
		return;
	server->next_due_ms = INT64_MAX;
	for (struct conn *conn = server->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->due_ms <= server->now_ms)
			conn_due(server, conn);
		else if (conn->due_ms < earliest)
			earliest = conn->due_ms;
	}
	if (earliest < server->next_due_ms)
		server->next_due_ms = earliest;
}

static int
wait_ms(const struct server *server)
{
	int64_t until = server->next_due_ms;

	if (server->accept_again_ms < until)
		until = server->accept_again_ms;
	if (server->end_ms < until)
		until = server->end_ms;
	if (until == INT64_MAX)
		return -1;
	int64_t left = until - clock_ms();
	return left < 0 ? 0 : left > CONN_HANG_MS ? CONN_HANG_MS : (int)left;
}

bool
server_run(struct server *server)
{
	struct epoll_event events[EVENTS_MAX];

	server->now_ms = clock_ms();
	while (server->now_ms < server->end_ms) {
		int n = epoll_wait(server->epoll, events, EVENTS_MAX,
				   wait_ms(server));
		if (n == -1 && errno != EINTR)
			return false;
		server->now_ms = clock_ms();
		for (int i = 0; i < n; i++) {
			void *what = events[i].data.ptr;
			if (what == &server->listener)
				accept_all(server);
			else if (what == &server->signals)
				server->told_to_end = true;
			else
				conn_event(server, what, events[i].events);
		}
		handle_dues(server);
		resume_accepting(server);
		/* Not among the events: it frees connections that later
		 * ones may be about. */
		if (server->told_to_end)
			begin_to_end(server);
		if (server->end_ms != INT64_MAX && server->conns == NULL)
			break;
	}
	return true;
}

void
server_close(struct server *server)
{
	while (server->conns != NULL)
		conn_free(server, server->conns);
	if (server->listener != -1)
		close(server->listener);
	if (server->signals != -1)
		close(server->signals);
	if (server->epoll != -1)
		close(server->epoll);
}
