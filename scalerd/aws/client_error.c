/* SPDX-License-Identifier: MIT */
#include "scalerd/aws/client_error.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "scalerd/aws/ec2_answer.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
	JSON_DEPTH_MAX = 8,
	JSON_SIZE_MAX = 64 * 1024, /* of an error: more is none */
};

_Static_assert((int)EC2_CODE_SIZE == (int)AWS_ERROR_CODE_SIZE &&
		   (int)EC2_MESSAGE_SIZE == (int)AWS_ERROR_MESSAGE_SIZE,
	       "an error of EC2 does not fit");

/* "com.amazonaws.ecs#ClientException:http://..." -> "ClientException" */
static void
set_code(struct aws_error *error, const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	const char *hash = strchr(text, '#');
	size_t size;

	if (hash)
		text = hash + 1;
	size = strcspn(text, ":");
	if (size >= sizeof(error->code) || strspn(text, allowed) < size)
		return;
	memcpy(error->code, text, size);
	error->code[size] = '\0';
}

/* The first line: the others of a wrong signature's message repeat the request
 * with its session token. */
static void
set_message(struct aws_error *error, const char *text)
{
	const size_t size = strcspn(text, "\r\n");
	size_t n = 0;

	for (; n < size && n < sizeof(error->message) - 1; n++)
		error->message[n] =
		    text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	error->message[n] = '\0';
}

/* The first of the names that is a text; "": none is. */
static const char *
text_of(json_object *object, const char *const *names, size_t n)
{
	json_object *value;

	for (size_t i = 0; i < n; i++)
		if (json_object_object_get_ex(object, names[i], &value) &&
		    json_object_is_type(value, json_type_string))
			return json_object_get_string(value);
	return "";
}

static void
read_json(struct aws_error *error, const char *body, size_t size)
{
	static const char *const codes[] = {"__type", "code"};
	static const char *const messages[] = {"message", "Message"};
	json_tokener *tokener;
	json_object *object;

	if (size > JSON_SIZE_MAX)
		return;
	tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	if (!tokener)
		return;
	object = json_tokener_parse_ex(tokener, body, (int)size);
	if (json_object_is_type(object, json_type_object)) {
		if (error->code[0] == '\0')
			set_code(error, text_of(object, codes, COUNT(codes)));
		set_message(error, text_of(object, messages, COUNT(messages)));
	}
	json_object_put(object);
	json_tokener_free(tokener);
}

static void
read_xml(struct aws_error *error, const char *body, size_t size)
{
	char code[EC2_CODE_SIZE];
	char message[EC2_MESSAGE_SIZE];

	if (!ec2_read_error(code, message, body, size))
		return;
	set_code(error, code);
	set_message(error, message);
}

void
client_error_read(struct aws_error *error, const struct client_failure *failure)
{
	*error = (struct aws_error){.status = failure->status};
	if (failure->service == CLIENT_ECS) {
		set_code(error, failure->error_type);
		read_json(error, failure->body, failure->size);
	} else {
		read_xml(error, failure->body, failure->size);
	}
	error->class =
	    aws_error_classify(error->code, error->status, error->message);
	if (error->message[0] == '\0')
		snprintf(error->message, sizeof(error->message),
			 "HTTP status %ld", error->status);
}
