/* SPDX-License-Identifier: MIT */
#include "scalerd/edge/clock.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "scalerd/edge/loop.h"

static struct instant
now(void *self)
{
	struct timespec utc;

	(void)self;
	clock_gettime(CLOCK_REALTIME, &utc);
	return (struct instant){.ms = loop_now_ms(),
				.utc_ms = (int64_t)utc.tv_sec * 1000 +
					  utc.tv_nsec / 1000000};
}

static uint64_t
random_number(void *self)
{
	uint64_t number;

	(void)self;
	/* Never short for so few bytes, unless the system call is forbidden;
	 * an id that is not random may be another one's. */
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		abort();
	return number;
}

struct clock_port
clock_system(void)
{
	return (struct clock_port){.now = now, .random = random_number};
}
