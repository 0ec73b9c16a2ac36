/* SPDX-License-Identifier: MIT */
/* The profile of AWS's shared credentials and config files. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/env_file.h"
#include "scalerd/aws/credentials_ini.h"
#include "scalerd/aws/credentials_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	PATH_SIZE = 4096,
	PROFILE_FILE_MAX = 1024 * 1024,
};

/* The first three are keys; the others ask for what is not supported. Those
 * that AWS's tools prefer to keys stand before those that they don't. */
enum {
	SETTING_ID,
	SETTING_SECRET,
	SETTING_TOKEN,
	SETTING_BEFORE_KEYS,
	SETTING_BEHIND_KEYS = SETTING_BEFORE_KEYS + 6,
	SETTING_COUNT = SETTING_BEHIND_KEYS + 2,
};

static const char *const settings[] = {
    "aws_access_key_id",  "aws_secret_access_key",   "aws_session_token",
    "role_arn",           "web_identity_token_file", "sso_session",
    "sso_start_url",      "sso_account_id",          "sso_role_name",
    "credential_process", "login_session",
};
_Static_assert(COUNT(settings) == SETTING_COUNT, "each setting has its name");

struct file {
	const char *variable;  /* that says where it is */
	const char *home_path; /* where it is otherwise, under HOME */
	bool prefixed;
	bool found; /* the profile is in it */
	char path[PATH_SIZE];
	char *text; /* NULL: there is no such file */
	size_t size;
	const char *value[SETTING_COUNT]; /* NULL: not set; into text */
};

static void
take_setting(void *arg, const char *name, const char *value)
{
	struct file *file = arg;

	for (size_t i = 0; i < COUNT(settings); i++)
		if (strcmp(name, settings[i]) == 0)
			file->value[i] = value[0] != '\0' ? value : NULL;
}

/* False: the path is too long. "": there is no home. */
static bool
find_file(const struct credentials_search *search, struct file *file,
	  bool *named, struct err *err)
{
	const char *path = credentials_env(search, file->variable);
	const char *home = credentials_env(search, "HOME");
	int n;

	*named = path != NULL;
	if (path && strncmp(path, "~/", 2) != 0)
		home = "";
	else if (path)
		path++;
	else
		path = file->home_path;
	if (!home)
		return true;
	n = snprintf(file->path, sizeof(file->path), "%s%s", home, path);
	if (n >= PATH_SIZE)
		return err_set(err, "%s: the path is too long", file->variable);
	return true;
}

static bool
read_file(const struct credentials_search *search, const char *profile,
	  struct file *file, struct err *err)
{
	struct credentials_ini ini = {
	    .path = file->path,
	    .profile = profile,
	    .prefixed = file->prefixed,
	    .setting = take_setting,
	    .arg = file,
	};
	struct err cause;
	bool named;
	bool ok;

	if (!find_file(search, file, &named, err))
		return false;
	/* One that was named must be there. */
	if (!named &&
	    (file->path[0] == '\0' || (access(file->path, F_OK) != 0 &&
				       (errno == ENOENT || errno == ENOTDIR))))
		return true;
	if (!env_file_read(file->path, PROFILE_FILE_MAX, &file->text,
			   &file->size, &cause))
		return err_set(err, "%s%s%.400s", named ? file->variable : "",
			       named ? ": " : "", cause.msg);
	ok = credentials_ini_parse(&ini, file->text, err);
	file->found = ini.found;
	return ok;
}

static void
forget_file(struct file *file)
{
	if (file->text)
		OPENSSL_cleanse(file->text, file->size);
	free(file->text);
}

/* True, and says so, if one of the settings [first, end) is there. */
static bool
is_unsupported(const struct file *file, const char *profile, size_t first,
	       size_t end, struct err *err)
{
	for (size_t i = first; i < end; i++) {
		if (!file->value[i])
			continue;
		err_set(err,
			"%.200s: profile %.64s has %s, which is not supported; "
			"use keys, a container role or an instance role",
			file->path, profile, settings[i]);
		return true;
	}
	return false;
}

static bool
has_keys(const struct file *file)
{
	return file->value[SETTING_ID] || file->value[SETTING_SECRET];
}

static enum credentials_look
take_keys(struct credentials_search *search, const struct file *file,
	  const char *profile, struct err *err)
{
	char where[ERR_MSG_SIZE / 2];

	snprintf(where, sizeof(where), "%.160s: profile %.64s", file->path,
		 profile);
	return credentials_set_keys(&search->found.keys,
				    file->value[SETTING_ID],
				    file->value[SETTING_SECRET],
				    file->value[SETTING_TOKEN], where, err)
		   ? CREDENTIALS_LOOK_FOUND
		   : CREDENTIALS_LOOK_FAILED;
}

static enum credentials_look
choose(struct credentials_search *search, const struct file *shared,
       const struct file *config, const char *profile, struct err *err)
{
	const struct file *const files[] = {shared, config};

	for (size_t i = 0; i < COUNT(files); i++)
		if (is_unsupported(files[i], profile, SETTING_BEFORE_KEYS,
				   SETTING_BEHIND_KEYS, err))
			return CREDENTIALS_LOOK_FAILED;
	if (has_keys(shared))
		return take_keys(search, shared, profile, err);
	for (size_t i = 0; i < COUNT(files); i++)
		if (is_unsupported(files[i], profile, SETTING_BEHIND_KEYS,
				   SETTING_COUNT, err))
			return CREDENTIALS_LOOK_FAILED;
	if (has_keys(config))
		return take_keys(search, config, profile, err);
	return CREDENTIALS_LOOK_NONE;
}

static enum credentials_look
look_in_files(struct credentials_search *search, struct file *shared,
	      struct file *config, struct err *err)
{
	const char *variable = "AWS_PROFILE";
	const char *named = credentials_env(search, variable);
	const char *profile;

	if (!named) {
		variable = "AWS_DEFAULT_PROFILE";
		named = credentials_env(search, variable);
	}
	profile = named ? named : "default";
	if (!read_file(search, profile, shared, err) ||
	    !read_file(search, profile, config, err))
		return CREDENTIALS_LOOK_FAILED;
	if (named && !shared->found && !config->found) {
		err_set(err,
			"%s: there is no profile %.64s in the shared "
			"credentials and config files",
			variable, named);
		return CREDENTIALS_LOOK_FAILED;
	}
	return choose(search, shared, config, profile, err);
}

static enum credentials_look
look(struct credentials_search *search, struct err *err)
{
	struct file shared = {.variable = "AWS_SHARED_CREDENTIALS_FILE",
			      .home_path = "/.aws/credentials"};
	struct file config = {.variable = "AWS_CONFIG_FILE",
			      .home_path = "/.aws/config",
			      .prefixed = true};
	const enum credentials_look look =
	    look_in_files(search, &shared, &config, err);

	forget_file(&shared);
	forget_file(&config);
	return look;
}

const struct credentials_source credentials_profile = {
    .name = "the shared credentials and config files",
    .look = look,
};
