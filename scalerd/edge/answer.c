/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/answer.h"

#include <json-c/json.h>
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
	int members; /* of the outermost object, repeated ones too */
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
		return ++t->depth <= ANSWER_DEPTH_MAX;
	case '}':
	case ']':
		return --t->depth >= 0;
	case ':':
		t->members += t->depth == 1;
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
parse(const char *body, int size)
{
	/* A value within the deepest bracket counts as a level of its own. */
	struct json_tokener *tok = json_tokener_new_ex(ANSWER_DEPTH_MAX + 1);
	struct json_object *value;

	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT |
					JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tok, body, size);
	json_tokener_free(tok);
	return value;
}

static bool
read_members(struct json_object *object, int64_t *seats, bool *ready_to_close,
	     struct err *err)
{
	struct json_object *capacity;
	struct json_object *ready;
	int64_t n;

	if (!json_object_object_get_ex(object, "available_capacity", &capacity))
		return err_set(err, "no available_capacity");
	if (!json_object_object_get_ex(object, "ready_to_close", &ready))
		return err_set(err, "no ready_to_close");
	if (!json_object_is_type(capacity, json_type_int))
		return err_set(err, "available_capacity is no integer");
	if (!json_object_is_type(ready, json_type_boolean))
		return err_set(err, "ready_to_close is not true or false");
	n = json_object_get_int64(capacity);
	if (n < -ANSWER_SEATS_MAX || n > ANSWER_SEATS_MAX)
		return err_set(err, "available_capacity is out of range");
	*seats = n;
	*ready_to_close = json_object_get_boolean(ready);
	return true;
}

bool
answer_parse(const char *body, size_t size, int64_t *seats,
	     bool *ready_to_close, struct err *err)
{
	struct text t = {.at = body, .end = body + size};
	struct json_object *object;
	bool ok;

	if (size > INT_MAX)
		return err_set(err, "the answer is too long");
	while (t.at < t.end)
		if (!take_token(&t))
			return err_set(err, "the answer is no JSON");
	object = parse(body, (int)size);
	if (!json_object_is_type(object, json_type_object))
		ok = err_set(err, "the answer is no JSON object");
	else if (json_object_object_length(object) != t.members)
		ok = err_set(err, "the answer has a member twice");
	else
		ok = read_members(object, seats, ready_to_close, err);
	json_object_put(object);
	return ok;
}
