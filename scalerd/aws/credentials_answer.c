/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/credentials_answer.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

enum {
	ANSWER_DEPTH = 8,
	CODE_MAX = 64,
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Days since 1970-01-01 in the Gregorian calendar. */
static int64_t
days_since_1970(int year, int month, int day)
{
	const int64_t y = month <= 2 ? year - 1 : year;
	const int64_t m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

static int
read_digits(const char *at, int n)
{
	int value = 0;

	while (n-- > 0)
		value = 10 * value + (*at++ - '0');
	return value;
}

bool
credentials_time_parse(const char *text, int64_t *utc_ms)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	int month, day, hour, minute, second;
	const char *rest = text;

	for (const char *f = form; *f != '\0'; f++, rest++)
		if (*f == 'd' ? !is_digit(*rest) : *rest != *f)
			return false;
	if (*rest == '.') {
		if (!is_digit(*++rest))
			return false;
		while (is_digit(*rest))
			rest++;
	}
	if (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0)
		return false;
	month = read_digits(text + 5, 2);
	day = read_digits(text + 8, 2);
	hour = read_digits(text + 11, 2);
	minute = read_digits(text + 14, 2);
	second = read_digits(text + 17, 2);
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 60)
		return false;
	*utc_ms =
	    ((days_since_1970(read_digits(text, 4), month, day) * 24 + hour) *
		 60 +
	     minute) *
		60000 +
	    second * 1000;
	return *utc_ms > 0;
}

static struct json_object *
parse(const char *body, size_t size)
{
	struct json_tokener *tok = json_tokener_new_ex(ANSWER_DEPTH);
	struct json_object *value;

	if (!tok || size > INT_MAX) {
		if (tok)
			json_tokener_free(tok);
		return NULL;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tok, body, (int)size);
	json_tokener_free(tok);
	return value;
}

/* NULL: no such member, no text, or text with a NUL in it. */
static const char *
text_of(struct json_object *object, const char *name)
{
	struct json_object *member;
	const char *text;

	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_string))
		return NULL;
	text = json_object_get_string(member);
	return strlen(text) == (size_t)json_object_get_string_len(member)
		   ? text
		   : NULL;
}

static bool
is_word(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return text[0] != '\0' && strlen(text) <= CODE_MAX &&
	       text[strspn(text, letters)] == '\0';
}

static bool
read_members(struct json_object *object, const char *where,
	     struct credentials_found *found, struct err *err)
{
	const char *code = text_of(object, "Code");
	const char *token = text_of(object, "Token");
	const char *expiration = text_of(object, "Expiration");

	if (code && strcmp(code, "Success") != 0)
		return err_set(err, "%s gives no keys: %s", where,
			       is_word(code) ? code : "its Code is no word");
	if (!token || token[0] == '\0')
		return err_set(err, "%s: the Token is missing", where);
	if (!expiration ||
	    !credentials_time_parse(expiration, &found->expires_utc_ms))
		return err_set(err, "%s: the Expiration is no time", where);
	return credentials_set_keys(
	    &found->keys, text_of(object, "AccessKeyId"),
	    text_of(object, "SecretAccessKey"), token, where, err);
}

bool
credentials_answer_parse(const struct credentials_answer *answer,
			 const char *where, struct credentials_found *found,
			 struct err *err)
{
	struct json_object *object = parse(answer->body, answer->size);
	bool ok;

	if (json_object_is_type(object, json_type_object))
		ok = read_members(object, where, found, err);
	else
		ok = err_set(err, "%s: the answer is no JSON object", where);
	json_object_put(object);
	return ok;
}
