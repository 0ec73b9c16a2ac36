/* SPDX-License-Identifier: MIT */
/*
 * What the tests of AWS credentials share: an environment of their own, a clock
 * that they set, and a server that plays the endpoints which hand out keys.
 */
#ifndef GSM_TESTS_CREDENTIALS_BENCH_H
#define GSM_TESTS_CREDENTIALS_BENCH_H

#include "tests/unit/unit.h"

#include <stdatomic.h>

#include "scalerd/aws/credentials.h"
#include "tests/unit/scalerd/tcp_server.h"

#define NOW_MS      INT64_C(1795372696000) /* 2026-11-22T18:38:16Z */
#define IN_ONE_HOUR "2026-11-22T19:38:16Z"
#define HOUR_MS     INT64_C(3600000)
#define MINUTE_MS   INT64_C(60000)
#define SECRET      "SeCrEt/that+nobody=sees"
#define OK          "HTTP/1.1 200 OK\r\n\r\n"
#define KEYS_JSON(id, expiration)                                              \
	"{\"Code\":\"Success\",\"AccessKeyId\":\"" id                          \
	"\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"T0ken\","           \
	"\"Expiration\":\"" expiration "\"}"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	BENCH_ENV_MAX = 16,
	BENCH_REQUESTS_MAX = 64,
	BENCH_REST_MS = 300, /* longer than a busy machine stalls */
	BENCH_DEADLINE_MS = 20000,
	BENCH_PATH_SIZE = 128,
};

/* What the server answers to a request that begins with `begin`. */
struct reply {
	const char *begin;
	const char *text; /* NULL: nothing, until the peer gives up */
	size_t size;      /* 0: of text, as a string */
};

struct bench {
	struct loop *loop;
	struct credentials *credentials;
	struct {
		char name[64];
		char value[1024];
	} env[BENCH_ENV_MAX];
	size_t nenv;
	int changed;
	bool inside; /* a call */
	struct aws_keys keys;
	struct err err;
	char directory[BENCH_PATH_SIZE];
	struct tcp_server server;
	bool serving;
	_Atomic(const struct reply *) replies; /* ends with an empty one */
	char request[BENCH_REQUESTS_MAX][TCP_SERVER_REQUEST_SIZE];
};

int bench_setup(void **state);
int bench_teardown(void **state);

void bench_env(struct bench *b, const char *name, const char *value);
/* The environment as the code under test asks for it; arg is the bench. */
const char *bench_env_of(void *arg, const char *name);
/* Writes a file into the bench's directory; answers its path, until the next
 * call. */
const char *bench_file(struct bench *b, const char *name, const char *text);

/* Serves at http://127.0.0.1:b->server.port. */
void bench_serve(struct bench *b, const struct reply *replies);
/* The same, and sets the environment variable to `path` of it. */
void bench_serve_as(struct bench *b, const char *variable, const char *path,
		    const struct reply *replies);
/* Afterwards b->request can be read; answers how many there were. */
int bench_stop(struct bench *b);

/* Opens; twice: anew. */
void bench_open(struct bench *b);
void bench_close(struct bench *b);
enum credentials_state bench_get(struct bench *b, int64_t now_utc_ms);
void bench_refuse(struct bench *b, const char *key_id);
/* Turns the loop until there is `state`. */
void bench_wait(struct bench *b, int64_t now_utc_ms,
		enum credentials_state state);
/* Opens and waits: keys with this id are there. */
void bench_expect_keys(struct bench *b, const char *id);
/* Opens and waits: fails, saying this and no secret. */
void bench_expect_failure(struct bench *b, const char *says);

#endif
