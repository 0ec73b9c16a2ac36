/* SPDX-License-Identifier: MIT */
/*
 * The body of a health answer -> seats, joined and ready_to_close. Pure,
 * strict.
 *
 * Exactly one JSON object (RFC 8259) with `available_capacity`, an integer
 * within +-ANSWER_SEATS_MAX, and `ready_to_close`, true or false. It may
 * have `joined_total`, the connections that were accepted since the
 * gameserver's start, an integer of 0 .. ANSWER_JOINED_MAX; other members are
 * ignored. Anything else is wrong, also what strict_json.h says.
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
	ANSWER_NO_JOINED = -1, /* it has no joined_total */
};

#define ANSWER_JOINED_MAX (INT64_C(1) << 53) /* exact in every JSON library */

/* False: err says what is wrong with it, quoting nothing of the body. */
NODISCARD bool answer_parse(const char *body, size_t size, int64_t *seats,
			    int64_t *joined, bool *ready_to_close,
			    struct err *err);

#endif
