/* SPDX-License-Identifier: MIT */
#include "scalerd/settings.h"

#include "common/log.h"

static void
on_warning(void *arg, const char *text)
{
	struct settings *settings = arg;

	if (settings->nwarning < SETTINGS_WARNINGS_MAX)
		(void)err_set(&settings->warning[settings->nwarning], "%s",
			      text);
	settings->nwarning++;
}

bool
settings_load(struct settings *settings, const char *path, struct err *err)
{
	settings->nwarning = 0;
	return config_load(&settings->config, CONFIG_SCALERD, path, on_warning,
			   settings, err);
}

void
settings_log_warnings(const struct settings *settings)
{
	for (int i = 0; i < settings->nwarning; i++) {
		if (i == SETTINGS_WARNINGS_MAX) {
			log_warn("config", LOG_NUM("more_warnings",
						   settings->nwarning - i));
			return;
		}
		log_warn("config",
			 LOG_TEXT("warning", settings->warning[i].msg));
	}
}
