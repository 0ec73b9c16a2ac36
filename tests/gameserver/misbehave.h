/* SPDX-License-Identifier: MIT */
/* The ways in which a gameserver can be made to fail on purpose. */
#ifndef GSM_GAMESERVER_MISBEHAVE_H
#define GSM_GAMESERVER_MISBEHAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum misbehave_kind {
	MISBEHAVE_NONE,
	MISBEHAVE_SLOW,         /* each health answer MS late */
	MISBEHAVE_HANG,         /* takes connections, answers nothing */
	MISBEHAVE_WRONG_JSON,   /* an answer that means nothing */
	MISBEHAVE_HUGE,         /* an answer without an end */
	MISBEHAVE_NEVER_READY,  /* 503 */
	MISBEHAVE_NEGATIVE,     /* available_capacity -5 */
	MISBEHAVE_LIE_READY,    /* ready_to_close whoever plays */
	MISBEHAVE_DRIP,         /* one byte a second */
	MISBEHAVE_REDIRECT,     /* to a place with a good answer */
	MISBEHAVE_REFUSE_START, /* ends at once, with 1 */
	MISBEHAVE_IGNORE_TERM,  /* SIGTERM is noted, nothing more */
	MISBEHAVE_KIND_COUNT
};

enum {
	MISBEHAVE_TEXT_SIZE = 256,
	MISBEHAVE_MS_MAX = 3600000,
};

struct misbehave {
	enum misbehave_kind kind;
	int64_t ms;                     /* slow */
	char text[MISBEHAVE_TEXT_SIZE]; /* wrong-json: the body, or "" */
};

const char *misbehave_name(enum misbehave_kind kind);

/* Reads KIND or KIND=VALUE. False: it is neither, *misbehave is untouched. */
bool misbehave_parse(const char *text, struct misbehave *misbehave);

/* One line for each kind, for --help. */
void misbehave_print_kinds(FILE *to);

#endif
