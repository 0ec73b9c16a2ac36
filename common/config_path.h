/* SPDX-License-Identifier: MIT */
/* Paths of options, made independent of the working directory. */
#ifndef GSM_COMMON_CONFIG_PATH_H
#define GSM_COMMON_CONFIG_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Writes the absolute path of the file into to[size]. An absolute path stays
 * as it is. Of a relative one what exists is resolved as realpath(3) does; the
 * rest is appended without empty and "." parts, so that the answer is the same
 * before and after its directory is made. False: the path does not end in the
 * name of a file, is too long, or there is no working directory. */
NODISCARD bool config_path_absolute(const char *path, char *to, size_t size);

#endif
