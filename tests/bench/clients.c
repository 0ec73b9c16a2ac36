/* SPDX-License-Identifier: MIT */
/*
 * clients --port PORT --path PATH --clients N --ms N
 *
 * N clients on 127.0.0.1, each with one connection that is kept: a request,
 * its answer, the next request, without a pause. Percentiles hide a client
 * that gets no answer at all, so this counts the replies of each one and
 * prints the smallest, median and largest, the longest that anybody waited
 * (also who was waiting at the end), and how many replies were a 503.
 */
#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"

enum { EXIT_USAGE = 64, EXIT_OS = 71 };

enum {
	CLIENTS_MAX = 4096,
	MS_MAX = 600 * 1000,
	ANSWER_MAX = 4096, /* head and body */
	REQUEST_MAX = 256,
	EVENTS_MAX = 256,
	RECONNECTS_MAX = 10000, /* nginx closes a connection now and then */
};

struct client {
	int fd;
	int64_t asked_ns; /* the request that is not answered yet */
	int64_t replies;
	size_t len; /* of what came of the answer */
	char answer[ANSWER_MAX + 1];
};

static struct run {
	struct sockaddr_in server;
	char request[REQUEST_MAX];
	size_t request_len;
	struct client *client;
	size_t n;
	int epoll;
	int64_t longest_ns;
	int64_t refused; /* 503 */
	int64_t failed;  /* any other status than 200 */
	int64_t reconnects;
} the_run;

struct arguments {
	long port, clients, ms;
	const char *path;
};

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
note_wait(struct run *r, const struct client *c, int64_t now)
{
	if (now - c->asked_ns > r->longest_ns)
		r->longest_ns = now - c->asked_ns;
}

/* A request is small and the one before it was answered: it fits. */
static bool
ask(struct run *r, struct client *c, struct err *err)
{
	ssize_t sent = send(c->fd, r->request, r->request_len, MSG_NOSIGNAL);

	if (sent != (ssize_t)r->request_len)
		return err_set(err, "send: %s",
			       sent < 0 ? strerror(errno) : "cut short");
	c->len = 0;
	return true;
}

static bool
dial(struct run *r, struct client *c, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	const int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return err_set(err, "socket: %s", strerror(errno));
	if (connect(c->fd, (const struct sockaddr *)&r->server,
		    sizeof(r->server)) != 0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		return err_set(err, "connection: %s", strerror(errno));
	return ask(r, c, err);
}

/* The length of the whole answer; 0: its head is not there yet; -1: it is
 * none that this program understands. */
static int64_t
answer_length(const struct client *c)
{
	static const char field[] = "\r\nContent-Length:";
	const char *end = strstr(c->answer, "\r\n\r\n");
	const char *at = c->answer;

	if (end == NULL)
		return c->len < ANSWER_MAX ? 0 : -1;
	while ((at = strstr(at, "\r\n")) != NULL && at < end) {
		if (strncasecmp(at, field, sizeof(field) - 1) == 0) {
			long body = strtol(at + sizeof(field) - 1, NULL, 10);
			int64_t all = end + 4 - c->answer + (int64_t)body;
			return body >= 0 && all <= ANSWER_MAX ? all : -1;
		}
		at += 2;
	}
	return -1;
}

static void
count(struct run *r, struct client *c)
{
	int64_t now = now_ns();

	note_wait(r, c, now);
	c->asked_ns = now;
	c->replies++;
	if (strncmp(c->answer, "HTTP/1.1 503 ", 13) == 0)
		r->refused++;
	else if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0)
		r->failed++;
}

/* The server closed the connection: the request goes out once more, by a new
 * one, and its wait goes on. */
static bool
redial(struct run *r, struct client *c, struct err *err)
{
	(void)close(c->fd);
	c->fd = -1;
	if (++r->reconnects > RECONNECTS_MAX)
		return err_set(err, "connections are closed again and again");
	return dial(r, c, err);
}

static bool
receive(struct run *r, struct client *c, struct err *err)
{
	ssize_t len = recv(c->fd, c->answer + c->len, ANSWER_MAX - c->len, 0);
	int64_t whole;

	if (len <= 0)
		return redial(r, c, err);
	c->len += (size_t)len;
	c->answer[c->len] = '\0';
	whole = answer_length(c);
	if (whole < 0 || (whole > 0 && (int64_t)c->len > whole))
		return err_set(err, "not understood: %.200s", c->answer);
	if (whole == 0 || (int64_t)c->len < whole)
		return true;
	count(r, c);
	return ask(r, c, err);
}

static bool
play(struct run *r, int64_t end_ns, struct err *err)
{
	struct epoll_event event[EVENTS_MAX];
	bool ok = true;
	int64_t left_ns;

	for (size_t i = 0; ok && i < r->n; i++)
		ok = dial(r, &r->client[i], err);
	for (size_t i = 0; i < r->n; i++)
		r->client[i].asked_ns = now_ns();
	while (ok && (left_ns = end_ns - now_ns()) > 0) {
		int n = epoll_wait(r->epoll, event, EVENTS_MAX,
				   (int)(left_ns / 1000000 + 1));
		for (int i = 0; ok && i < n; i++)
			ok = receive(r, event[i].data.ptr, err);
	}
	for (size_t i = 0; ok && i < r->n; i++)
		note_wait(r, &r->client[i], now_ns());
	return ok;
}

static int
by_replies(const void *a, const void *b)
{
	const struct client *x = a, *y = b;

	return (x->replies > y->replies) - (x->replies < y->replies);
}

static void
report(struct run *r, double seconds)
{
	const struct client *c = r->client;
	int64_t replies = 0;
	size_t without = 0;

	qsort(r->client, r->n, sizeof(*r->client), by_replies);
	for (size_t i = 0; i < r->n; i++) {
		replies += c[i].replies;
		without += c[i].replies == 0;
	}
	printf("{\"name\": \"clients\", \"clients\": %zu, \"seconds\": %.3f, "
	       "\"per_second\": %.1f, \"smallest\": %" PRId64
	       ", \"median\": %" PRId64 ", \"largest\": %" PRId64
	       ", \"without_reply\": %zu, \"longest_wait_ms\": %.3f, "
	       "\"refused\": %" PRId64 ", \"failed\": %" PRId64
	       ", \"replies\": %" PRId64 ", \"reconnects\": %" PRId64 "}\n",
	       r->n, seconds, (double)replies / seconds, c[0].replies,
	       c[r->n / 2].replies, c[r->n - 1].replies, without,
	       (double)r->longest_ns / 1e6, r->refused, r->failed, replies,
	       r->reconnects);
}

static bool
set_up(struct run *r, const struct arguments *a, struct err *err)
{
	int len = snprintf(r->request, sizeof(r->request),
			   "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", a->path);

	if (len < 0 || (size_t)len >= sizeof(r->request))
		return err_set(err, "the path is too long");
	r->request_len = (size_t)len;
	r->server = (struct sockaddr_in){
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)a->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	r->n = (size_t)a->clients;
	r->client = calloc(r->n, sizeof(*r->client));
	if (r->client == NULL)
		return err_set(err, "out of memory");
	for (size_t i = 0; i < r->n; i++)
		r->client[i].fd = -1;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	return r->epoll >= 0 || err_set(err, "epoll: %s", strerror(errno));
}

static bool
parse(const char *text, long max, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' && *value >= 1 && *value <= max;
}

static bool
parse_arguments(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", required_argument, NULL, 'p'},
	    {"path", required_argument, NULL, 'u'},
	    {"clients", required_argument, NULL, 'c'},
	    {"ms", required_argument, NULL, 'm'},
	    {NULL, 0, NULL, 0},
	};
	bool good = true;
	int option;

	while (good &&
	       (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			good = parse(optarg, UINT16_MAX, &a->port);
		else if (option == 'u')
			a->path = optarg;
		else if (option == 'c')
			good = parse(optarg, CLIENTS_MAX, &a->clients);
		else
			good = option == 'm' && parse(optarg, MS_MAX, &a->ms);
	}
	return good && optind == argc && a->port > 0 && a->clients > 0 &&
	       a->ms > 0 && a->path != NULL;
}

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	struct run *r = &the_run;
	struct err err;
	int64_t began_ns;
	bool ok;

	if (!parse_arguments(&a, argc, argv)) {
		fputs("usage: clients --port PORT --path PATH --clients N "
		      "--ms N\n",
		      stderr);
		return EXIT_USAGE;
	}
	ok = set_up(r, &a, &err);
	began_ns = now_ns();
	ok = ok && play(r, began_ns + a.ms * INT64_C(1000000), &err);
	if (ok)
		report(r, (double)(now_ns() - began_ns) / 1e9);
	else
		(void)fprintf(stderr, "clients: %s\n", err.msg);
	for (size_t i = 0; r->client != NULL && i < r->n; i++) {
		if (r->client[i].fd >= 0)
			(void)close(r->client[i].fd);
	}
	free(r->client);
	return ok ? EXIT_SUCCESS : EXIT_OS;
}
