/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/answer.h"

#include <json-c/json.h>

#include "scalerd/edge/strict_json.h"

static bool
read_joined(struct json_object *object, int64_t *joined, struct err *err)
{
	struct json_object *total;
	int64_t n = ANSWER_NO_JOINED;

	if (json_object_object_get_ex(object, "joined_total", &total)) {
		if (!json_object_is_type(total, json_type_int))
			return err_set(err, "joined_total is no integer");
		n = json_object_get_int64(total);
		if (n < 0 || n > ANSWER_JOINED_MAX)
			return err_set(err, "joined_total is out of range");
	}
	*joined = n;
	return true;
}

static bool
read_members(struct json_object *object, int64_t *seats, int64_t *joined,
	     bool *ready_to_close, struct err *err)
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
	if (!read_joined(object, joined, err))
		return false;
	*seats = n;
	*ready_to_close = json_object_get_boolean(ready);
	return true;
}

bool
answer_parse(const char *body, size_t size, int64_t *seats, int64_t *joined,
	     bool *ready_to_close, struct err *err)
{
	struct json_object *object =
	    strict_json_parse(body, size, ANSWER_DEPTH_MAX, err);
	bool ok;

	if (!object)
		return false;
	ok = read_members(object, seats, joined, ready_to_close, err);
	json_object_put(object);
	return ok;
}
