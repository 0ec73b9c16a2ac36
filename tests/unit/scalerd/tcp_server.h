/* SPDX-License-Identifier: MIT */
/*
 * A TCP server on a thread of its own, for tests of clients: takes one
 * connection after the other on an ephemeral port of the loopback, reads the
 * request's header and lets `serve` answer it as badly as it likes.
 */
#ifndef GSM_TESTS_TCP_SERVER_H
#define GSM_TESTS_TCP_SERVER_H

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TCP_SERVER_BACKLOG = 1024,
	TCP_SERVER_REQUEST_SIZE = 4096,
	TCP_SERVER_READ_MS = 5000, /* for a request to arrive */
};

struct tcp_server;
typedef void tcp_serve_fn(struct tcp_server *server, int fd);

struct tcp_server {
	int fd;
	int port;
	tcp_serve_fn *serve;
	const void *arg; /* what serve needs */
	size_t arg_size;
	pthread_t thread;
	atomic_int connections;
	atomic_bool stopping;
	char request[TCP_SERVER_REQUEST_SIZE]; /* the last one's header */
};

/* False: the peer is gone. */
static inline bool
tcp_send(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		const ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

/* Waits until the peer has closed, or for so long: true then. */
static inline bool
tcp_pause(int fd, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLRDHUP};

	return poll(&pfd, 1, ms) == 0;
}

static inline void
tcp_server_read(struct tcp_server *server, int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	size_t used = 0;

	while (used < sizeof(server->request) - 1) {
		ssize_t n;

		if (poll(&pfd, 1, TCP_SERVER_READ_MS) != 1)
			return;
		n = read(fd, server->request + used,
			 sizeof(server->request) - 1 - used);
		if (n <= 0)
			return;
		used += (size_t)n;
		server->request[used] = '\0';
		if (strstr(server->request, "\r\n\r\n"))
			return;
	}
}

static inline void *
tcp_server_run(void *arg)
{
	struct tcp_server *server = arg;

	for (;;) {
		const int fd = accept(server->fd, NULL, NULL);

		if (fd < 0 || atomic_load(&server->stopping)) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		atomic_fetch_add(&server->connections, 1);
		tcp_server_read(server, fd);
		server->serve(server, fd);
		close(fd);
	}
}

/* A socket bound to an ephemeral port; connections to it are refused until
 * someone listens. */
static inline int
tcp_bind(int family, int *port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const bool is_v6 = family == AF_INET6;
	struct sockaddr *address =
	    is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
	const int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, address, size) != 0 ||
	    getsockname(fd, address, &size) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
	return fd;
}

/* False: this family can't be had here. `serve` NULL: connections are made by
 * the kernel, and nobody ever takes them. */
static inline bool
tcp_server_start_on(struct tcp_server *server, int family, tcp_serve_fn *serve,
		    const void *arg, size_t arg_size)
{
	memset(server, 0, sizeof(*server));
	server->serve = serve;
	server->arg = arg;
	server->arg_size = arg_size;
	server->fd = tcp_bind(family, &server->port);
	if (server->fd < 0)
		return false;
	assert_int_equal(listen(server->fd, TCP_SERVER_BACKLOG), 0);
	if (serve)
		assert_int_equal(pthread_create(&server->thread, NULL,
						tcp_server_run, server),
				 0);
	return true;
}

static inline void
tcp_server_start(struct tcp_server *server, tcp_serve_fn *serve,
		 const void *arg, size_t arg_size)
{
	assert_true(tcp_server_start_on(server, AF_INET, serve, arg, arg_size));
}

/* Close the client first: what is being served must end. */
static inline void
tcp_server_stop(struct tcp_server *server)
{
	atomic_store(&server->stopping, true);
	shutdown(server->fd, SHUT_RDWR);
	if (server->serve)
		pthread_join(server->thread, NULL);
	close(server->fd);
}

#endif
