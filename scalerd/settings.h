/* SPDX-License-Identifier: MIT */
/*
 * The configuration as scalerd reads it, its warnings held back until someone
 * wants to see them (not on every `--ensure` of cron).
 */
#ifndef GSM_SCALERD_SETTINGS_H
#define GSM_SCALERD_SETTINGS_H

#include "common/config.h"
#include "common/err.h"

enum { SETTINGS_WARNINGS_MAX = 32 }; /* more are only counted */

struct settings {
	struct config config;
	int nwarning;
	struct err warning[SETTINGS_WARNINGS_MAX];
};

/* Reads file and environment. False: err says why; the warnings so far are
 * there. */
NODISCARD bool settings_load(struct settings *settings, const char *path,
			     struct err *err);

/* Logs the warnings, each as event=config. */
void settings_log_warnings(const struct settings *settings);

#endif
