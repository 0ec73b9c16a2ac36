/* SPDX-License-Identifier: MIT */
/*
 * AWS's shared credentials and config files: one profile of one file.
 *
 *	[default]                      # [profile NAME] in the config file
 *	aws_access_key_id = AKIA...
 *	s3 =
 *	    max_queue_size = 1000      # nested: ignored
 *
 * Of two settings with one name the last counts. Messages quote nothing of the
 * file.
 */
#ifndef GSM_AWS_CREDENTIALS_INI_H
#define GSM_AWS_CREDENTIALS_INI_H

#include <stddef.h>

#include "common/err.h"

struct credentials_ini {
	const char *path;    /* for messages */
	const char *profile; /* looked for */
	bool prefixed;       /* by "profile ", but for "default" */
	bool found;          /* the profile is there */
	/* Is told the profile's settings; the name in lower case. */
	void (*setting)(void *arg, const char *name, const char *value);
	void *arg;
};

/* Changes `text` in place: what the callback is given points into it. False: a
 * line is neither section, setting nor comment. */
NODISCARD bool credentials_ini_parse(struct credentials_ini *ini, char *text,
				     struct err *err);

#endif
