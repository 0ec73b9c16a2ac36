/* SPDX-License-Identifier: MIT */
/*
 * The body of a health answer -> seats and ready_to_close. Pure, strict.
 *
 * Exactly one JSON object (RFC 8259) with `available_capacity`, an integer
 * within +-ANSWER_SEATS_MAX, and `ready_to_close`, true or false; other
 * members are ignored. Anything else is wrong, also what strict_json.h says.
 */
#ifndef GSM_EDGE_ANSWER_H
#define GSM_EDGE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum {
	ANSWER_DEPTH_MAX = 8,
	ANSWER_SEATS_MAX = 1000000,
};

/* False: err says what is wrong with it, quoting nothing of the body. */
NODISCARD bool answer_parse(const char *body, size_t size, int64_t *seats,
			    bool *ready_to_close, struct err *err);

#endif
