/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/json_member.h"

#include <json-c/json.h>
#include <string.h>

static const char *const type_names[] = {
    [json_type_boolean] = "true or false", [json_type_int] = "an integer",
    [json_type_object] = "an object",      [json_type_array] = "a list",
    [json_type_string] = "a text",
};

/* *member: NULL if it is missing. */
static bool
find(const struct json_place *place, const char *name, bool must,
     enum json_type type, struct json_object **member)
{
	*member = NULL;
	if (!json_object_is_type(place->value, json_type_object))
		return err_set(place->err, "%s is not an object", place->where);
	if (json_object_object_get_ex(place->value, name, member) && *member) {
		if (json_object_is_type(*member, type))
			return true;
		return err_set(place->err, "%s.%s is not %s", place->where,
			       name, type_names[type]);
	}
	if (must)
		return err_set(place->err, "%s.%s is missing", place->where,
			       name);
	return true;
}

bool
json_member_text(const struct json_place *place, const char *name, bool must,
		 const char **text)
{
	struct json_object *member;

	if (!find(place, name, must, json_type_string, &member))
		return false;
	*text = member ? json_object_get_string(member) : "";
	if (must && **text == '\0')
		return err_set(place->err, "%s.%s is empty", place->where,
			       name);
	return true;
}

bool
json_member_texts(const struct json_place *place, const struct json_text *text,
		  size_t n, void *to)
{
	for (const struct json_text *t = text; t < text + n; t++) {
		const char *value;
		size_t len;

		if (!json_member_text(place, t->name, t->must, &value))
			return false;
		len = strlen(value);
		if (len >= t->size)
			return err_set(place->err,
				       "%s.%s is longer than %zu bytes",
				       place->where, t->name, t->size - 1);
		memcpy((char *)to + t->at, value, len + 1);
	}
	return true;
}

bool
json_member_integer(const struct json_place *place, const char *name, bool must,
		    int64_t min, int64_t max, int64_t *number)
{
	struct json_object *member;
	int64_t n;

	if (!find(place, name, must, json_type_int, &member))
		return false;
	if (!member)
		return true;
	n = json_object_get_int64(member);
	if (n < min || n > max)
		return err_set(place->err,
			       "%s.%s is %lld, not within %lld to %lld",
			       place->where, name, (long long)n, (long long)min,
			       (long long)max);
	*number = n;
	return true;
}

bool
json_member_truth(const struct json_place *place, const char *name, bool *truth)
{
	struct json_object *member;

	if (!find(place, name, true, json_type_boolean, &member))
		return false;
	*truth = json_object_get_boolean(member);
	return true;
}

bool
json_member_object(const struct json_place *place, const char *name,
		   const char *where, struct json_place *inner)
{
	*inner = (struct json_place){.where = where, .err = place->err};
	return find(place, name, true, json_type_object, &inner->value);
}

bool
json_member_each(const struct json_place *place, const char *name, bool must,
		 const char *where, json_each_fn *each, void *arg)
{
	struct json_place item = {.where = where, .err = place->err};
	struct json_object *array;
	size_t n;

	if (!find(place, name, must, json_type_array, &array))
		return false;
	n = array ? json_object_array_length(array) : 0;
	for (size_t i = 0; i < n; i++) {
		item.value = json_object_array_get_idx(array, i);
		if (!each(&item, arg))
			return false;
	}
	return true;
}

bool
json_own_text(const struct json_place *place, const char **text)
{
	if (!json_object_is_type(place->value, json_type_string))
		return err_set(place->err, "%s is not a text", place->where);
	*text = json_object_get_string(place->value);
	if (**text == '\0')
		return err_set(place->err, "%s is empty", place->where);
	return true;
}
