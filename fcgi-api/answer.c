/* SPDX-License-Identifier: MIT */
#include "fcgi-api/answer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_SIZE = 21 }; /* of 2^64 - 1, and NUL */

#define METHODS "GET, HEAD, OPTIONS"

static const struct {
	int status;
	const char *status_line;
	const char *fields; /* that every answer with this code has */
} codes[ANSWER_CODES] = {
    [ANSWER_OK] = {200, "Status: 200 OK\r\n", ""},
    [ANSWER_NO_CONTENT] = {204, "Status: 204 No Content\r\n",
			   "Allow: " METHODS "\r\n"
			   "Access-Control-Allow-Methods: " METHODS "\r\n"
			   "Access-Control-Allow-Headers: *\r\n"
			   "Access-Control-Max-Age: 86400\r\n"},
    [ANSWER_NOT_FOUND] = {404, "Status: 404 Not Found\r\n", ""},
    [ANSWER_NOT_ALLOWED] = {405, "Status: 405 Method Not Allowed\r\n",
			    "Allow: " METHODS "\r\n"},
    [ANSWER_FAILED] = {500, "Status: 500 Internal Server Error\r\n", ""},
    [ANSWER_UNAVAILABLE] = {503, "Status: 503 Service Unavailable\r\n", ""},
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
answer_member(struct answer *a, const char *name, const char *value)
{
	const char *const parts[] = {"{\"", name, "\": \"", value, "\"}"};
	a->body = a->line;
	a->len = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = strlen(parts[i]);
		assert(len < sizeof(a->line) - a->len);
		memcpy(a->line + a->len, parts[i], len);
		a->len += len;
	}
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
	answer_member(a, "error", message);
}

/* Appends to the head; all of it fits, whatever the answer is. By hand: printf
 * alone would take another page of each thread's stack. */
static void
put(char *head, size_t *len, const char *text)
{
	size_t more = strlen(text);
	assert(more < ANSWER_HEAD_SIZE - *len);
	memcpy(head + *len, text, more + 1);
	*len += more;
}

static void
put_number(char *head, size_t *len, const char *name, uint64_t number)
{
	char digits[DIGITS_SIZE] = {0};
	char *first = digits + sizeof(digits) - 1;
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(head, len, name);
	put(head, len, first);
	put(head, len, "\r\n");
}

size_t
answer_head(const struct answer *a, char head[ANSWER_HEAD_SIZE])
{
	size_t len = 0;
	put(head, &len, codes[a->code].status_line);
	if (a->code != ANSWER_NO_CONTENT) {
		put(head, &len, "Content-Type: ");
		put(head, &len, a->type == NULL ? "application/json" : a->type);
		put_number(head, &len, "\r\nContent-Length: ", a->len);
	}
	put(head, &len, every_answer);
	put(head, &len, codes[a->code].fields);
	if (a->source < SOURCE_COUNT) {
		put(head, &len, "X-Gameserver-Source: ");
		put(head, &len, answer_source_name(a->source));
		put(head, &len, "\r\n");
	}
	if (a->stale_s >= 0)
		put_number(head, &len,
			   "X-Gameserver-State-Age: ", (uint64_t)a->stale_s);
	if (a->code == ANSWER_UNAVAILABLE)
		put_number(head, &len, "Retry-After: ", RETRY_AFTER_SECONDS);
	put(head, &len, "\r\n");
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
