/* SPDX-License-Identifier: MIT */
/*
 * One sentence about what went wrong, written where it went wrong and
 * carried up to whoever decides what to do about it.
 *
 * A function that can fail returns bool (true: done) and takes a struct err
 * last. The leaf fills it; the caller who decides logs it once.
 */
#ifndef GSM_COMMON_ERR_H
#define GSM_COMMON_ERR_H

#include <stdbool.h>

#define NODISCARD __attribute__((warn_unused_result))

enum { ERR_MSG_SIZE = 512 }; /* bytes, with the final NUL; longer is cut */

struct err {
	char msg[ERR_MSG_SIZE]; /* "" until something went wrong */
};

/* Writes the sentence. Always returns false: `return err_set(err, ...)`. */
bool err_set(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
