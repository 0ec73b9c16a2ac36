/* SPDX-License-Identifier: MIT */
#include "fcgi-api/answer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define METHODS "GET, HEAD, OPTIONS"

static const struct {
	int status;
	const char *reason;
	const char *fields; /* that every answer with this code has */
} codes[ANSWER_CODES] = {
    [ANSWER_OK] = {200, "OK", ""},
    [ANSWER_NO_CONTENT] = {204, "No Content",
			   "Allow: " METHODS "\r\n"
			   "Access-Control-Allow-Methods: " METHODS "\r\n"
			   "Access-Control-Allow-Headers: *\r\n"
			   "Access-Control-Max-Age: 86400\r\n"},
    [ANSWER_NOT_FOUND] = {404, "Not Found", ""},
    [ANSWER_NOT_ALLOWED] = {405, "Method Not Allowed",
			    "Allow: " METHODS "\r\n"},
    [ANSWER_FAILED] = {500, "Internal Server Error", ""},
    [ANSWER_UNAVAILABLE] = {503, "Service Unavailable", ""},
};

static const char *const source_names[SOURCE_COUNT] = {
    [SOURCE_FLEET] = "fleet",
    [SOURCE_BACKUP] = "backup",
};

static const char every_answer[] =
    "Cache-Control: no-store\r\n"
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: X-Gameserver-Source, "
    "X-Gameserver-State-Age, Retry-After\r\n";

void
answer_init(struct answer *a)
{
	a->code = ANSWER_OK;
	a->source = SOURCE_NONE;
	a->type = NULL;
	a->stale_s = -1;
	a->body = "";
	a->len = 0;
	a->made = (struct text){0};
}

void
answer_free(struct answer *a)
{
	text_free(&a->made);
}

void
answer_line(struct answer *a, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(a->line, sizeof(a->line), fmt, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < sizeof(a->line));
	a->body = a->line;
	a->len = strlen(a->line);
}

void
answer_made(struct answer *a)
{
	if (!text_ok(&a->made)) {
		a->type = NULL;
		answer_error(a, ANSWER_FAILED, "out of memory");
		return;
	}
	a->body = a->made.data;
	a->len = a->made.len;
}

void
answer_error(struct answer *a, enum answer_code code, const char *message)
{
	a->code = code;
	answer_line(a, "{\"error\": \"%s\"}", message);
}

/* Appends to the head; all of it fits, whatever the answer is. */
static void head_add(char *head, size_t *len, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
head_add(char *head, size_t *len, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int more = vsnprintf(head + *len, ANSWER_HEAD_SIZE - *len, fmt, args);
	va_end(args);
	assert(more >= 0 && (size_t)more < ANSWER_HEAD_SIZE - *len);
	*len += (size_t)more;
}

size_t
answer_head(const struct answer *a, char head[ANSWER_HEAD_SIZE])
{
	size_t len = 0;
	head_add(head, &len, "Status: %d %s\r\n", codes[a->code].status,
		 codes[a->code].reason);
	if (a->code != ANSWER_NO_CONTENT)
		head_add(
		    head, &len, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		    a->type == NULL ? "application/json" : a->type, a->len);
	head_add(head, &len, "%s%s", every_answer, codes[a->code].fields);
	if (a->source < SOURCE_COUNT)
		head_add(head, &len, "X-Gameserver-Source: %s\r\n",
			 answer_source_name(a->source));
	if (a->stale_s >= 0)
		head_add(head, &len, "X-Gameserver-State-Age: %lld\r\n",
			 (long long)a->stale_s);
	if (a->code == ANSWER_UNAVAILABLE)
		head_add(head, &len, "Retry-After: %d\r\n",
			 RETRY_AFTER_SECONDS);
	head_add(head, &len, "\r\n");
	return len;
}

int
answer_status(enum answer_code code)
{
	return codes[code].status;
}

const char *
answer_source_name(enum source source)
{
	assert(source < SOURCE_COUNT);
	return source_names[source];
}
