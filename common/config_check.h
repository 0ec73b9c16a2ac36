/* SPDX-License-Identifier: MIT */
/* What options must obey together. Used by config.c only. */
#ifndef GSM_COMMON_CONFIG_CHECK_H
#define GSM_COMMON_CONFIG_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config.h"
#include "common/err.h"

enum { CONFIG_CHECK_NAMES_MAX = 3 };

struct config_check {
	/* False: err says with the values what must hold. */
	bool (*holds)(const struct config *config, struct err *err);
	/* The options that it is about; fewer end with NULL. */
	const char *names[CONFIG_CHECK_NAMES_MAX];
};

extern const struct config_check config_checks[];
extern const size_t config_nchecks;

#endif
