/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* CLOCK_BOOTTIME */
#include "fcgi-api/instant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char boot_id_path[] = "/proc/sys/kernel/random/boot_id";

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec ts = {0};
	(void)clock_gettime(clock, &ts); /* fails for unknown clocks only */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct instant
instant_now(void)
{
	return (struct instant){
	    .boot_ms = clock_ms(CLOCK_BOOTTIME),
	    .utc_ms = clock_ms(CLOCK_REALTIME),
	};
}

int64_t
instant_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

bool
instant_read_boot_id(char id[BOOT_ID_SIZE], struct err *err)
{
	id[0] = '\0';
	FILE *f = fopen(boot_id_path, "re");
	if (f == NULL)
		return err_set(err, "%s: %s", boot_id_path, strerror(errno));
	bool read = fgets(id, BOOT_ID_SIZE, f) != NULL;
	(void)fclose(f);
	if (!read)
		return err_set(err, "%s: nothing to read", boot_id_path);
	id[strcspn(id, "\n")] = '\0';
	return true;
}
