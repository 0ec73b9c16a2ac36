/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/strict_json.h"

#include <json-c/json.h>
#include <json-c/json_visit.h>
#include <limits.h>
#include <string.h>

/*
 * json-c judges the grammar, but even its strict mode lets words through that
 * are no JSON (NaN, 'x', 1., control characters), cuts a member's name at
 * \u0000 and keeps only the last of two members with one name. So the text is
 * read twice: first here, word by word, then by json-c.
 */
struct text {
	const char *at;
	const char *end;
	int depth;
	int depth_max;
	size_t members; /* of all objects, repeated ones too */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
take(struct text *t, const char *any_of)
{
	if (t->at == t->end || *t->at == '\0' || !strchr(any_of, *t->at))
		return false;
	t->at++;
	return true;
}

static bool
take_digits(struct text *t)
{
	const char *first = t->at;

	while (t->at < t->end && is_digit(*t->at))
		t->at++;
	return t->at > first;
}

static bool
take_number(struct text *t)
{
	take(t, "-");
	if (take(t, "0") ? take_digits(t) : !take_digits(t))
		return false;
	if (take(t, ".") && !take_digits(t))
		return false;
	if (take(t, "eE")) {
		take(t, "+-");
		if (!take_digits(t))
			return false;
	}
	return true;
}

static bool
take_word(struct text *t, const char *word)
{
	const size_t size = strlen(word);

	if ((size_t)(t->end - t->at) < size || memcmp(t->at, word, size) != 0)
		return false;
	t->at += size;
	return true;
}

static bool
take_string(struct text *t)
{
	t->at++;
	while (t->at < t->end) {
		const unsigned char c = (unsigned char)*t->at;

		if (c == '"') {
			t->at++;
			return true;
		}
		if (c < 0x20 || take_word(t, "\\u0000"))
			return false;
		/* Which escapes there are is json-c's to know. */
		if (c == '\\')
			t->at++;
		if (t->at < t->end)
			t->at++;
	}
	return false;
}

static bool
take_mark(struct text *t)
{
	switch (*t->at++) {
	case '{':
	case '[':
		return ++t->depth <= t->depth_max;
	case '}':
	case ']':
		return --t->depth >= 0;
	case ':':
		t->members++;
		return true;
	default:
		return true;
	}
}

static bool
take_token(struct text *t)
{
	const char c = *t->at;

	if (c == '"')
		return take_string(t);
	if (c == '-' || is_digit(c))
		return take_number(t);
	if (c != '\0' && strchr("{}[]:, \t\r\n", c))
		return take_mark(t);
	return take_word(t, "true") || take_word(t, "false") ||
	       take_word(t, "null");
}

static struct json_object *
parse(const char *text, int size, int depth_max)
{
	/* A value within the deepest bracket counts as a level of its own. */
	struct json_tokener *tok = json_tokener_new_ex(depth_max + 1);
	struct json_object *value;

	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tok, text, size);
	json_tokener_free(tok);
	return value;
}

static int
count_members(struct json_object *value, int flags, struct json_object *parent,
	      const char *name, size_t *index, void *members)
{
	(void)value;
	(void)parent;
	(void)index;
	if (name && flags != JSON_C_VISIT_SECOND)
		++*(size_t *)members;
	return JSON_C_VISIT_RETURN_CONTINUE;
}

struct json_object *
strict_json_parse(const char *text, size_t size, int depth_max, struct err *err)
{
	struct text t = {
	    .at = text, .end = text + size, .depth_max = depth_max};
	struct json_object *object;
	size_t members = 0;

	if (size > INT_MAX) {
		err_set(err, "the answer is too long");
		return NULL;
	}
	while (t.at < t.end) {
		if (!take_token(&t)) {
			err_set(err, "the answer is no JSON");
			return NULL;
		}
	}
	object = parse(text, (int)size, depth_max);
	if (!json_object_is_type(object, json_type_object))
		err_set(err, "the answer is no JSON object");
	else if (json_c_visit(object, 0, count_members, &members) != 0 ||
		 members != t.members)
		err_set(err, "the answer has a member twice");
	else
		return object;
	json_object_put(object);
	return NULL;
}
