/* SPDX-License-Identifier: MIT */
/* What the benchmarks of scalerd share: clocks, memory, medians. */
#ifndef GSM_TESTS_BENCH_H
#define GSM_TESTS_BENCH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static inline int64_t
bench_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* CPU time of this process, user and system. */
static inline int64_t
bench_cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t
bench_rss_kb(void)
{
	char line[256];
	int64_t kb = -1;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "VmRSS:", 6) == 0)
			kb = strtoll(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return kb;
}

static inline int
bench_compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a;
	const int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts, so that the first is the least and the last the greatest. */
static inline int64_t
bench_median(int64_t *value, size_t n)
{
	qsort(value, n, sizeof(*value), bench_compare);
	return value[n / 2];
}

#endif
