/* SPDX-License-Identifier: MIT */
/*
 * A text that is exactly one JSON object (RFC 8259) -> json-c's. Pure, strict:
 * an object anywhere in it that has a member twice is wrong, and so is \u0000:
 * readers of JSON disagree on what these mean.
 */
#ifndef GSM_EDGE_STRICT_JSON_H
#define GSM_EDGE_STRICT_JSON_H

#include <stddef.h>

#include "common/err.h"

struct json_object;

/* The object, for json_object_put. NULL: it is none, nested deeper than
 * depth_max or out of memory; err says what is wrong, quoting nothing of the
 * text. */
NODISCARD struct json_object *strict_json_parse(const char *text, size_t size,
						int depth_max, struct err *err);

#endif
