/* SPDX-License-Identifier: MIT */
/*
 * One request and its answer: request -> state -> handler -> answer. The
 * same for FastCGI and plain CGI, which differ in the struct exchange_port.
 */
#ifndef GSM_FCGI_API_EXCHANGE_H
#define GSM_FCGI_API_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi-api/answer.h"
#include "fcgi-api/api.h"
#include "fcgi-api/random.h"
#include "fcgi-api/request.h"

/* How variables come in and bytes go out. */
struct exchange_port {
	request_variable_fn *variable;
	/* A client that went away is nobody's error: nothing is returned. */
	void (*write)(void *arg, const char *bytes, size_t len);
	void *arg;
};

/* A request thread. */
struct exchange_thread {
	struct api *api;
	unsigned slot; /* below API_THREADS, its own */
	struct random_stream random;
};

struct exchange {
	struct exchange_thread *thread;
	struct request request;
	int64_t age_ms;        /* of the state; -1: nothing was read yet */
	bool stale;            /* too old, or no state, or no ledger */
	struct ledger *ledger; /* NULL: none to be trusted */
	struct answer answer;
};

/* Reads the request from the port, answers it and counts it. */
void exchange_run(struct exchange_thread *thread,
		  const struct exchange_port *port);

/* Sets the thread up and seeds its random numbers from the kernel. */
NODISCARD bool exchange_thread_init(struct exchange_thread *thread,
				    struct api *api, unsigned slot,
				    struct err *err);

#endif
