/* SPDX-License-Identifier: MIT */
#include "common/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config_check.h"
#include "common/config_option.h"
#include "common/env_file.h"

enum {
	SHOWN_MAX = 64,   /* bytes of a value that a message shows */
	SHOWN_SIZE = 288, /* the same with escapes, quotes, dots and NUL */
	MORE_SIZE = 24,   /* " (and NNNN more mistakes)" */
	SOURCE_SIZE = 320,

	HOLD_MS = 1000,      /* for about 99 % of the players who connect */
	HOLD_LONG_MS = 2000, /* where one player too many is felt at once */
	HOLD_FEW_SEATS = 10, /* of a gameserver: these */
};

/* What somebody set an option to. */
struct setting {
	const char *value; /* NULL: nobody did */
	int line;          /* in the file; 0: the environment */
};

struct load {
	enum config_reader reader;
	const char *path; /* NULL: no file */
	config_warn_fn *warn;
	void *arg;
	struct err *err;
	int mistakes;
	int mistakes_shown;                          /* of them in err */
	struct setting settings[CONFIG_OPTIONS_MAX]; /* as config_options */
};

static struct setting *
setting_of(struct load *load, const struct config_option *option)
{
	return &load->settings[option - config_options];
}

static struct setting *
setting_named(struct load *load, const char *name)
{
	return setting_of(load, config_option_find(name));
}

/* fcgi-api looks at its own options only. */
static bool
is_read(const struct load *load, const struct config_option *option)
{
	return load->reader == CONFIG_SCALERD ||
	       (option->flags & CONFIG_API) != 0;
}

__attribute__((format(printf, 2, 3))) static void
add_warning(struct load *load, const char *fmt, ...)
{
	char text[ERR_MSG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	load->warn(load->arg, text);
}

/* Collects mistakes as long as they fit into one message. */
__attribute__((format(printf, 2, 3))) static void
add_mistake(struct load *load, const char *fmt, ...)
{
	char text[ERR_MSG_SIZE];
	size_t used = strlen(load->err->msg);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (load->mistakes++ == 0)
		err_set(load->err, "%s", text);
	else if (load->mistakes_shown == load->mistakes - 1 &&
		 used + strlen(text) + MORE_SIZE < ERR_MSG_SIZE)
		snprintf(load->err->msg + used, ERR_MSG_SIZE - used, "; %s",
			 text);
	else
		return;
	load->mistakes_shown++;
}

static bool
has_mistakes(struct load *load)
{
	size_t used = strlen(load->err->msg);
	int hidden = load->mistakes - load->mistakes_shown;

	if (hidden > 0)
		snprintf(load->err->msg + used, ERR_MSG_SIZE - used,
			 " (and %d more)", hidden);
	return load->mistakes > 0;
}

/* Writes "FILE:LINE", "environment" or "the default". */
static void
say_source(const struct load *load, const struct setting *setting,
	   char to[SOURCE_SIZE])
{
	if (setting->value == NULL)
		snprintf(to, SOURCE_SIZE, "the default");
	else if (setting->line == 0)
		snprintf(to, SOURCE_SIZE, "environment");
	else
		snprintf(to, SOURCE_SIZE, "%s:%d", load->path, setting->line);
}

/* Writes the value in quotes, cut, fit for a terminal. */
static void
say_value(const char *value, char to[SHOWN_SIZE])
{
	size_t used = 0;
	size_t i;

	to[used++] = '"';
	for (i = 0; i < SHOWN_MAX && value[i] != '\0'; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c >= ' ' && c <= '~')
			to[used++] = (char)c;
		else
			used += (size_t)snprintf(to + used, SHOWN_SIZE - used,
						 "\\x%02x", c);
	}
	snprintf(to + used, SHOWN_SIZE - used, "%s\"",
		 value[i] == '\0' ? "" : "...");
}

static void
add_refusal(struct load *load, const struct config_option *option,
	    const struct setting *setting)
{
	char source[SOURCE_SIZE], value[SHOWN_SIZE];
	char accepted[CONFIG_ACCEPTED_SIZE];

	say_source(load, setting, source);
	/* A URL with an "@" holds a password. */
	if ((option->flags & CONFIG_SECRET) != 0 ||
	    strchr(setting->value, '@') != NULL)
		snprintf(value, sizeof(value), "the value");
	else
		say_value(setting->value, value);
	config_option_describe(option, accepted);
	add_mistake(load, "%s: %s: %s is not accepted; accepted: %s", source,
		    option->name, value, accepted);
}

static void
take_unknown(struct load *load, const struct env_file_entry *entry)
{
	const struct config_option *guess = config_option_guess(entry->name);

	if (load->reader != CONFIG_SCALERD)
		return;
	add_warning(load, "%s:%d: %.64s is not an option%s%s%s", load->path,
		    entry->line, entry->name,
		    guess != NULL ? "; did you mean " : "",
		    guess != NULL ? guess->name : "", guess != NULL ? "?" : "");
}

static void
take_problem(struct load *load, const struct config_option *option,
	     const struct env_file_entry *entry)
{
	const char *colon = option != NULL ? ": " : "";
	const char *name = option != NULL ? option->name : "";

	/* A broken line must not stop the API, unless it is about the API. */
	if (option == NULL && load->reader == CONFIG_FCGI_API)
		add_warning(load, "%s:%d: %s; the line is ignored", load->path,
			    entry->line, entry->problem);
	else
		add_mistake(load, "%s:%d: %s%s%s", load->path, entry->line,
			    name, colon, entry->problem);
}

static void
take_entry(void *arg, const struct env_file_entry *entry)
{
	struct load *load = arg;
	const struct config_option *option = config_option_find(entry->name);
	struct setting *setting;

	if (option != NULL && !is_read(load, option))
		return;
	if (entry->problem != NULL) {
		take_problem(load, option, entry);
		return;
	}
	if (option == NULL) {
		take_unknown(load, entry);
		return;
	}
	setting = setting_of(load, option);
	if (setting->value != NULL)
		add_warning(
		    load, "%s:%d: %s is already set in line %d; line %d counts",
		    load->path, entry->line, option->name, setting->line,
		    entry->line);
	*setting = (struct setting){entry->value, entry->line};
}

static void
take_environment(struct load *load)
{
	for (size_t i = 0; i < config_noptions; i++) {
		const char *value = getenv(config_options[i].name);

		if (value != NULL && is_read(load, &config_options[i]))
			load->settings[i] = (struct setting){value, 0};
	}
}

static void
read_values(struct load *load, struct config *config)
{
	for (size_t i = 0; i < config_noptions; i++) {
		const struct config_option *option = &config_options[i];
		const struct setting *setting = &load->settings[i];

		if (setting->value != NULL) {
			if (!option->kind->read(option, setting->value, config))
				add_refusal(load, option, setting);
		} else if ((option->flags & CONFIG_OTHER_NAME) == 0) {
			if (!option->kind->read(option, option->preset, config))
				add_mistake(load,
					    "default: %s: \"%s\" is not "
					    "accepted",
					    option->name, option->preset);
		}
	}
}

/* Defaults that depend on other options. */
static void
settle(struct config *config)
{
	if (config->seat_hold_ms == CONFIG_HOLD_UNSET)
		config->seat_hold_ms =
		    config->allocation == CONFIG_ALLOCATION_PACK ||
			    config->server_capacity <= HOLD_FEW_SEATS
			? HOLD_LONG_MS
			: HOLD_MS;
}

/* Tells what was accepted, but is not as it looks. */
static void
warn_of_values(struct load *load, const struct config *config)
{
	const struct setting *region = setting_named(load, "AWS_REGION");
	char source[SOURCE_SIZE], value[SHOWN_SIZE];

	if (region->value != NULL &&
	    strcmp(region->value, config->aws_region) != 0) {
		say_source(load, region, source);
		say_value(region->value, value);
		add_warning(load, "%s: AWS_REGION: %s is read as \"%s\"",
			    source, value, config->aws_region);
	}
	if (setting_named(load, "SLEEP_TIME")->value != NULL &&
	    setting_named(load, "THREAD_SLEEP_TIME")->value != NULL)
		add_warning(load,
			    "SLEEP_TIME and THREAD_SLEEP_TIME are both set; "
			    "THREAD_SLEEP_TIME counts");
	if (setting_named(load, "MAX_SERVERS")->value == NULL)
		add_warning(
		    load,
		    "MAX_SERVERS is not set; at most %lld gameservers will be "
		    "launched",
		    (long long)config->max_servers);
}

static void
check_options(struct load *load, const struct config *config,
	      const struct config_check *check)
{
	char sources[CONFIG_CHECK_NAMES_MAX * (SOURCE_SIZE + 2)];
	size_t used = 0;
	struct err err;

	if (check->holds(config, &err))
		return;
	for (int i = 0; i < CONFIG_CHECK_NAMES_MAX && check->names[i]; i++) {
		char source[SOURCE_SIZE];

		say_source(load, setting_named(load, check->names[i]), source);
		used += (size_t)snprintf(sources + used, sizeof(sources) - used,
					 "%s%s", i > 0 ? ", " : "", source);
	}
	add_mistake(load, "%s (set in: %s)", err.msg, sources);
}

static bool
load_values(struct load *load, struct config *config)
{
	take_environment(load);
	read_values(load, config);
	settle(config);
	if (load->mistakes == 0 && load->reader == CONFIG_SCALERD)
		for (size_t i = 0; i < config_nchecks; i++)
			check_options(load, config, &config_checks[i]);
	if (has_mistakes(load))
		return false;
	if (load->reader == CONFIG_SCALERD)
		warn_of_values(load, config);
	return true;
}

static const char *
find_file(void)
{
	static const char *const paths[] = {"/etc/gameserver-manager.env",
					    "./.env"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], F_OK) == 0)
			return paths[i];
	return NULL;
}

bool
config_load(struct config *config, enum config_reader reader, const char *path,
	    config_warn_fn *warn, void *arg, struct err *err)
{
	struct load load = {
	    .reader = reader, .warn = warn, .arg = arg, .err = err};
	struct config loaded = {0};
	char *text = NULL;
	size_t size;
	bool done;

	load.path = path != NULL ? path : find_file();
	err->msg[0] = '\0';
	if (load.path != NULL) {
		if (!env_file_read(load.path, CONFIG_FILE_MAX, &text, &size,
				   err))
			return false;
		env_file_parse(text, size, take_entry, &load);
	}
	done = load_values(&load, &loaded);
	free(text);
	if (done)
		*config = loaded;
	return done;
}

const char *
config_needs_restart(const struct config *now, const struct config *next)
{
	for (size_t i = 0; i < config_noptions; i++)
		if ((config_options[i].flags & CONFIG_RESTART) != 0 &&
		    !config_option_same(&config_options[i], now, next))
			return config_options[i].name;
	return NULL;
}

const char *
config_aws_variable(void *config, const char *name)
{
	const struct config_option *option = config_option_find(name);
	const char *value;

	if (option == NULL || strncmp(name, "AWS_", 4) != 0)
		return getenv(name);
	value = (const char *)config + option->offset;
	return value[0] != '\0' ? value : NULL;
}
