/* SPDX-License-Identifier: MIT */
/*
 * One HTTP answer, as CGI writes it: a head (status and header fields) and a
 * body. Nothing of the request is ever repeated in it.
 */
#ifndef GSM_FCGI_API_ANSWER_H
#define GSM_FCGI_API_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fcgi-api/limits.h"
#include "fcgi-api/text.h"

enum answer_code {
	ANSWER_OK,
	ANSWER_NO_CONTENT,
	ANSWER_NOT_FOUND,
	ANSWER_NOT_ALLOWED,
	ANSWER_FAILED,
	ANSWER_UNAVAILABLE,
	ANSWER_CODES,
};

/* Where a granted address came from. */
enum source { SOURCE_FLEET, SOURCE_BACKUP, SOURCE_COUNT, SOURCE_NONE };

struct answer {
	enum answer_code code;
	enum source source; /* SOURCE_NONE: no grant */
	const char *type;   /* media type; NULL: JSON */
	int64_t stale_s;    /* age of a stale state; -1: not stale */
	const char *body;   /* borrowed, or line, or made.data */
	size_t len;
	char line[ANSWER_LINE_SIZE]; /* for a short body */
	struct text made;            /* for a long one; owned */
};

/* 200 without a body yet. */
void answer_init(struct answer *a);
void answer_free(struct answer *a);

/* The body, formatted into a->line (longer ones are cut). */
void answer_line(struct answer *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The body {"name": "value"}, of two short texts in which nothing needs to be
 * escaped. The bytes are those of Python's json.dumps. */
void answer_member(struct answer *a, const char *name, const char *value);

/* The body is what was added to a->made; 500 if that failed. */
void answer_made(struct answer *a);

/* {"error": message}; message is a constant of the program, plain ASCII. */
void answer_error(struct answer *a, enum answer_code code, const char *message);

/* Writes the head, with the empty line that ends it, and returns its length,
 * which is below ANSWER_HEAD_SIZE. */
size_t answer_head(const struct answer *a, char head[ANSWER_HEAD_SIZE]);

/* 200 and so on, and the name of a source ("fleet", "backup"). */
int answer_status(enum answer_code code);
const char *answer_source_name(enum source source);

#endif
