/* SPDX-License-Identifier: MIT */
#include "common/config_aws.h"

#include <stddef.h>
#include <string.h>

enum {
	PARTITION_MAX = 16, /* what follows "aws" in its name */
	REGION_MAX = 64,
	ACCOUNT_DIGITS = 12,
	NAME_MAX_LEN = 255, /* of a cluster or a family */
	REVISION_DIGITS = 10,
	TEMPLATE_MIN = 3,
	TEMPLATE_MAX = 128,
	ID_MIN = 8, /* hex digits of an id: old ones have 8, new ones 17 */
	ID_MAX = 17,
};

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME   UPPER LOWER DIGITS "_-"
#define HEX    DIGITS "abcdef"

/* What follows the word; NULL: the text does not begin with it, or is NULL. */
static const char *
skip_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	return text && strncmp(text, word, len) == 0 ? text + len : NULL;
}

/* What follows the characters of that set; NULL: fewer than min or more than
 * max, or the text is NULL. */
static const char *
skip_set(const char *text, const char *set, size_t min, size_t max)
{
	const size_t len = text ? strspn(text, set) : 0;

	return text && len >= min && len <= max ? text + len : NULL;
}

static bool
is_end(const char *text)
{
	return text && text[0] == '\0';
}

/* What follows arn:<partition>:ecs:<region>:<account>:<kind>, or the text
 * itself when it is no such ARN. */
static const char *
name_in_arn(const char *text, const char *kind)
{
	const char *s = skip_word(text, "arn:aws");

	s = skip_word(skip_set(s, LOWER "-", 0, PARTITION_MAX), ":ecs:");
	s = skip_word(skip_set(s, LOWER DIGITS "-", 1, REGION_MAX), ":");
	s = skip_set(s, DIGITS, ACCOUNT_DIGITS, ACCOUNT_DIGITS);
	s = skip_word(s, kind);
	return s ? s : text;
}

bool
config_aws_is_cluster(const char *text)
{
	const char *name = name_in_arn(text, ":cluster/");

	return is_end(skip_set(name, NAME, 1, NAME_MAX_LEN));
}

bool
config_aws_is_task_definition(const char *text)
{
	const char *name = name_in_arn(text, ":task-definition/");
	const char *s = skip_set(name, NAME, 1, NAME_MAX_LEN);
	const char *revision = skip_word(s, ":");

	if (!revision)
		return is_end(s);
	return revision[0] != '0' &&
	       is_end(skip_set(revision, DIGITS, 1, REVISION_DIGITS));
}

bool
config_aws_is_launch_template(const char *text)
{
	const char *id = skip_word(text, "lt-");

	if (id)
		return is_end(skip_set(id, HEX, ID_MIN, ID_MAX));
	return is_end(skip_set(text, NAME ".()/", TEMPLATE_MIN, TEMPLATE_MAX));
}

bool
config_aws_is_id_list(const char *text, const char *prefix, int max)
{
	for (int i = 0; i < max; i++) {
		text = skip_set(skip_word(text, prefix), HEX, ID_MIN, ID_MAX);
		if (!text || text[0] == '\0')
			return text;
		text = skip_word(text, ",");
	}
	return false;
}
