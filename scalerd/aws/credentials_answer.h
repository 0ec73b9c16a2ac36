/* SPDX-License-Identifier: MIT */
/*
 * The JSON of container endpoint and instance metadata -> AWS keys. Pure,
 * strict: AccessKeyId, SecretAccessKey, Token and Expiration must be there.
 */
#ifndef GSM_AWS_CREDENTIALS_ANSWER_H
#define GSM_AWS_CREDENTIALS_ANSWER_H

#include "scalerd/aws/credentials_source.h"

/* False: err begins with `where`; of the body it quotes at most a Code other
 * than Success, if that is one short word. */
NODISCARD bool credentials_answer_parse(const struct credentials_answer *answer,
					const char *where,
					struct credentials_found *found,
					struct err *err);

/* "2026-11-22T18:38:16Z" -> ms since 1970, also with a fraction, which is
 * dropped, and with +00:00. False: it is none, or before 1970. */
NODISCARD bool credentials_time_parse(const char *text, int64_t *utc_ms);

#endif
