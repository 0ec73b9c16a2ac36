/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/credentials_source.h"

#include <openssl/crypto.h>
#include <string.h>

const char *
credentials_env(const struct credentials_search *search, const char *name)
{
	const char *value = search->env(search->env_arg, name);

	return value && value[0] != '\0' ? value : NULL;
}

/* Copies printable ASCII without white space and without any of `but`. */
static bool
copy_text(char *to, size_t size, const char *text, const char *but)
{
	const size_t n = strlen(text);

	if (n >= size || strcspn(text, but) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	memcpy(to, text, n + 1);
	return true;
}

bool
credentials_set_keys(struct aws_keys *keys, const char *id, const char *secret,
		     const char *token, const char *where, struct err *err)
{
	const char *wrong = NULL;

	if (!id || id[0] == '\0')
		return err_set(err, "%s: the access key id is missing", where);
	if (!secret || secret[0] == '\0')
		return err_set(err, "%s: the secret access key is missing",
			       where);
	if (!copy_text(keys->id, sizeof(keys->id), id, "/,"))
		wrong = "access key id";
	else if (!copy_text(keys->secret, sizeof(keys->secret), secret, ""))
		wrong = "secret access key";
	else if (!copy_text(keys->token, sizeof(keys->token),
			    token ? token : "", ""))
		wrong = "session token";
	if (!wrong)
		return true;
	OPENSSL_cleanse(keys, sizeof(*keys));
	return err_set(
	    err, "%s: the %s is too long or holds white space or control bytes",
	    where, wrong);
}

static enum credentials_look
look(struct credentials_search *search, struct err *err)
{
	const char *id = credentials_env(search, "AWS_ACCESS_KEY_ID");
	const char *secret = credentials_env(search, "AWS_SECRET_ACCESS_KEY");

	if (id || secret) {
		if (!credentials_set_keys(
			&search->found.keys, id, secret,
			credentials_env(search, "AWS_SESSION_TOKEN"),
			"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", err))
			return CREDENTIALS_LOOK_FAILED;
		return CREDENTIALS_LOOK_FOUND;
	}
	if (credentials_env(search, "AWS_WEB_IDENTITY_TOKEN_FILE")) {
		err_set(err, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but web "
			     "identity is not supported; use keys, a container "
			     "role or an instance role, and unset it");
		return CREDENTIALS_LOOK_FAILED;
	}
	return CREDENTIALS_LOOK_NONE;
}

const struct credentials_source credentials_environment = {
    .name = "the environment",
    .look = look,
};
