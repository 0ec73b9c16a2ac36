/* SPDX-License-Identifier: MIT */
/* The two clocks that a heartbeat is measured with, and which boot this is. */
#ifndef GSM_FCGI_API_INSTANT_H
#define GSM_FCGI_API_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum { BOOT_ID_SIZE = 64 };

struct instant {
	int64_t boot_ms; /* CLOCK_BOOTTIME: runs on while suspended */
	int64_t utc_ms;
};

struct instant instant_now(void);

/* CLOCK_BOOTTIME alone. */
int64_t instant_boot_ms(void);

/* The kernel's id of this boot. False: /proc can't be read. */
NODISCARD bool instant_read_boot_id(char id[BOOT_ID_SIZE], struct err *err);

#endif
