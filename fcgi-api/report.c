/* SPDX-License-Identifier: MIT */
#include "fcgi-api/report.h"

#include <stddef.h>
#include <time.h>

#include "fcgi-api/limits.h"

void
report_init(struct report_desk *d)
{
	pthread_condattr_t attr;
	/* None of these fails on Linux. */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&d->answered, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&d->mutex, NULL);
	d->read_ms = -1;
}

void
report_put(struct report_desk *d, struct report *report, int64_t now_ms)
{
	(void)pthread_mutex_lock(&d->mutex);
	if (report != NULL) {
		text_free(&d->last.status);
		d->last = *report;
		d->read_ms = now_ms;
	}
	d->answers++;
	atomic_store(&d->wanted, false);
	(void)pthread_cond_broadcast(&d->answered);
	(void)pthread_mutex_unlock(&d->mutex);
}

void
report_tidy(struct report_desk *d, int64_t now_ms)
{
	(void)pthread_mutex_lock(&d->mutex);
	if (d->read_ms >= 0 && now_ms - d->read_ms > REPORT_FORGET_MS) {
		text_free(&d->last.status);
		d->read_ms = -1;
	}
	(void)pthread_mutex_unlock(&d->mutex);
}

static void
wait_for_answer(struct report_desk *d)
{
	struct timespec until = {0};
	uint64_t before = d->answers;
	int rc = 0;
	atomic_store(&d->wanted, true);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REPORT_WAIT_S;
	while (d->answers == before && rc == 0)
		rc = pthread_cond_timedwait(&d->answered, &d->mutex, &until);
}

const struct report *
report_begin(struct report_desk *d, int64_t now_ms)
{
	(void)pthread_mutex_lock(&d->mutex);
	if (d->read_ms < 0 || now_ms - d->read_ms >= REPORT_KEEP_MS)
		wait_for_answer(d);
	return d->read_ms < 0 ? NULL : &d->last;
}

void
report_end(struct report_desk *d)
{
	(void)pthread_mutex_unlock(&d->mutex);
}
