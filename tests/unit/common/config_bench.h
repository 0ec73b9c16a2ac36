/* SPDX-License-Identifier: MIT */
/* Loading a configuration from a file, from one variable, or from nothing. */
#ifndef GSM_COMMON_CONFIG_BENCH_H
#define GSM_COMMON_CONFIG_BENCH_H

#define _GNU_SOURCE /* realpath */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config.h"
#include "common/config_option.h"

#define X16  "xxxxxxxxxxxxxxxx"
#define X32  X16 X16
#define X64  X32 X32
#define X253 X64 X64 X64 X32 X16 "xxxxxxxxxxxxx"
#define X255 X253 "xx"

/* The result of one config_load. */
struct result {
	struct config config;
	struct err err;
	bool done;
	char warnings[4096]; /* one per line */
};

static inline void
note_warning(void *arg, const char *text)
{
	struct result *result = arg;
	size_t used = strlen(result->warnings);

	snprintf(result->warnings + used, sizeof(result->warnings) - used,
		 "%s\n", text);
}

static inline void
clear_environment(void)
{
	for (size_t i = 0; i < config_noptions; i++)
		unsetenv(config_options[i].name);
}

static inline struct result
load_path(enum config_reader reader, const char *path)
{
	struct result result;

	memset(&result, 0, sizeof(result));
	result.done = config_load(&result.config, reader, path, note_warning,
				  &result, &result.err);
	if (result.done)
		assert_string_equal(result.err.msg, "");
	else
		assert_string_not_equal(result.err.msg, "");
	return result;
}

/* The name of the file differs from run to run: FILE stands for it. */
static inline void
rename_file(char *text, const char *path)
{
	char *found;

	while ((found = strstr(text, path)) != NULL) {
		memcpy(found, "FILE", 4);
		memmove(found + 4, found + strlen(path),
			strlen(found + strlen(path)) + 1);
	}
}

/* Loads a file of this text. In messages it is called FILE. */
static inline struct result
load_file_as(enum config_reader reader, const char *content)
{
	char path[] = "/tmp/cfg.XXXXXX";
	int fd = mkstemp(path);
	size_t size = strlen(content);
	struct result result;

	assert_true(fd != -1);
	assert_int_equal(write(fd, content, size), size);
	close(fd);
	result = load_path(reader, path);
	unlink(path);
	rename_file(result.err.msg, path);
	rename_file(result.warnings, path);
	return result;
}

static inline struct result
load_file(const char *content)
{
	return load_file_as(CONFIG_SCALERD, content);
}

/* Loads with one option in the environment and nothing else. */
static inline struct result
load_option(const char *name, const char *value)
{
	struct result result;

	clear_environment();
	assert_int_equal(setenv(name, value, 1), 0);
	result = load_path(CONFIG_SCALERD, "/dev/null");
	unsetenv(name);
	return result;
}

static inline void
assert_accepted(const char *name, const char *value)
{
	struct result result = load_option(name, value);

	if (!result.done)
		print_error("%s=%s: %s\n", name, value, result.err.msg);
	assert_true(result.done);
}

static inline void
assert_refused(const char *name, const char *value)
{
	const struct config_option *option = config_option_find(name);
	struct result result = load_option(name, value);
	char accepted[CONFIG_ACCEPTED_SIZE];
	char expected[ERR_MSG_SIZE];

	if (result.done)
		print_error("%s=%s was accepted\n", name, value);
	assert_false(result.done);
	config_option_describe(option, accepted);
	snprintf(expected, sizeof(expected),
		 "environment: %s: \"%s\" is not accepted; accepted: %s", name,
		 value, accepted);
	assert_string_equal(result.err.msg, expected);
}

#endif
