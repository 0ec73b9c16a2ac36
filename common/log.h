/* SPDX-License-Identifier: MIT */
/*
 * logfmt on stderr, one line per fact:
 *
 *	time=2026-11-22T16:48:48.123Z level=info event=state gameserver=17 ...
 *
 * Keys are constants of the program and part of its interface: tests and
 * operators search for event=. Values are quoted and escaped where needed, so
 * a value from the network can neither break a line nor reach a terminal.
 *
 * error: an operator must act; warn: degraded, heals itself; info: a state
 * changed or something was done; debug: everything else. Only edges are
 * logged, never "still fine". Nothing is logged in scalerd/core.
 */
#ifndef GSM_COMMON_LOG_H
#define GSM_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

struct log_field {
	const char *key;  /* NULL ends the list */
	const char *text; /* NULL: the value is number */
	int64_t number;
};

#define LOG_TEXT(k, v)                                                         \
	{                                                                      \
		.key = (k), .text = (v)                                        \
	}
#define LOG_NUM(k, v)                                                          \
	{                                                                      \
		.key = (k), .number = (v)                                      \
	}

/* Lines above this level are not written. Default: info. */
void log_set_level(enum log_level level);

/* One line with one write(2). Keeps errno. Safe from several threads. Lines
 * longer than 4 KiB are cut. */
void log_write(enum log_level level, const char *event,
	       const struct log_field *fields);

/* log_info("state", LOG_NUM("gameserver", 17), LOG_TEXT("to", "standby"));
 * at least one field. */
#define log_at(level, event, ...)                                              \
	log_write((level), (event),                                            \
		  (const struct log_field[]){__VA_ARGS__, {.key = 0}})
#define log_error(event, ...) log_at(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_at(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_at(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) log_at(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

#endif
