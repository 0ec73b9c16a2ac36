/* SPDX-License-Identifier: MIT */
/*
 * The option table: what each option is called, what it accepts, what it is
 * when nobody sets it, and where in struct config it goes. Used by config.c
 * only; everybody else reads struct config.
 */
#ifndef GSM_COMMON_CONFIG_OPTION_H
#define GSM_COMMON_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"

enum {
	CONFIG_OPTIONS_MAX = 96,
	CONFIG_ACCEPTED_SIZE = 160, /* bytes of "what is accepted", with NUL */
	CONFIG_HOLD_UNSET = -1,     /* SEAT_HOLD_MS follows other options */
};

enum config_flag {
	CONFIG_RESTART = 1,     /* a change needs a restart */
	CONFIG_API = 2,         /* fcgi-api reads it too */
	CONFIG_UNUSED = 4,      /* accepted for old files, never looked at */
	CONFIG_SECRET = 8,      /* its value is never shown */
	CONFIG_OTHER_NAME = 16, /* of the option in the row before: overrides it
				   when set, has no default of its own */
};

struct config_option;

/* How the values of some options are read. */
struct config_kind {
	/* Writes the value into config. False: it is not accepted, and config
	 * may be half written. */
	bool (*read)(const struct config_option *option, const char *value,
		     struct config *config);
	/* Says what is accepted; NULL: it is always `accepted`. */
	void (*describe)(const struct config_option *option, char *to,
			 size_t size);
	const char *accepted;
	bool is_text; /* the target is a string */
};

struct config_option {
	const char *name;
	const struct config_kind *kind;
	const char *preset;  /* the default, as in a file */
	size_t offset;       /* of the target in struct config */
	size_t size;         /* of the target, bytes */
	int64_t min;         /* numbers: of the value, in the file's unit */
	int64_t max;         /* text: of its length */
	const char *allowed; /* names: characters as in [], "-" last; ids: what
				each begins with */
	const char *const *words; /* the enum's, in its order; NULL-ended */
	unsigned flags;           /* enum config_flag */
	const char *help;         /* one sentence */
};

extern const struct config_option config_options[];
extern const size_t config_noptions; /* <= CONFIG_OPTIONS_MAX */

/* The option with the name, or NULL. */
const struct config_option *config_option_find(const char *name);

/* The option that was probably meant by an unknown name, or NULL. */
const struct config_option *config_option_guess(const char *name);

/* Writes a text such as "a whole number from 0 to 10". */
void config_option_describe(const struct config_option *option,
			    char to[CONFIG_ACCEPTED_SIZE]);

/* True if both configurations have the same value of the option. */
bool config_option_same(const struct config_option *option,
			const struct config *a, const struct config *b);

extern const struct config_kind config_kind_number;
extern const struct config_kind config_kind_seconds;  /* kept in ms */
extern const struct config_kind config_kind_interval; /* the same, 0: 1 s */
extern const struct config_kind config_kind_ms;
extern const struct config_kind config_kind_hold; /* the same, or nothing:
						     CONFIG_HOLD_UNSET */
extern const struct config_kind config_kind_name;
extern const struct config_kind config_kind_region; /* a name, "_" is "-" */
extern const struct config_kind config_kind_word;
extern const struct config_kind config_kind_text;      /* or nothing */
extern const struct config_kind config_kind_host_port; /* or nothing */
extern const struct config_kind config_kind_ip;
extern const struct config_kind config_kind_ports;
extern const struct config_kind config_kind_port; /* or nothing: 0 */
extern const struct config_kind config_kind_template;
extern const struct config_kind config_kind_ids; /* or nothing */
extern const struct config_kind config_kind_health_url;
extern const struct config_kind config_kind_path; /* made absolute */
extern const struct config_kind config_kind_unused;

#endif
