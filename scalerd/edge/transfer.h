/* SPDX-License-Identifier: MIT */
/*
 * What every HTTP transfer of scalerd has in common: one libcurl easy handle
 * whose peer is not trusted. Its answer is bounded in size, no redirect is
 * followed, no proxy and no .netrc is used, TLS is 1.2 or newer and checked,
 * and no program that we start inherits the socket.
 */
#ifndef GSM_EDGE_TRANSFER_H
#define GSM_EDGE_TRANSFER_H

#include <curl/curl.h>
#include <stddef.h>

#include "common/err.h"

/* Of an answer, in bytes. */
struct transfer_limits {
	size_t body_first; /* room from the beginning */
	size_t body_max;   /* room that is made when it is needed */
	size_t header_max; /* trailers count too */
};

/* One line of an answer's header, as it came; not NUL-terminated. */
typedef void transfer_header_fn(void *arg, const char *line, size_t size);

/* Must not move while it is open. */
struct transfer {
	CURL *easy;
	struct transfer_limits limits;
	transfer_header_fn *header; /* NULL: nobody wants to know */
	void *header_arg;
	int socket_errno; /* why there is no socket, 0: there is one */
	bool too_long;    /* the answer was, and was dropped */
	size_t header_size;
	size_t body_room;
	size_t body_size;
	char *body; /* ends with a NUL, which body_size does not count */
};

struct transfer_number {
	CURLoption option;
	long value;
};

struct transfer_text {
	CURLoption option;
	const char *value; /* NULL: not set, libcurl's default stays */
};

/* Call curl_global_init before. transfer_close it also after false. */
NODISCARD bool transfer_open(struct transfer *transfer,
			     const struct transfer_limits *limits,
			     struct err *err);
NODISCARD CURLcode transfer_set_numbers(struct transfer *transfer,
					const struct transfer_number *number,
					size_t n);
NODISCARD CURLcode transfer_set_texts(struct transfer *transfer,
				      const struct transfer_text *text,
				      size_t n);
/* Wipes the last answer, before the handle is used again. */
void transfer_forget(struct transfer *transfer);
/* Accepts one that is all zero. */
void transfer_close(struct transfer *transfer);

/* Wipes and frees what may hold a secret. Accepts NULL. */
void transfer_free_headers(struct curl_slist *headers);

#endif
