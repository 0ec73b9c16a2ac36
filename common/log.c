/* SPDX-License-Identifier: MIT */
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	/* PIPE_BUF of Linux: a pipe takes a line whole or not at all, so the
	 * lines of several threads and processes don't mix. */
	LINE_MAX_SIZE = 4096,
	LINE_TAIL = 2,       /* kept free for a closing quote and the newline */
	WRITE_TRIES = 16,    /* of one line: EINTR, part of it written */
	WRITE_WAIT_MS = 100, /* for a reader that does not read */
};

struct line {
	char text[LINE_MAX_SIZE];
	size_t len;
	bool full; /* something did not fit: nothing more is added */
};

static atomic_int log_level = LOG_LEVEL_INFO;
static atomic_ullong lost_lines; /* since the last one that was written */

void
log_set_level(enum log_level level)
{
	atomic_store(&log_level, (int)level);
}

static const char *
level_name(enum log_level level)
{
	static const char *const names[] = {
	    [LOG_LEVEL_ERROR] = "error",
	    [LOG_LEVEL_WARN] = "warn",
	    [LOG_LEVEL_INFO] = "info",
	    [LOG_LEVEL_DEBUG] = "debug",
	};

	return names[level];
}

/* Whole or not at all, so that a cut line never ends inside an escape or a
 * character. */
static void
line_add(struct line *line, const char *text, size_t len)
{
	if (line->full || len > LINE_MAX_SIZE - LINE_TAIL - line->len) {
		line->full = true;
		return;
	}
	memcpy(line->text + line->len, text, len);
	line->len += len;
}

static void
line_add_key(struct line *line, const char *key)
{
	char text[80];
	int len = snprintf(text, sizeof(text),
			   "%s%s=", line->len == 0 ? "" : " ", key);

	line_add(line, text,
		 len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

static void
line_add_time(struct line *line)
{
	struct timespec now;
	struct tm utc;
	char date[32];
	char text[48];

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		date[0] = '\0';
	snprintf(text, sizeof(text), "%s.%03ldZ", date, now.tv_nsec / 1000000);
	line_add_key(line, "time");
	line_add(line, text, strlen(text));
}

/* Characters that a terminal or a viewer obeys instead of showing: C1
 * controls, line separators, and what changes the direction of writing. */
static bool
is_hidden_control(uint32_t code)
{
	return (code >= 0x80 && code <= 0x9f) || code == 0x061c ||
	       (code >= 0x200e && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* Bytes of the character of several bytes that begins here, 0 if it is not
 * valid UTF-8 or must not be shown. */
static size_t
utf8_length(const unsigned char *s)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t code;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	code = s[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fU);
	}
	if (code < least[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff) || is_hidden_control(code))
		return 0;
	return len;
}

/* Adds the character at s, escaped if it must be; returns its bytes. */
static size_t
line_add_char(struct line *line, const unsigned char *s)
{
	char escape[8];
	size_t len;

	if (*s == '"' || *s == '\\') {
		snprintf(escape, sizeof(escape), "\\%c", *s);
	} else if (*s == '\n') {
		snprintf(escape, sizeof(escape), "\\n");
	} else if (*s >= 0x20 && *s < 0x7f) {
		line_add(line, (const char *)s, 1);
		return 1;
	} else if ((len = utf8_length(s)) != 0) {
		line_add(line, (const char *)s, len);
		return len;
	} else {
		snprintf(escape, sizeof(escape), "\\x%02x", *s);
	}
	line_add(line, escape, strlen(escape));
	return 1;
}

static void
line_add_value(struct line *line, const char *value)
{
	static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz"
				   "0123456789_.:/@+-";
	size_t nbare = strspn(value, bare);

	if (value[0] != '\0' && value[nbare] == '\0' &&
	    nbare <= LINE_MAX_SIZE - LINE_TAIL - line->len) {
		line_add(line, value, nbare);
		return;
	}
	line_add(line, "\"", 1);
	if (line->full)
		return;
	for (const unsigned char *s = (const unsigned char *)value;
	     *s != '\0' && !line->full;)
		s += line_add_char(line, s);
	line->text[line->len++] = '"'; /* in LINE_TAIL when the line is full */
}

static void
line_add_field(struct line *line, const struct log_field *field)
{
	char number[24];

	line_add_key(line, field->key);
	if (line->full)
		return;
	if (field->text != NULL) {
		line_add_value(line, field->text);
		return;
	}
	snprintf(number, sizeof(number), "%lld", (long long)field->number);
	line_add(line, number, strlen(number));
}

static void
line_make(struct line *line, enum log_level level, const char *event,
	  const struct log_field *fields)
{
	line->len = 0;
	line->full = false;
	line_add_time(line);
	line_add_field(line,
		       &(struct log_field)LOG_TEXT("level", level_name(level)));
	line_add_field(line, &(struct log_field)LOG_TEXT("event", event));
	for (size_t i = 0; fields[i].key != NULL && !line->full; i++)
		line_add_field(line, &fields[i]);
	line->text[line->len++] = '\n';
}

/* False: the line is lost. Waits only if the last line was not lost too, so
 * that a reader who stopped reading costs one wait, not one per line. */
static bool
line_write(const struct line *line)
{
	int wait_ms = atomic_load(&lost_lines) == 0 ? WRITE_WAIT_MS : 0;
	size_t done = 0;

	for (int i = 0; i < WRITE_TRIES && done < line->len; i++) {
		struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
		int ready = poll(&fd, 1, wait_ms);
		ssize_t n;

		if (ready == 0)
			return false;
		if (ready == -1 && errno == EINTR)
			continue;
		n = write(STDERR_FILENO, line->text + done, line->len - done);
		if (n == -1 && errno != EINTR && errno != EAGAIN)
			return false;
		if (n > 0)
			done += (size_t)n;
	}
	return done == line->len;
}

/* A log reader that is gone must not end us: SIGPIPE is held back and, if it
 * came from this write, taken away. */
static bool
line_send(const struct line *line)
{
	static const struct timespec now = {0};
	sigset_t pipe_signal, pending, saved;
	bool sent;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &saved);
	sigemptyset(&pending);
	sigpending(&pending);
	sent = line_write(line);
	if (!sent && sigismember(&pending, SIGPIPE) == 0)
		sigtimedwait(&pipe_signal, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return sent;
}

/* The reader is back: says what it missed. */
static void
send_lost(void)
{
	unsigned long long lost = atomic_exchange(&lost_lines, 0);
	struct line line;

	if (lost == 0)
		return;
	line_make(
	    &line, LOG_LEVEL_WARN, "log_lost",
	    (const struct log_field[]){LOG_NUM("lines", (int64_t)lost), {0}});
	if (!line_send(&line))
		atomic_fetch_add(&lost_lines, lost);
}

void
log_write(enum log_level level, const char *event,
	  const struct log_field *fields)
{
	int saved_errno = errno;
	struct line line;

	if ((int)level > atomic_load(&log_level))
		return;
	line_make(&line, level, event, fields);
	if (line_send(&line))
		send_lost();
	else
		atomic_fetch_add(&lost_lines, 1);
	errno = saved_errno;
}
