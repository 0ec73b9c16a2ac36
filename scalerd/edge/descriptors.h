/* SPDX-License-Identifier: MIT */
/* The bound on this process's descriptors: each gameserver may keep one. */
#ifndef GSM_EDGE_DESCRIPTORS_H
#define GSM_EDGE_DESCRIPTORS_H

#include <stdint.h>

#include "common/err.h"

enum { DESCRIPTORS_OWN = 64 }; /* database, lock, log, events, provider */

/* How many that many gameservers need: the poller keeps connections in three
 * quarters of all. */
int64_t descriptors_needed(int64_t gameservers);

/* Raises the soft limit as far as the hard one allows. False: it is still too
 * low for so many gameservers; err says what is needed. */
NODISCARD bool descriptors_raise(int64_t gameservers, struct err *err);

#endif
