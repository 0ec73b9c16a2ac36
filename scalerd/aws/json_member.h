/* SPDX-License-Identifier: MIT */
/*
 * Typed members of a JSON object in an answer. False: a member that must be
 * there is missing or empty, one is of another type, too long or out of range;
 * the place's err says which. A member that is null is missing.
 */
#ifndef GSM_AWS_JSON_MEMBER_H
#define GSM_AWS_JSON_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct json_object;

/* Something in an answer. */
struct json_place {
	struct json_object *value;
	const char *where; /* for messages: "tasks[].containers[]" */
	struct err *err;
};

/* One text of a struct: which member it is, and where it goes. */
struct json_text {
	const char *name;
	size_t at; /* offsetof */
	size_t size;
	bool must; /* be there, not empty */
};

/* *text: the member's, valid as long as the answer; "" when it is missing. */
NODISCARD bool json_member_text(const struct json_place *place,
				const char *name, bool must, const char **text);

/* Copies the texts into the struct at `to`. */
NODISCARD bool json_member_texts(const struct json_place *place,
				 const struct json_text *text, size_t n,
				 void *to);

/* *number is as it was when the member is missing and need not be there. */
NODISCARD bool json_member_integer(const struct json_place *place,
				   const char *name, bool must, int64_t min,
				   int64_t max, int64_t *number);

/* Must be there. */
NODISCARD bool json_member_truth(const struct json_place *place,
				 const char *name, bool *truth);

/* Must be there. *inner is at `where` and valid as long as the answer. */
NODISCARD bool json_member_object(const struct json_place *place,
				  const char *name, const char *where,
				  struct json_place *inner);

/* Tells each of an array, as being at `where`, until one is wrong. */
typedef bool json_each_fn(const struct json_place *place, void *arg);
NODISCARD bool json_member_each(const struct json_place *place,
				const char *name, bool must, const char *where,
				json_each_fn *each, void *arg);

/* The text that the place itself holds; never empty. */
NODISCARD bool json_own_text(const struct json_place *place, const char **text);

#endif
