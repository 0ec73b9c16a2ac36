/* SPDX-License-Identifier: MIT */
/* The version of all programs: what --version prints. */
#ifndef GSM_COMMON_VERSION_H
#define GSM_COMMON_VERSION_H

#define GSM_VERSION "0.1.0"

#endif
