/* SPDX-License-Identifier: MIT */
/*
 * Very many gameservers in one process, for benchmarks of what asks them:
 * answers every request on every address 127.x.y.z, at one port, as
 * GET /health/ is answered.
 *
 *	many_gameservers [--hung PERCENT] [--hang-after ANSWERS]
 *
 * Prints its port and ends when its standard input does. Gameserver number i
 * has the address 127.(1 + i / 65536).(i / 256 % 256).(i % 256). Of each
 * hundred the first PERCENT hang: they take connections and, after ANSWERS
 * answers on one, answer no more.
 */
#define _GNU_SOURCE /* accept4, SO_BINDTODEVICE */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum { BACKLOG = 4096, EVENTS_MAX = 256, READ_SIZE = 2048 };

static const char answer[] =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 50\r\n"
    "\r\n"
    "{\"available_capacity\":100,\"ready_to_close\": false}";
static const char end_of_header[] = "\r\n\r\n";

/* A connection, by its descriptor. */
struct peer {
	bool hangs;
	int matched; /* of end_of_header */
	int answers;
};

struct site {
	int epoll_fd;
	int listen_fd;
	int hung_percent;
	int hang_after;
	struct peer *peer;
	size_t npeer;
};

static int
listen_on_loopback(int *port)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t size = sizeof(any);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* Every address, but of the loopback only. */
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0 ||
	    bind(fd, (struct sockaddr *)&any, size) != 0 ||
	    listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&any, &size) != 0) {
		perror("many_gameservers: listen");
		exit(EX_OSERR);
	}
	*port = ntohs(any.sin_port);
	return fd;
}

static void
watch(const struct site *site, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(site->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		perror("many_gameservers: epoll_ctl");
		exit(EX_OSERR);
	}
}

static void
take(struct site *site)
{
	struct sockaddr_in own = {0};
	socklen_t size = sizeof(own);
	const int one = 1;
	int fd;

	while ((fd = accept4(site->listen_fd, NULL, NULL, SOCK_NONBLOCK)) >=
	       0) {
		uint32_t number;

		if ((size_t)fd >= site->npeer ||
		    getsockname(fd, (struct sockaddr *)&own, &size) != 0) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		number = ntohl(own.sin_addr.s_addr) & 0xffff;
		site->peer[fd] = (struct peer){.hangs = (int)(number % 100) <
							site->hung_percent};
		watch(site, fd);
	}
}

static void
serve(const struct site *site, int fd)
{
	struct peer *peer = &site->peer[fd];
	char data[READ_SIZE];
	const ssize_t n = read(fd, data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (data[i] != end_of_header[peer->matched])
			peer->matched = data[i] == '\r';
		else
			peer->matched++;
		if (end_of_header[peer->matched] != '\0')
			continue;
		peer->matched = 0;
		if (peer->hangs && peer->answers >= site->hang_after)
			continue;
		peer->answers++;
		/* Fits into the socket's buffer: it was empty. */
		if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
			perror("many_gameservers: send");
	}
}

static void
run(struct site *site)
{
	struct epoll_event event[EVENTS_MAX];

	for (;;) {
		const int n = epoll_wait(site->epoll_fd, event, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			const int fd = event[i].data.fd;
			char none[16];

			if (fd == site->listen_fd)
				take(site);
			else if (fd != STDIN_FILENO)
				serve(site, fd);
			else if (read(fd, none, sizeof(none)) <= 0)
				return;
		}
	}
}

static void
parse(struct site *site, int argc, char **argv)
{
	static const struct option option[] = {
	    {"hung", required_argument, NULL, 'h'},
	    {"hang-after", required_argument, NULL, 'a'},
	    {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", option, NULL)) != -1) {
		if (c == 'h')
			site->hung_percent = (int)strtol(optarg, NULL, 10);
		else if (c == 'a')
			site->hang_after = (int)strtol(optarg, NULL, 10);
		else
			exit(EX_USAGE);
	}
}

int
main(int argc, char **argv)
{
	struct site site = {0};
	struct rlimit limit;
	int port;

	parse(&site, argc, argv);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return EX_OSERR;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return EX_OSERR;
	site.npeer = limit.rlim_cur < 1 << 20 ? limit.rlim_cur : 1 << 20;
	site.peer = calloc(site.npeer, sizeof(*site.peer));
	site.epoll_fd = epoll_create1(0);
	if (!site.peer || site.epoll_fd < 0)
		return EX_OSERR;
	site.listen_fd = listen_on_loopback(&port);
	watch(&site, site.listen_fd);
	watch(&site, STDIN_FILENO);
	printf("%d\n", port);
	fflush(stdout);
	run(&site);
	free(site.peer);
	return EX_OK;
}
