/* SPDX-License-Identifier: MIT */
/* Paths of options, made independent of the working directory. */
#ifndef GSM_COMMON_CONFIG_PATH_H
#define GSM_COMMON_CONFIG_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Writes the absolute path of the file into to[size]: what exists of it is
 * resolved as realpath(3) does, symbolic links and all; the rest is appended
 * without empty and "." parts. So everybody who names the file in whatever way
 * means the same one, before and after its directory is made. False: the path
 * does not end in the name of a file, is too long, or there is no working
 * directory. */
NODISCARD bool config_path_absolute(const char *path, char *to, size_t size);

#endif
