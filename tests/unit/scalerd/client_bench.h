/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the AWS client share: a server that keeps connections open
 * and answers request after request from a script, and calls whose answers are
 * kept.
 */
#ifndef GSM_TESTS_CLIENT_BENCH_H
#define GSM_TESTS_CLIENT_BENCH_H

#include "scalerd/aws/client.h"
#include "tests/unit/scalerd/credentials_bench.h"

#define HTTP(status, headers, size, body)                                      \
	"HTTP/1.1 " status " X\r\n" headers "Content-Length: " size            \
	"\r\n\r\n" body

#define EMPTY_JSON HTTP("200", "", "2", "{}")
#define ERROR_JSON(status, type)                                               \
	"HTTP/1.1 " status " X\r\nConnection: close\r\n\r\n"                   \
	"{\"__type\":\"" type "\",\"message\":\"Told why\"}"
#define ERROR_XML(status, code)                                                \
	"HTTP/1.1 " status " X\r\nConnection: close\r\n\r\n"                   \
	"<Response><Errors><Error><Code>" code                                 \
	"</Code><Message>Told why</Message></Error></Errors>"                  \
	"<RequestID>1</RequestID></Response>"
#define THROTTLED                                                              \
	{                                                                      \
		ERROR_JSON("400", "ThrottlingException"), .closes = true       \
	}
#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, client_bench_setup,                 \
					client_bench_teardown)

enum {
	AWS_CONNECTIONS_MAX = 64,
	AWS_REQUESTS_MAX = 64,
	AWS_REQUEST_SIZE = 4096,
	AWS_CALLS_MAX = CLIENT_WAITING_MAX,
	AWS_BODY_SIZE = 64,
	SHORT_MS = 150,
};

/* What is done with a request; the script's last line serves all others. */
struct line {
	const char *text; /* the answer; NULL: none */
	size_t filler;    /* bytes of headers that say nothing, after it */
	int delay_ms;     /* before it */
	bool closes;      /* the connection, after it */
};

struct aws_connection {
	int fd;
	size_t used;
	char request[AWS_REQUEST_SIZE];
};

struct aws_server {
	int fd;
	int port;
	pthread_t thread;
	atomic_bool stopping;
	const struct line *script;
	size_t nscript;
	struct aws_connection connection[AWS_CONNECTIONS_MAX];
	size_t nconnection;     /* open */
	atomic_int connections; /* ever */
	atomic_int requests;
	char request[AWS_REQUESTS_MAX][AWS_REQUEST_SIZE];
};

struct told {
	struct client_bench *b;
	int times;
	enum client_outcome outcome;
	struct aws_error error;
	char body[AWS_BODY_SIZE]; /* its begin */
	size_t size;
};

struct client_bench {
	struct bench *keys; /* loop and environment */
	struct client *client;
	struct client_times times; /* to be set before the first call */
	int64_t pause_ms;          /* of the credentials' pace, likewise */
	int64_t rest_ms;           /* of it, too */
	struct aws_server server;
	bool serving;
	bool inside; /* a call */
	size_t ncall;
	struct client_call *call[AWS_CALLS_MAX];
	struct told told[AWS_CALLS_MAX];
};

extern const struct line bench_good[1];
extern const struct line bench_silent[1];
extern const struct client_request bench_describe; /* DescribeInstances */
extern const struct client_request bench_launch;   /* RunInstances */

/* The environment has keys and the server's URL for both services. */
int client_bench_setup(void **state);
int client_bench_teardown(void **state);

void client_bench_serve(struct client_bench *b, const struct line *script,
			size_t n);
#define SERVE(b, script) client_bench_serve(b, script, COUNT(script))
/* Afterwards the requests can be read; answers how many there were. */
int client_bench_stop(struct client_bench *b);

/* Each of these opens the client when it isn't. */
struct told *client_bench_call(struct client_bench *b,
			       const struct client_request *request);
struct told *client_bench_read(struct client_bench *b);   /* ListTasks */
struct told *client_bench_change(struct client_bench *b); /* RunTask */
void client_bench_wait(struct client_bench *b, const struct told *told);
void client_bench_wait_requests(struct client_bench *b, int n);

void client_bench_expect(const struct told *told, enum client_outcome outcome,
			 enum aws_error_class class);

/* The value of a header of request n, until the next call; NULL: it has none.
 */
const char *client_bench_header(struct client_bench *b, int n,
				const char *name);
/* Its X-Amz-Date. */
int64_t client_bench_sent_ms(struct client_bench *b, int n);
const char *client_bench_body(struct client_bench *b, int n);

#endif
