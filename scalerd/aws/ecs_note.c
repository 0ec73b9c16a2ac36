/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/ecs_note.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
add_text(struct json_object *object, const char *name, const char *text)
{
	struct json_object *value;

	if (text[0] == '\0')
		return true;
	value = json_object_new_string(text);
	if (!value)
		return false;
	return json_object_object_add(object, name, value) == 0;
}

static bool
add_number(struct json_object *object, const char *name, int64_t number)
{
	struct json_object *value;

	if (number == 0)
		return true;
	value = json_object_new_int64(number);
	if (!value)
		return false;
	return json_object_object_add(object, name, value) == 0;
}

bool
ecs_note_write(char request[REQUEST_SIZE], const struct ecs_note *note,
	       struct err *err)
{
	struct json_object *object = json_object_new_object();
	const char *text = NULL;
	int size = -1;

	if (object && add_text(object, "machine", note->machine) &&
	    add_text(object, "task", note->task) &&
	    add_number(object, "tries", note->tries) &&
	    add_number(object, "at", note->at_utc_ms))
		text = json_object_to_json_string_ext(
		    object,
		    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		size = snprintf(request, REQUEST_SIZE, "%s", text);
	json_object_put(object);
	if (size < 0 || size >= REQUEST_SIZE)
		return err_set(err, "can't write down how far it is");
	return true;
}

static bool
read_text(struct json_object *object, const char *name, char *to, size_t size)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value))
		return true;
	if (!json_object_is_type(value, json_type_string) ||
	    (size_t)json_object_get_string_len(value) >= size)
		return false;
	snprintf(to, size, "%s", json_object_get_string(value));
	return true;
}

static bool
read_number(struct json_object *object, const char *name, int64_t most,
	    int64_t *to)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value))
		return true;
	if (!json_object_is_type(value, json_type_int))
		return false;
	*to = json_object_get_int64(value);
	return *to >= 0 && *to <= most;
}

bool
ecs_note_read(struct ecs_note *note, const char *request, struct err *err)
{
	struct json_object *object = json_tokener_parse(request);
	bool ok;

	*note = (struct ecs_note){.tries = 0};
	ok = json_object_is_type(object, json_type_object) &&
	     read_text(object, "machine", note->machine,
		       sizeof(note->machine)) &&
	     read_text(object, "task", note->task, sizeof(note->task)) &&
	     read_number(object, "tries", ECS_NOTE_TRIES_MAX, &note->tries) &&
	     read_number(object, "at", INT64_MAX, &note->at_utc_ms);
	json_object_put(object);
	return ok || err_set(err, "the recorded request can't be read");
}

int64_t
ecs_note_tries(const char *run_task)
{
	struct json_object *object = json_tokener_parse(run_task);
	struct json_object *token;
	const char *dash;
	int64_t tries = ECS_NOTE_TRIES_MAX;

	if (json_object_object_get_ex(object, "clientToken", &token) &&
	    json_object_is_type(token, json_type_string)) {
		dash = strchr(json_object_get_string(token), '-');
		tries = dash ? strtol(dash + 1, NULL, 10) : 0;
	}
	json_object_put(object);
	return tries >= 0 && tries < ECS_NOTE_TRIES_MAX ? tries
							: ECS_NOTE_TRIES_MAX;
}
